"""Training super-resolution: on a few patches, broken off and taken up again."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from convlab.compute import Compute, prepare
from convlab.errors import InputError
from convlab.imaging.measure import quality
from convlab.imaging.patches import Pair, cut, make_pair
from convlab.imaging.resize import upscale
from convlab.nets.superres import NETWORKS, multiply_adds, upscale_luminance
from convlab.training.checkpoint import Checkpoint
from convlab.training.superres import Training, TrainSr, chances, mean_psnr, sample

KNOBS = {
    "scale": 2,
    "model": "subpixel",
    "fsrcnn": {"upsampling": "transposed"},
    "espcn": {"upsampling": "pixel_shuffle"},
    "edsr": {"channels": 4, "blocks": 1, "upsampling": "pixel_shuffle"},
    "subpixel": {"channels": 4, "layers": 2, "upsampling": "pixel_shuffle"},
    "seed": 3,
    "steps": 9,
    "batch_size": 4,
    "detail": 0.5,
    "kernel_learning_rate": 0.02,
    "kernel_weight_decay": 0.1,
    "learning_rate": 0.005,
    "warmup_steps": 2,
    "device": "cpu",
    "precision": "float32",
    "validate_every": 3,
}
PHOTO = data.astronaut()[:96, 150:246]


@pytest.fixture(autouse=True)
def prepared():
    """As the script prepares torch."""
    threads = torch.get_num_threads()
    prepare(Compute(threads=1))
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


def training(**changes):
    params = TrainSr(**KNOBS | changes)
    low, high = make_pair(PHOTO, params.scale)
    size = 8 * params.scale
    validation = [
        make_pair(PHOTO[:40, :52], params.scale),
        make_pair(PHOTO[40:, 12:], params.scale),
    ]
    return Training(Pair(cut(low, 8, 6), cut(high, size, size * 6 // 8)), validation, params)


def finished(**changes):
    trained = training(**changes)
    losses = list(trained.run())
    return trained, losses


def assert_equal_weights(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name


def test_the_loss_falls():
    size = {"channels": 8, "layers": 2, "upsampling": "pixel_shuffle"}
    trained, losses = finished(steps=150, batch_size=8, validate_every=50, subpixel=size)
    assert len(losses) == trained.step == 150
    assert np.mean(losses[-20:]) < 0.95 * np.mean(losses[:20])
    assert trained.curve[-1].validation_psnr > trained.curve[-1].bicubic_psnr


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_curve_has_a_point_at_every_validation_and_the_last_step(scale):
    trained, losses = finished(scale=scale, steps=5, validate_every=2)
    assert [point.step for point in trained.curve] == [2, 4, 5]
    means = [np.mean(losses[:2]), np.mean(losses[2:4]), losses[4]]
    assert [point.loss for point in trained.curve] == pytest.approx(means)
    bicubic = [upscale(pair.low, scale, "bicubic") for pair in trained.validation]
    assert {point.bicubic_psnr for point in trained.curve} == {
        mean_psnr(trained.validation, bicubic)
    }
    upscaled = [upscale_luminance(trained.network, pair.low) for pair in trained.validation]
    assert trained.curve[-1].validation_psnr == mean_psnr(trained.validation, upscaled)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_one_seed_gives_the_same_weights_bit_for_bit(precision):
    (once, losses), (again, losses_again) = (finished(precision=precision) for _ in range(2))
    other, _ = finished(precision=precision, seed=4)
    assert losses == losses_again
    assert once.curve == again.curve
    assert_equal_weights(once.network.state_dict(), again.network.state_dict())
    assert not torch.equal(once.network.tail[0].weight, other.network.tail[0].weight)


def test_bfloat16_trains_weights_of_float32():
    trained, losses = finished(precision="bfloat16")
    exact, exact_losses = finished()
    assert {tensor.dtype for tensor in trained.network.state_dict().values()} == {torch.float32}
    assert {tensor.dtype for tensor in trained.best.values()} == {torch.float32}
    assert losses == pytest.approx(exact_losses, rel=0.05)
    assert losses != exact_losses  # it did make a difference
    psnrs = [run.curve[-1].validation_psnr for run in (trained, exact)]
    assert psnrs[0] == pytest.approx(psnrs[1], abs=0.3)


def test_the_best_weights_are_those_of_the_best_validation():
    trained, _ = finished(steps=16, validate_every=2, learning_rate=0.04, warmup_steps=12)
    psnrs = [point.validation_psnr for point in trained.curve]
    assert psnrs.index(max(psnrs)) not in (0, len(psnrs) - 1)  # or this test says nothing
    best = trained.best_network()
    upscaled = [upscale_luminance(best, pair.low) for pair in trained.validation]
    assert mean_psnr(trained.validation, upscaled) == pytest.approx(max(psnrs), abs=1e-3)
    assert not torch.equal(best.tail[0].weight, trained.network.tail[0].weight)


def test_the_metrics_are_those_of_the_best_validation():
    trained, _ = finished(steps=16, validate_every=2, learning_rate=0.04, warmup_steps=12)
    assert trained.metrics() == {
        "loss": round(trained.curve[-1].loss, 6),
        "validation_psnr": round(max(point.validation_psnr for point in trained.curve), 4),
        "parameters": sum(weights.numel() for weights in trained.best.values()),
        "multiply_adds": multiply_adds(trained.network),
        "steps": 16,
    }


@pytest.mark.parametrize("model", NETWORKS)
def test_every_model_trains_and_goes_on(tmp_path, model):
    unbroken, losses = finished(model=model)
    broken, checkpoint = training(model=model), Checkpoint(tmp_path / "here", "me")
    run = broken.run()
    for _ in range(3):
        next(run)
    checkpoint.write(broken)
    resumed = training(model=model)
    checkpoint.restore(resumed)
    assert list(resumed.run()) == losses[3:]
    assert_equal_weights(resumed.best, unbroken.best)
    assert type(resumed.best_network()) is NETWORKS[model]


def test_muon_changes_the_hidden_kernels_and_adamw_all_else():
    still = {"learning_rate": 1e-30, "kernel_learning_rate": 1e-30}
    for rate, hidden in (("learning_rate", False), ("kernel_learning_rate", True)):
        trained = training(**still | {rate: 0.01})
        torch.nn.init.normal_(trained.network.tail[0].weight)  # or no gradient comes through
        before = {name: each.clone() for name, each in trained.network.named_parameters()}
        list(trained.run())
        moved = {
            name
            for name, each in trained.network.named_parameters()
            if not torch.allclose(each, before[name], atol=1e-12, rtol=0)
        }
        kernels = {"body.2.weight", "body.4.weight"}
        assert moved == (kernels if hidden else before.keys() - kernels)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("stop", [3, 6])
def test_a_training_taken_up_again_ends_as_if_never_broken_off(tmp_path, precision, stop):
    unbroken, losses = finished(precision=precision)
    broken, checkpoint = training(precision=precision), Checkpoint(tmp_path / "here", "me")
    run = broken.run()
    for _ in range(stop):
        next(run)
    checkpoint.write(broken)
    next(run)  # it went on for a while before it was killed
    resumed = training(precision=precision)
    checkpoint.restore(resumed)
    assert resumed.step == stop
    assert list(resumed.run()) == losses[stop:]
    assert resumed.curve == unbroken.curve
    assert_equal_weights(resumed.network.state_dict(), unbroken.network.state_dict())
    assert_equal_weights(resumed.best, unbroken.best)
    tensors, notes = resumed.state()
    assert_equal_weights(tensors, unbroken.state()[0])
    assert notes == unbroken.state()[1]


def test_a_training_taken_up_at_its_end_has_nothing_left_to_do(tmp_path):
    trained, _ = finished()
    checkpoint = Checkpoint(tmp_path / "here", "me")
    checkpoint.write(trained)
    resumed = training()
    checkpoint.restore(resumed)
    assert list(resumed.run()) == []
    assert resumed.curve == trained.curve
    assert_equal_weights(resumed.best_network().state_dict(), trained.best)


def test_a_training_that_diverges_is_named():
    diverging = training()
    torch.nn.init.constant_(diverging.network.tail[0].bias, torch.nan)
    with pytest.raises(InputError, match="the loss became nan"):
        next(diverging.run())


def alike(count):
    """Chances of patches that are all drawn equally often."""
    return np.arange(1, count + 1) / count


def drawn(plane, chances, count, seed):
    plane = torch.from_numpy(plane)
    return sample(Pair(plane, plane), chances, count, seed)[0][:, 0].mul(255).round().byte().numpy()


@given(st.integers(2, 4), st.integers(1, 6), st.lists(st.integers(0, 2**32 - 1), min_size=1))
def test_low_and_high_patches_show_the_same_place(scale, count, seed):
    low = np.random.default_rng(0).integers(0, 256, (5, 4, 4), np.uint8)
    high = low.repeat(scale, axis=1).repeat(scale, axis=2)
    pair = Pair(torch.from_numpy(low), torch.from_numpy(high))
    lows, highs = sample(pair, alike(5), count, seed)
    assert lows.shape == (count, 1, 4, 4)
    assert highs.shape == (count, 1, 4 * scale, 4 * scale)
    assert lows.dtype == highs.dtype == torch.float32
    enlarged = lows.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    assert torch.equal(highs, enlarged)


def test_patches_come_flipped_and_transposed_in_all_eight_ways():
    plane = np.arange(9, dtype=np.uint8).reshape(1, 3, 3)
    turned = [np.rot90(plane[0], turns) for turns in range(4)]
    ways = {way.tobytes() for way in [*turned, *(way.T for way in turned)]}
    seen = {patch.tobytes() for seed in range(100) for patch in drawn(plane, alike(1), 2, [seed])}
    assert len(ways) == 8
    assert seen == ways


def test_the_seed_alone_decides_which_patches_are_drawn():
    planes = np.random.default_rng(0).integers(0, 256, (50, 4, 4), np.uint8)
    one, again, other = (drawn(planes, alike(50), 8, [3, step]) for step in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_patches_are_drawn_as_often_as_their_chances_say():
    planes = np.arange(4, dtype=np.uint8)[:, None, None].repeat(2, 1).repeat(2, 2)
    shares = np.array([0.1, 0.0, 0.6, 0.3])
    counts = np.bincount(drawn(planes, shares.cumsum(), 20_000, [0])[:, 0, 0], minlength=4)
    np.testing.assert_allclose(counts / 20_000, shares, atol=0.01)


def test_chances_grow_with_what_bicubic_interpolation_lacks():
    low, high = make_pair(PHOTO, 2)
    patches = Pair(*(torch.from_numpy(cut(*plane)) for plane in ((low, 8, 6), (high, 16, 12))))
    errors = [
        np.mean((upscale(small.numpy(), 2, "bicubic").astype(float) - large.numpy()) ** 2)
        for small, large in zip(*patches, strict=True)
    ]
    np.testing.assert_allclose(np.diff(chances(patches, 0), prepend=0), 1 / len(errors))
    for detail in (0.5, 2.0):
        expected = np.sqrt(1 + np.array(errors)) ** detail
        found = np.diff(chances(patches, detail), prepend=0)
        # But for the rounding to bytes, which `upscale` does.
        np.testing.assert_allclose(found, expected / expected.sum(), rtol=0.1)
        assert chances(patches, detail)[-1] == 1


def test_the_mean_psnr_is_over_images_with_the_scale_shaved():
    pairs = [make_pair(PHOTO[:60], 3), make_pair(PHOTO[60:], 3)]
    upscaled = [upscale(pair.low, 3, "bilinear") for pair in pairs]
    first, second = (
        quality(pair.high, image, shave=3).psnr for pair, image in zip(pairs, upscaled, strict=True)
    )
    assert first != second
    assert mean_psnr(pairs, upscaled) == pytest.approx((first + second) / 2)
