"""Checkpoints: saved completely, used only by their own training, and if damaged not at all."""

import json
import os
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from conftest import little_room
from convlab.core.checkpoint import Checkpoint
from convlab.core.fingerprint import fingerprint

STATE = {
    "step": 3,
    "curve": [{"step": 3, "loss": 29.123456789, "best": -float("inf")}],
    "name": "ä",
    "nothing": None,
    "moments": {0: {"step": torch.tensor(3.0), "mean": torch.arange(6.0).reshape(2, 3).T}},
    "bytes": [torch.tensor([0.5, 0.25], dtype=torch.bfloat16), torch.arange(4, dtype=torch.int64)],
    "image": torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last),
}


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path / "work" / "toy.safetensors", "me")


def same(one, other):
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def test_a_saved_state_comes_back_and_a_later_one_replaces_it(checkpoint, capsys):
    assert checkpoint.load() is None
    for step in (6, 3):
        checkpoint.save(STATE | {"step": step})
    assert same(checkpoint.load(), STATE)
    assert list(checkpoint.path.parent.iterdir()) == [checkpoint.path]
    checkpoint.remove()
    assert checkpoint.load() is None
    assert capsys.readouterr().out == ""


def test_a_full_disk_leaves_the_former_state(checkpoint):
    checkpoint.save(STATE)
    with pytest.raises(OSError, match="File too large"), little_room(200):
        checkpoint.save(STATE | {"step": 6})
    assert checkpoint.load()["step"] == 3


def test_the_state_of_another_training_is_not_used_and_that_is_said(checkpoint, capsys):
    checkpoint.save(STATE)
    assert Checkpoint(checkpoint.path, "you").load() is None
    said = "the checkpoint is from other parameters, data or code: starting from step 0\n"
    assert capsys.readouterr().out == said
    assert checkpoint.load() is not None


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
def test_a_damaged_file_is_renamed_wherever_the_damage_is(tmp_path_factory, place, bit, cut):
    checkpoint = Checkpoint(tmp_path_factory.mktemp("damage") / "toy.safetensors", "me")
    checkpoint.save(STATE)
    content = bytearray(checkpoint.path.read_bytes())
    index = int(place * len(content))
    content[index] ^= 1 << bit
    checkpoint.path.write_bytes(content[:index] if cut else content)
    assert checkpoint.load() is None
    assert [path.name for path in checkpoint.path.parent.iterdir()] == ["toy.damaged"]


def test_nothing_is_unpickled(checkpoint):
    """The file, without its checksum at the end, is one of safetensors and JSON."""
    checkpoint.save(STATE)
    plain = checkpoint.path.with_name("plain")
    plain.write_bytes(checkpoint.path.read_bytes()[:-32])
    with safe_open(plain, framework="pt") as file:
        assert json.loads(file.metadata()["structure"])


def test_the_fingerprint_follows_content_and_settings(tmp_path):
    data, code = tmp_path / "data", tmp_path / "code"
    data.write_text("data")
    code.write_text("code")
    settings = [{"seed": 1, "steps": 10}]
    before = fingerprint(settings, [data, code])
    os.utime(data, (0, 0))
    assert before == fingerprint([{"steps": 10, "seed": 1}], iter([code, data]))
    others = [fingerprint([{"seed": 2, "steps": 10}], [data, code]), fingerprint(settings, [data])]
    code.write_text("Code")
    others.append(fingerprint(settings, [data, code]))
    assert len({before, *others}) == 4


def test_the_fingerprint_follows_the_loaded_modules_of_the_library(monkeypatch):
    before = fingerprint([], [])
    monkeypatch.delitem(sys.modules, "convlab.core.checkpoint")
    assert fingerprint([], []) != before
