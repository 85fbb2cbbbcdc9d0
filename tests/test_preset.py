"""A preset changes params.yaml where people see it, and nothing else."""

import difflib
import re
import shutil
import subprocess
from functools import partial

import pytest
import torch
import yaml

from conftest import ROOT, TINY, little_room
from convlab.core.errors import InputError
from convlab.core.loop import take_step
from convlab.core.params import read_block, read_yaml
from convlab.superres.checks import build_upscaler, try_training
from convlab.superres.patches import MakePatches
from convlab.superres.training import TrainSr
from tools import preset
from tools.check_network import read_settings

NAMES = ["all-scales", "demo", "gpu", "long"]


@pytest.fixture
def params(tmp_path, monkeypatch):
    """A folder with the repository's parameters and presets."""
    monkeypatch.chdir(tmp_path)
    for file in ROOT.glob("params.*"):
        shutil.copy(file, tmp_path)
    return tmp_path / "params.yaml"


def test_changes_replace_single_values_in_nested_blocks_and_nothing_else():
    values = {"a": {"b": {"c": 1, "d": 2}, "e": {"f": 3}}, "g": [4]}
    changes = {"a": {"b": {"c": 5, "h": {}}, "e": 6}, "g": [7]}
    merged = {"a": {"b": {"c": 5, "d": 2, "h": {}}, "e": 6}, "g": [7]}
    assert preset.merge(values, changes) == merged
    assert preset.merge(values, {}) == merged


def test_no_change_leaves_every_byte(params):
    former = params.read_bytes()
    preset.lay_over(params, {})
    assert params.read_bytes() == former


def test_the_presets_are_the_files():
    names = [path.name for path in ROOT.glob("params.*.yaml")]
    assert sorted(names) == [f"params.{name}.yaml" for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_changes_its_own_lines_and_keeps_their_comments(params, name):
    before = params.read_text()
    changes = preset.read_preset(name)
    preset.lay_over(params, changes)
    after = params.read_text()
    assert read_yaml(params) == preset.merge(yaml.safe_load(before), changes)
    assert re.findall("#.*", after) == re.findall("#.*", before)
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    removed, added = ([line for line in lines if line.startswith(sign)] for sign in ("- ", "+ "))
    assert len(removed) == len(added) > 0


@pytest.mark.parametrize("scales", [[3], [4, 3]])
def test_a_list_stays_in_one_line(params, scales):
    preset.lay_over(params, {"scales": scales})
    assert f"\nscales: {scales} # upscaling factors" in params.read_text()


def test_what_the_tests_change_is_valid(params):
    preset.lay_over(params, TINY)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": {"steps": 3}}, r"params\.yaml: train: unknown block"),
        ({"train_cnn": 3}, r"params\.yaml: train_cnn: must have these keys"),
        ({"networks": {"nonet": {}}}, r"params\.yaml: networks\.nonet: unknown"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_and_undone(params, changes, message):
    former = params.read_bytes()
    with pytest.raises(InputError, match=f"/{message}"):
        preset.lay_over(params, changes)
    assert params.read_bytes() == former


def test_a_full_disk_leaves_the_parameters_as_they_were(params):
    former = params.read_bytes()
    with little_room(1000), pytest.raises(OSError, match="too large"):
        preset.lay_over(params, {"scales": [3]})
    assert params.read_bytes() == former
    assert not list(params.parent.glob(".draft-*"))


def test_an_unknown_preset_is_named_with_those_there_are(params):
    with pytest.raises(InputError, match=r"no preset 'huge'.*: choose among all-scales, demo"):
        preset.read_preset("huge")


def test_it_is_laid_over_before_anything_runs(params, monkeypatch, capsys):
    steps = []
    monkeypatch.setattr(
        preset.repro, "main", lambda: steps.append(read_yaml(params)["train_sr"]["steps"])
    )
    preset.main("long")
    assert steps == [5850]
    said = "params.yaml has the values of params.long.yaml now: `git diff params.yaml` shows"
    assert capsys.readouterr().out.startswith(said)


def test_the_gpu_preset_trains_a_small_network_on_the_processor(params):
    preset.lay_over(params, preset.read_preset("gpu"))
    on_gpu = read_block(params, "train_sr", TrainSr)
    assert (on_gpu.device, on_gpu.network) == ("cuda", "equivariant")
    # On a GPU, auto is bfloat16.
    train_sr = on_gpu.model_copy(update={"device": "cpu", "precision": "bfloat16"})
    large = read_settings("superres", train_sr.network)
    small = large.model_copy(update={"channels": 8, "layers": 2})
    build = partial(build_upscaler, train_sr.network, 2, small)
    patch_size = read_block(params, "make_patches", MakePatches).patch_size
    training = try_training(build, train_sr, patch_size)
    batches, tail = training.batches(0), training.network.tail.weight
    former = tail.detach().clone()
    low, high = next(batches)[:2]
    assert (low.shape, high.shape) == ((64, 1, 48, 48), (64, 1, 96, 96))
    for step in range(2):
        assert take_step(training, next(batches), step).isfinite()
    assert not torch.equal(tail, former)


@pytest.mark.parametrize(
    ("given", "script"), [([], "repro.py"), (["PRESET=long"], 'preset.py "$PRESET"')]
)
def test_make_repro_takes_a_preset(given, script):
    command = ["make", "--no-print-directory", "--dry-run", "repro", *given]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert said.splitlines()[-1] == f"python src/tools/{script}"
