"""Patches in shards: written by several processes, resumed, read whole or window by window."""

from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image

import make_patches
from conftest import ROOT, InterruptedCheckpoint
from convlab.core.checkpoint import Checkpoint
from convlab.core.errors import InputError
from convlab.core.loop import train
from convlab.superres import shards, windows
from convlab.superres.patches import MakePatches, Pair, Shards, make_pair, write_patches
from convlab.superres.training import cumulative_probabilities
from convlab.superres.windows import Windows
from several_processes import superres
from tools.preset import lay_over


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with six photographs to train on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shards, "PHOTOGRAPHS", 2)
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    lay_over(tmp_path / "params.yaml", {"make_patches": {"patch_size": 8, "stride": 8}})
    random = np.random.default_rng(0)
    folder = tmp_path / "data/raw/bsds500"
    for name in ("train/a", *(f"test/{letter}" for letter in "bcdefg"), "val/z"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (32, 48, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return tmp_path


def cut_by(monkeypatch, cores):
    monkeypatch.setattr(shards.joblib, "cpu_count", lambda: cores)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


def test_any_number_of_cores_writes_the_same(project, monkeypatch):
    found = []
    for cores in (1, 2):
        cut_by(monkeypatch, cores)
        make_patches.main(2)
        found.append(contents(project / "data/patches/x2"))
    assert found[0] == found[1]
    assert not list((project / ".work/patches").iterdir())
    names = {path.as_posix() for path in found[0] if path.suffix != ".png"}
    arrays = {f"0000{shard}/{name}.npy" for shard in range(3) for name in ("low", "high")}
    assert names == arrays | {"patches.sha256"}


def test_the_order_is_that_of_the_photographs(project, monkeypatch):
    cut_by(monkeypatch, 1)
    make_patches.main(2)
    shards = Shards(project / "data/patches/x2")
    low, high = shards.read_all()
    assert shards.counts == [12, 12, 12]
    for number, letter in enumerate("bcdefg"):
        with Image.open(project / f"data/raw/bsds500/test/{letter}.png") as image:
            pair = make_pair(np.array(image), 2)
        np.testing.assert_array_equal(low[6 * number], pair.low[:8, :8])
        np.testing.assert_array_equal(high[6 * number + 5], pair.high[16:32, 32:48])


def test_an_interrupted_run_goes_on_with_the_next_shard(project, monkeypatch):
    cut_by(monkeypatch, 1)
    broken = project / "data/raw/bsds500/test/e.png"  # in the second shard
    good = broken.read_bytes()
    broken.write_bytes(b"")
    with pytest.raises(InputError, match=r"e\.png"):
        make_patches.main(2)
    (done,) = (project / ".work/patches/x2").iterdir()
    before = (done / "low.npy").stat().st_ino
    broken.write_bytes(good)
    make_patches.main(2)
    assert (project / "data/patches/x2/00000/low.npy").stat().st_ino == before  # it was moved
    assert Shards(project / "data/patches/x2").count == 36


@pytest.mark.parametrize("changed", ["photograph", "parameter"])
def test_a_shard_of_other_photographs_or_parameters_is_not_used(project, monkeypatch, changed):
    cut_by(monkeypatch, 1)
    folder = project / "data/raw/bsds500/test"
    last = folder / "g.png"
    good = last.read_bytes()
    last.write_bytes(b"")
    with pytest.raises(InputError, match=r"g\.png"):
        make_patches.main(2)
    last.write_bytes(good)
    if changed == "photograph":
        (folder / "b.png").write_bytes((folder / "c.png").read_bytes())
    else:
        lay_over(project / "params.yaml", {"make_patches": {"stride": 4}})
    make_patches.main(2)
    interrupted = contents(project / "data/patches/x2")
    make_patches.main(2)
    assert contents(project / "data/patches/x2") == interrupted


def test_a_photograph_too_small_for_a_patch_leaves_no_shard(project, monkeypatch):
    cut_by(monkeypatch, 1)
    for letter in "bc":
        small = np.zeros((12, 12, 3), np.uint8)
        Image.fromarray(small).save(project / f"data/raw/bsds500/test/{letter}.png")
    make_patches.main(2)
    assert Shards(project / "data/patches/x2").counts == [12, 12]


COUNTS = [700, 40, 1300]


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """Shards whose patches, of 2 x 2 and 4 x 4, hold their number."""
    folder, first = tmp_path_factory.mktemp("numbered"), 0
    for number, count in enumerate(COUNTS):
        own = folder / f"{number:05}"
        own.mkdir()
        values = np.arange(first, first + count)
        digits = np.stack([values // 256, values % 256, values * 0, values * 0], axis=1)
        low = digits.reshape(-1, 2, 2).astype(np.uint8)
        np.save(own / "low.npy", low)
        np.save(own / "high.npy", low.repeat(2, axis=1).repeat(2, axis=2))
        first += count
    return Shards(folder)


def numbers(pair):
    """The numbers of patches; both resolutions must have the same."""
    np.testing.assert_array_equal(pair.high[:, ::2, ::2], pair.low)
    return 256 * pair.low[:, 0, 0].astype(int) + pair.low[:, 0, 1]


def test_all_patches_are_read_in_their_order(numbered):
    np.testing.assert_array_equal(numbers(numbered.read_all()), np.arange(sum(COUNTS)))


def small(numbered, blocks=3, seed=3):
    """Windows of three blocks."""
    return Windows(numbered, 4 * blocks * windows.BLOCK * numbered.bytes_per_patch, seed)


def test_windows_hold_every_patch_once_before_any_comes_again(numbered):
    parts = small(numbered)
    assert len(parts.blocks) == 3 + 1 + 6
    assert parts.per_epoch == 4
    for epoch in (0, 1):
        read = [numbers(parts.read(4 * epoch + part)) for part in range(4)]
        assert max(map(len, read)) <= 3 * windows.BLOCK
        assert sorted(np.concatenate(read)) == list(range(sum(COUNTS)))
    assert not np.array_equal(numbers(parts.read(0)), numbers(parts.read(4)))


def test_a_window_depends_on_its_number_and_the_seed_alone(numbered):
    again = small(numbered)
    again.read(0)
    np.testing.assert_array_equal(*(numbers(each.read(2)) for each in (again, small(numbered))))
    other = numbers(small(numbered, seed=4).read(2))
    assert not np.array_equal(numbers(again.read(2)), other)


def test_blocks_are_read_in_the_order_in_which_they_lie(numbered):
    assert (np.diff(numbers(small(numbered).read(1))) > 0).all()


def test_windows_follow_the_steps_wherever_they_begin(numbered):
    parts = small(numbered)
    ends = {"last_step": 120, "batch_size": 20, "prepare": lambda pair: tuple(numbers(pair))}
    whole = list(parts.parts(0, **ends))
    assert len(whole) == 120
    assert len(set(whole)) == 5  # a window lasts 2040 / 4 / 20 = 25 steps
    for first in (1, 24, 25, 60, 119):
        assert list(islice(parts.parts(first, **ends), 200)) == whole[first:]


@pytest.fixture
def on_disk(tmp_path):
    """The patches of `superres`, in one shard."""
    photo = np.random.default_rng(0).integers(0, 256, (96, 96), np.uint8)
    (tmp_path / "00000").mkdir()
    pairs = [make_pair(photo, 2)]
    write_patches(tmp_path / "00000", pairs, 2, MakePatches(patch_size=8, stride=2))
    return Shards(tmp_path)


@pytest.mark.usefixtures("prepared")
def test_a_training_on_windows_resumes_with_the_same_bits(on_disk, tmp_path):
    parts = Windows(on_disk, 4 * windows.BLOCK * on_disk.bytes_per_patch, seed=1)
    assert parts.per_epoch == 2

    options = {"steps": 90, "validate_every": 45}
    curve = train(superres(parts, **options), Checkpoint(tmp_path / "whole", "me"), name="sr")
    interrupted = InterruptedCheckpoint(tmp_path / "checkpoint", "me", after=45)
    with pytest.raises(KeyboardInterrupt):
        train(superres(parts, **options), interrupted, name="sr")
    resumed = Checkpoint(tmp_path / "checkpoint", "me")
    assert train(superres(parts, **options), resumed, name="sr") == curve


def test_sampling_weights_hold_in_a_window(on_disk):
    window = Windows(on_disk, 4 * windows.BLOCK * on_disk.bytes_per_patch, seed=1).read(0)
    tensors = Pair(*map(torch.from_numpy, window))
    weights = np.diff(cumulative_probabilities(tensors, 0.5), prepend=0)
    assert len(weights) == len(window.low)
    assert weights.max() > weights.min()
