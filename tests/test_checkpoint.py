"""Checkpoints: whose they are, and what damaged ones are worth."""

import os
from pathlib import Path

import pytest
import torch

import convlab
from convlab.training.checkpoint import (
    identity,
    loaded_sources,
    read_checkpoint,
    write_checkpoint,
)

TENSORS = {
    "weights": torch.arange(6.0).reshape(2, 3),
    "steps": torch.tensor(3.0),
    "halves": torch.tensor([0.5, 0.25], dtype=torch.bfloat16),
}
NOTES = {"curve": [[1, 0.1, 29.123456789, float("inf")]], "name": "ä"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "work" / "checkpoint"


def test_a_checkpoint_comes_back(path):
    write_checkpoint(path, "me", TENSORS, NOTES)
    tensors, notes = read_checkpoint(path, "me")
    assert notes == NOTES
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)


def test_a_later_checkpoint_takes_the_place_of_the_former(path):
    write_checkpoint(path, "me", TENSORS, NOTES)
    write_checkpoint(path, "me", {}, {"curve": []})
    assert read_checkpoint(path, "me") == ({}, {"curve": []})
    assert list(path.parent.iterdir()) == [path]


def test_a_tensor_in_any_layout_is_written(path):
    image = torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)
    write_checkpoint(path, "me", {"image": image, "turned": TENSORS["weights"].T}, {})
    tensors, _ = read_checkpoint(path, "me")
    assert torch.equal(tensors["image"], image)
    assert torch.equal(tensors["turned"], TENSORS["weights"].T)


def test_anothers_checkpoint_is_none(path):
    write_checkpoint(path, "me", TENSORS, NOTES)
    assert read_checkpoint(path, "you") is None


def test_no_checkpoint_is_none(path):
    assert read_checkpoint(path, "me") is None


@pytest.mark.parametrize("kept", [0, 4, 8, 50, -1])
def test_a_truncated_checkpoint_is_none(path, kept):
    write_checkpoint(path, "me", TENSORS, NOTES)
    path.write_bytes(path.read_bytes()[:kept])
    assert read_checkpoint(path, "me") is None


@pytest.mark.parametrize("content", [b"a text", b"\0" * 100, b"\x80\x04\x95pickle"])
def test_what_is_no_checkpoint_is_none(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    assert read_checkpoint(path, "me") is None


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
