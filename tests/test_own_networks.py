"""A network in a file of one's own: what is sound works everywhere, what is not is named."""

import re
from argparse import Namespace

import numpy as np
import pytest
import torch

from conftest import ROOT, InterruptedCheckpoint
from convlab.core.checkpoint import Checkpoint
from convlab.core.errors import InputError
from convlab.core.loop import train
from convlab.core.optimizers import Muon
from convlab.core.weights import find_network, load_network, save_network
from convlab.digits.checks import check_classifier
from convlab.digits.prediction import NETWORKS as DIGITS
from convlab.digits.training import TrainCnn
from convlab.superres import tiling
from convlab.superres.checks import check_upscaler
from convlab.superres.cost import multiply_adds
from convlab.superres.dependence import measure_dependence
from convlab.superres.tiling import plan_tiles, upscale_tiled
from convlab.superres.training import TrainSr
from convlab.superres.upscaling import NETWORKS, load_upscaler, upscale_luminance
from own_networks import (
    BROKEN,
    BROKEN_CLASSIFIERS,
    CLASSIFIERS,
    CONVOLUTIONS,
    RESULT,
    SOUND,
    network_file,
    upscaler,
)
from test_train_sr import SETTINGS, assert_equal_weights, finished, make
from tools import check_network

pytestmark = pytest.mark.numeric
PARAMS = SETTINGS | {"steps": 6, "batch_size": 2}
TRAIN_CNN = {"network": "cnn", "seed": 1, "steps": 4, "batch_size": 4, "learning_rate": 0.01}
TRAIN_CNN |= {"weight_decay": 0.01, "augmentation": "none", "log_every": 2, "snapshots": 2}


@pytest.fixture(autouse=True)
def _prepared(prepared):
    """As the scripts prepare torch."""


@pytest.fixture(params=SOUND)
def sound(request, tmp_path):
    with network_file(tmp_path, NETWORKS, request.param, SOUND[request.param]):
        yield request.param


def check(name):
    settings = find_network(NETWORKS, name).Settings()
    check_upscaler(name, 2, settings, TrainSr(**PARAMS | {"network": name}), patch_size=8)


def check_digits(name):
    check_classifier(name, find_network(DIGITS, name).Settings(), TrainCnn(**TRAIN_CNN))


def test_a_sound_network_passes_trains_resumes_and_is_loaded(sound, tmp_path, precision):
    check(sound)
    settings = PARAMS | {"network": sound, "precision": precision}
    whole, curve = finished(tmp_path / "whole", **settings)
    path = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        train(make(**settings), InterruptedCheckpoint(path, "me", after=3), name="sr")
    torch.manual_seed(99)
    resumed = make(**settings)
    assert train(resumed, Checkpoint(path, "me"), name="sr") == curve
    assert_equal_weights(resumed.network.state_dict(), whole.network.state_dict())
    file = tmp_path / "model.safetensors"
    save_network(file, whole.network, sound, {"scale": 2, "settings": {"channels": 8}})
    low = np.random.default_rng(0).integers(0, 256, (11, 14), np.uint8)
    expected = upscale_luminance(whole.network, low)
    np.testing.assert_array_equal(upscale_luminance(load_upscaler(file, 2), low), expected)


def randomized(name, **settings):
    """A network whose every weight counts, with an output that is not clipped."""
    network = make(network=name, **settings).network
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(0.1 * torch.randn(weights.shape, generator=random))
        level = network.eval()(torch.full((1, 1, 16, 16), 0.5)).mean()
        weights.add_(0.5 - level)  # of the last layer, a bias
    return network


DEPENDENCE = {  # what the layers' kernels, strides, dilations and windows say
    "batchnorm": (3, 1),
    "dropout": (3, 1),
    "two_layers": (3, 1),
    "dilated": (11, 1),
    "attention": (10, 8),
    "channel_attention": None,
    "halved": (5, 2),
    "tied_and_frozen": (4, 1),
    "computed_weights": (3, 1),
    "stochastic_depth": (3, 1),
}


def test_tiles_show_no_seams_whatever_the_layers_are(sound, monkeypatch):
    network = randomized(sound)
    low = np.random.default_rng(0).integers(0, 256, (61, 107), np.uint8)
    (whole,) = upscale_tiled(network, low, 2, plan_tiles(network, *low.shape))
    monkeypatch.setattr(tiling, "TILE_SIDE", 40)
    planned = plan_tiles(network, *low.shape)
    *_, tiled = upscale_tiled(network, low, 2, planned)
    assert whole.std() > 5
    assert np.abs(tiled.astype(int) - whole).max() <= 1
    measured, expected = measure_dependence(network), DEPENDENCE[sound]
    assert len(planned) == (1 if expected is None else 6)
    if expected is None:
        assert measured is None
    else:
        assert measured.period == expected[1]
        assert expected[0] <= measured.reach < expected[0] + measured.period


MULTIPLY_ADDS = {  # for an LR pixel: convolutions, then what else there is
    "batchnorm": 72 + 576 + 288,
    "two_layers": 200 + 8 * 36,
    # Four projections of 8 channels to 8; each pixel with 64, twice.
    "attention": 72 + 576 + 288 + 4 * 64 + 2 * 64 * 8,
    # The linear layer of one vector for all of 24 x 24 pixels is less than one.
    "channel_attention": 72 + 576 + 288 + 64 / 24**2,
    "computed_weights": 72 + 576 + 288,
}


@pytest.mark.parametrize("name", MULTIPLY_ADDS)
def test_multiply_adds_are_counted_whatever_the_layers_are(tmp_path, name):
    with network_file(tmp_path, NETWORKS, name, SOUND[name]):
        assert multiply_adds(make(network=name).network.eval()) == round(MULTIPLY_ADDS[name] / 4)


def test_muon_gets_hidden_weights_whatever_the_order_of_registration(tmp_path):
    late = "self.late = nn.Conv2d(8, 8, 3, padding=1)"
    forward = f"features = self.late(self.second(self.first(low).relu()).relu())\n{RESULT}"
    with network_file(tmp_path, NETWORKS, "late", upscaler(CONVOLUTIONS + late, forward)):
        assert make(network="late").names_trained_by(Muon) == ["second.weight", "late.weight"]


def test_muon_gets_no_weights_that_are_not_applied_to_features(tmp_path):
    with network_file(tmp_path, NETWORKS, "computed", SOUND["computed_weights"]):
        assert make(network="computed").names_trained_by(Muon) == []


@pytest.mark.parametrize(
    ("package", "source", "expected"),
    [
        pytest.param(package, *fault, id=name)
        for package, faults in ((NETWORKS, BROKEN), (DIGITS, BROKEN_CLASSIFIERS))
        for name, fault in faults.items()
    ],
)
def test_a_broken_network_is_named_in_one_line_before_any_training(
    tmp_path, package, source, expected
):
    checks = {NETWORKS: check, DIGITS: check_digits}
    with (
        network_file(tmp_path, package, "broken", source),
        pytest.raises(InputError) as caught,
    ):
        checks[package]("broken")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_digit_network_of_any_structure_passes_and_comes_back(tmp_path, name):
    with network_file(tmp_path, DIGITS, name, CLASSIFIERS[name]):
        check_digits(name)
        module = find_network(DIGITS, name)
        settings = module.Settings()
        network = module.Network(settings=settings)
        save_network(tmp_path / "n", network, name, {"settings": settings.model_dump()})
        assert_equal_weights(
            load_network(tmp_path / "n", DIGITS).state_dict(), network.state_dict()
        )


def test_the_check_says_what_a_network_costs_in_each_track(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(check_network, "prepare", lambda _: None)  # torch is the other tests', too
    check_network.main(Namespace(network="student", track=None, json=False))
    upscaler, classifier = capsys.readouterr().out.split("\n\n", maxsplit=1)
    assert upscaler.startswith("src/convlab/superres/networks/student.py: no faults found\n")
    assert re.search(r"parameters +104\n", upscaler)
    assert re.search(r"receptive field +5 x 5 LR pixels\n", upscaler)
    assert classifier.startswith("src/convlab/digits/networks/student.py: no faults found\n")
    assert re.search(r"time of 2,814 steps +[\d.]+ min", classifier)
    with pytest.raises(InputError, match=r"there is no network 'studnet': src/.* has .*student"):
        check_network.main(Namespace(network="studnet", track=None, json=False))
