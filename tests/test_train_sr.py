"""Training super-resolution on a few patches: sampling, validation, resuming."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from conftest import InterruptedCheckpoint
from convlab.core.checkpoint import Checkpoint
from convlab.core.loop import train
from convlab.core.weights import find_network, network_names
from convlab.imaging.resize import upscale
from convlab.superres.metrics import mean_psnr
from convlab.superres.patches import Pair, cut, make_pair
from convlab.superres.training import TrainSr, cumulative_probabilities, make_training, sample
from convlab.superres.upscaling import NETWORKS, upscale_luminance

pytestmark = pytest.mark.numeric
SETTINGS = {
    "network": "subpixel",
    "seed": 3,
    "steps": 9,
    "batch_size": 4,
    "hard_patch_exponent": 0.5,
    "muon_learning_rate": 0.02,
    "muon_weight_decay": 0.1,
    "adamw_learning_rate": 0.005,
    "warmup_steps": 2,
    "device": "cpu",
    "precision": "float32",
    "validate_every": 3,
}
SMALL = {"edsr": {"channels": 4, "blocks": 1}, "subpixel": {"channels": 8, "layers": 2}}
SMALL["equivariant"] = {"channels": 8, "layers": 2}
PHOTO = data.astronaut()[:96, 150:246]


@pytest.fixture(autouse=True)
def _prepared(prepared):
    """As the script prepares torch."""


def make(scale=2, validation=None, **changes):
    params = TrainSr(**SETTINGS | changes)
    torch.manual_seed(params.seed)
    module = find_network(NETWORKS, params.network)
    settings = module.Settings(**SMALL.get(params.network, {}))
    low, high = make_pair(PHOTO, scale)
    patches = Pair(cut(low, 8, 6), cut(high, 8 * scale, 6 * scale))
    validation = validation or [
        make_pair(part, scale) for part in (PHOTO[:40, :52], PHOTO[40:, 12:])
    ]
    network = module.Network(scale=scale, settings=settings)
    return make_training(network, patches, validation, params)


def finished(folder, **changes):
    training = make(**changes)
    return training, train(training, Checkpoint(folder / "checkpoint", "me"), name="sr")


def assert_equal_weights(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name


def psnr(training):
    evaluation = training.evaluation
    upscaled = [upscale_luminance(training.network, low) for low in evaluation.low]
    return mean_psnr(evaluation.high, upscaled, crop_border=training.network.scale)


def test_a_network_learns_to_beat_bicubic_interpolation(tmp_path, precision):
    steps = {"steps": 150, "batch_size": 8, "validate_every": 50}
    _, curve = finished(tmp_path, precision=precision, **steps)
    assert curve[-1]["loss"] < curve[0]["loss"]
    assert curve[-1]["validation_psnr"] > curve[-1]["bicubic_psnr"]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_curve_has_a_point_at_every_validation_and_the_last_step(tmp_path, scale):
    training, curve = finished(tmp_path, scale=scale, steps=5, validate_every=2)
    assert [point["step"] for point in curve] == [2, 4, 5]
    bicubic = [upscale(low, scale, "bicubic") for low in training.evaluation.low]
    expected = mean_psnr(training.evaluation.high, bicubic, crop_border=scale)
    assert {point["bicubic_psnr"] for point in curve} == {expected}
    assert curve[-1]["validation_psnr"] == psnr(training)


@pytest.mark.parametrize("name", network_names(NETWORKS))
def test_every_network_trains_and_resumes_bit_for_bit(tmp_path, name, precision):
    settings = {"network": name, "precision": precision, "steps": 6, "batch_size": 2}
    whole, curve = finished(tmp_path / "whole", **settings)
    checkpoint = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        train(make(**settings), InterruptedCheckpoint(checkpoint, "me", after=3), name="sr")
    resumed = make(**settings)
    torch.nn.init.zeros_(next(resumed.network.parameters()))  # the checkpoint has the weights
    assert train(resumed, Checkpoint(checkpoint, "me"), name="sr") == curve
    assert_equal_weights(resumed.network.state_dict(), whole.network.state_dict())
    assert_equal_weights(resumed.evaluation.best_weights, whole.evaluation.best_weights)
    # Finished, but killed before its results were written: nothing is left to do.
    again = make(**settings)
    assert train(again, Checkpoint(checkpoint, "me"), name="sr") == curve
    assert_equal_weights(again.evaluation.best_weights, whole.evaluation.best_weights)


def test_another_seed_gives_other_weights(tmp_path):
    one, other = (finished(tmp_path / str(seed), seed=seed)[0] for seed in (3, 4))
    assert not torch.equal(one.network.tail[0].weight, other.network.tail[0].weight)


def test_bfloat16_trains_weights_of_float32(tmp_path):
    trained, curve = finished(tmp_path / "bfloat16", precision="bfloat16")
    _, exact = finished(tmp_path / "float32")
    assert {each.dtype for each in trained.network.state_dict().values()} == {torch.float32}
    assert curve[-1]["loss"] == pytest.approx(exact[-1]["loss"], rel=0.05)
    assert curve[-1]["loss"] != exact[-1]["loss"]  # it did make a difference


def test_the_best_weights_are_those_of_the_best_validation():
    training = make()
    network, evaluation = training.network, training.evaluation
    psnrs = []
    for added in (0.2, 0.0, 0.1):  # too bright, bicubic interpolation, too bright
        torch.nn.init.constant_(network.tail[0].bias, added)
        psnrs.append(evaluation(network, step=1)["validation_psnr"])
    assert psnrs[0] < psnrs[2] < psnrs[1] == evaluation.best_psnr
    network.load_state_dict(evaluation.best_weights)
    assert psnr(training) == psnrs[1]


def test_a_validation_image_of_one_colour_does_not_hide_the_others(tmp_path):
    """Its PSNR is infinite, so a mean with it would be the best one for all steps."""
    flat = make_pair(np.full((40, 40), 100, np.uint8), 2)
    validation = [flat, make_pair(PHOTO[:40, :52], 2)]
    steps = {"steps": 120, "batch_size": 8, "validate_every": 40}
    training, curve = finished(tmp_path, validation=validation, **steps)
    psnrs = [point["validation_psnr"] for point in curve]
    assert np.isfinite(psnrs).all()
    assert training.evaluation.best_psnr == max(psnrs)
    assert len(set(psnrs)) == 3


def test_muon_changes_the_hidden_kernels_and_adamw_all_else(tmp_path):
    still = {"adamw_learning_rate": 1e-30, "muon_learning_rate": 1e-30}
    for rate, hidden in (("adamw_learning_rate", False), ("muon_learning_rate", True)):
        training = make(**still | {rate: 0.01})
        torch.nn.init.normal_(training.network.tail[0].weight)  # or no gradient comes through
        before = {name: each.clone() for name, each in training.network.named_parameters()}
        train(training, Checkpoint(tmp_path / rate, "me"), name="sr")
        moved = {
            name
            for name, each in training.network.named_parameters()
            if not torch.allclose(each, before[name], atol=1e-12, rtol=0)
        }
        kernels = {"body.2.weight", "body.4.weight"}
        assert moved == (kernels if hidden else before.keys() - kernels)


def equally(count):
    """Cumulative probabilities of patches that are all drawn equally often."""
    return np.arange(1, count + 1) / count


def drawn(plane, cumulative, count, seed):
    plane = torch.from_numpy(plane)
    low, _ = sample(Pair(plane, plane), cumulative, count, seed)
    return low[:, 0].mul(255).round().byte().numpy()


@given(st.integers(2, 4), st.integers(1, 6), st.lists(st.integers(0, 2**32 - 1), min_size=1))
def test_low_and_high_patches_show_the_same_place(scale, count, seed):
    low = np.random.default_rng(0).integers(0, 256, (5, 4, 4), np.uint8)
    high = low.repeat(scale, axis=1).repeat(scale, axis=2)
    pair = Pair(torch.from_numpy(low), torch.from_numpy(high))
    lows, highs = sample(pair, equally(5), count, seed)
    assert lows.shape == (count, 1, 4, 4)
    assert lows.dtype == highs.dtype == torch.float32
    repeated = lows.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    assert torch.equal(highs, repeated)
    assert torch.equal(sample(pair, equally(5), count, seed)[0], lows)


def test_patches_come_flipped_and_transposed_in_all_eight_ways():
    plane = np.arange(9, dtype=np.uint8).reshape(1, 3, 3)
    turned = [np.rot90(plane[0], turns) for turns in range(4)]
    ways = {way.tobytes() for way in [*turned, *(way.T for way in turned)]}
    seen = {patch.tobytes() for seed in range(100) for patch in drawn(plane, equally(1), 2, [seed])}
    assert len(ways) == 8
    assert seen == ways


def test_patches_are_drawn_with_their_probabilities():
    planes = np.arange(4, dtype=np.uint8)[:, None, None].repeat(2, 1).repeat(2, 2)
    shares = np.array([0.1, 0.0, 0.6, 0.3])
    counts = np.bincount(drawn(planes, shares.cumsum(), 20_000, [0])[:, 0, 0], minlength=4)
    np.testing.assert_allclose(counts / 20_000, shares, atol=0.01)


def test_sampling_weights_grow_with_the_error_of_bicubic_interpolation():
    low, high = make_pair(PHOTO, 2)
    patches = Pair(*(torch.from_numpy(cut(*plane)) for plane in ((low, 8, 6), (high, 16, 12))))
    errors = [
        np.mean((upscale(small.numpy(), 2, "bicubic").astype(float) - large.numpy()) ** 2)
        for small, large in zip(*patches, strict=True)
    ]
    for exponent in (0, 0.5, 2.0):
        expected = np.sqrt(1 + np.array(errors)) ** exponent
        cumulative = cumulative_probabilities(patches, exponent)
        assert cumulative[-1] == 1
        # Except for the rounding to bytes, which `upscale` does.
        found = np.diff(cumulative, prepend=0)
        np.testing.assert_allclose(found, expected / expected.sum(), rtol=0.1)
