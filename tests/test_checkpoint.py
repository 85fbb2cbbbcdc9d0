"""Checkpoints: whose they are, and what damaged ones are worth."""

import os
from pathlib import Path

import pytest
import torch
from torch.optim import AdamW

import convlab
from conftest import little_room
from convlab.nets.mlp import Mlp
from convlab.training.checkpoint import Checkpoint, identity, loaded_sources, pack

TENSORS = {
    "weights": torch.arange(6.0).reshape(2, 3),
    "steps": torch.tensor(3.0),
    "halves": torch.tensor([0.5, 0.25], dtype=torch.bfloat16),
    "image": torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "turned": torch.arange(6.0).reshape(2, 3).T,
}
NOTES = {"curve": [[1, 0.1, 29.123456789, float("inf")]], "name": "ä"}


class Counting:
    """A training of nothing."""

    def __init__(self, step=0):
        self.step = step
        self.tensors, self.notes = TENSORS, NOTES

    def state(self):
        return self.tensors, self.notes | {"step": self.step}

    def resume(self, tensors, notes):
        self.step = notes.pop("step")
        self.tensors, self.notes = tensors, notes


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path / "work" / "counting", "me")


@pytest.fixture
def state(checkpoint):
    """The file of a checkpoint that was written at step 3."""
    checkpoint.write(Counting(3))
    return checkpoint.folder / "state.safetensors"


def assert_not_restored(checkpoint):
    training = Counting()
    checkpoint.restore(training)
    assert training.step == 0
    assert training.tensors is TENSORS


def test_a_training_goes_on_where_it_was(checkpoint, capsys):
    checkpoint.write(Counting(3))
    training = Counting()
    checkpoint.restore(training)
    assert (training.step, training.notes) == (3, NOTES)
    assert training.tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert training.tensors[name].dtype == tensor.dtype
        assert torch.equal(training.tensors[name], tensor)
    assert capsys.readouterr().out == "going on from step 3\n"


def test_a_later_checkpoint_takes_the_place_of_the_former(checkpoint):
    for step in (3, 6):
        checkpoint.write(Counting(step))
    training = Counting()
    checkpoint.restore(training)
    assert training.step == 6
    assert list(checkpoint.folder.parent.iterdir()) == [checkpoint.folder]


def test_a_former_checkpoint_is_good_while_a_later_one_is_written(checkpoint, state):
    """Killed at the worst moment: the former is out of its place, the later not yet in it."""
    checkpoint.folder.rename(checkpoint.folder.with_name(".former-counting"))
    checkpoint.folder.with_name(".draft-counting").mkdir()
    training = Counting()
    checkpoint.restore(training)
    assert training.step == 3


def test_a_former_checkpoint_is_good_when_the_disk_is_full(checkpoint, state):
    with pytest.raises(OSError, match="File too large"), little_room(200):
        checkpoint.write(Counting(6))
    training = Counting()
    checkpoint.restore(training)
    assert training.step == 3


def test_no_checkpoint_is_nothing_to_talk_about(checkpoint, capsys):
    assert_not_restored(checkpoint)
    assert capsys.readouterr().out == ""


def test_anothers_checkpoint_is_not_used_and_that_is_said(checkpoint, state, capsys):
    assert_not_restored(Checkpoint(checkpoint.folder, "you"))
    said = "the checkpoint is of other parameters, data or code: starting from step 0\n"
    assert capsys.readouterr().out == said


def test_a_removed_checkpoint_is_gone(checkpoint, state):
    checkpoint.remove()
    assert list(checkpoint.folder.parent.iterdir()) == []
    assert_not_restored(checkpoint)


def flip(content):
    content = bytearray(content)
    content[-3] ^= 16  # a bit of a weight: still a good file of tensors
    return content


@pytest.mark.parametrize(
    ("spoil", "listed"),
    [
        pytest.param(flip, True, id="a flipped bit"),
        pytest.param(lambda content: content, False, id="without its list"),
        pytest.param(lambda content: content[: len(content) // 2], True, id="half"),
        pytest.param(lambda content: content[:-1], False, id="all but a byte"),
        pytest.param(lambda content: b"", False, id="empty"),
        pytest.param(lambda content: b"a text", False, id="text"),
        pytest.param(lambda content: b"\x80\x04\x95pickle", False, id="pickle"),
    ],
)
def test_a_damaged_checkpoint_is_set_aside(checkpoint, spoil, listed, capsys):
    aside = checkpoint.folder.with_name("counting.damaged")
    for _ in range(2):  # also in the place of one that was set aside before
        checkpoint.write(Counting(3))
        state = checkpoint.folder / "state.safetensors"
        state.write_bytes(spoil(state.read_bytes()))
        if not listed:
            state.with_name("SHA256SUMS").unlink()
        assert_not_restored(checkpoint)
        said = f"the checkpoint is damaged: set aside as {aside}; starting from step 0\n"
        assert capsys.readouterr().out == said
        assert (aside / "state.safetensors").exists()
        assert not checkpoint.folder.exists()


def test_what_is_packed_stays_as_it_was():
    network = Mlp()
    optimizer = AdamW(network.parameters(), fused=True)
    tensors = pack(network, [optimizer])
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    network(torch.rand(4, 1, 28, 28))[0].square().mean().backward()
    optimizer.step()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, before[name]), name


def test_the_identity_follows_content_and_settings(tmp_path):
    data, code = tmp_path / "data", tmp_path / "code"
    data.write_text("data")
    code.write_text("code")
    settings = [{"seed": 1, "steps": 10}, "2.0"]
    before = identity(settings, [data, code])
    assert before == identity([{"steps": 10, "seed": 1}, "2.0"], iter([code, data]))
    others = [
        identity([{"seed": 2, "steps": 10}, "2.0"], [data, code]),
        identity([{"seed": 1, "steps": 10}, "2.1"], [data, code]),
        identity(settings, [data]),
        identity(settings, [data, code, code]),
    ]
    code.write_text("Code")
    others.append(identity(settings, [data, code]))
    data.write_text("Code")
    code.write_text("data")
    others.append(identity(settings, [data, code]))
    assert len({before, *others}) == 1 + len(others)


def test_the_identity_does_not_mind_when_a_file_was_written(tmp_path):
    path = tmp_path / "data"
    path.write_text("data")
    before = identity([], [path])
    os.utime(path, (0, 0))
    assert identity([], [path]) == before


def test_the_sources_are_the_librarys_loaded_modules():
    sources = loaded_sources()
    folder = Path(convlab.__file__).parent
    assert folder / "training" / "checkpoint.py" in sources
    assert folder / "files.py" in sources
    assert all(source.is_relative_to(folder) and source.is_file() for source in sources)
