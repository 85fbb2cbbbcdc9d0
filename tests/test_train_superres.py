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
from convlab.nets.subpixel import upscale_luminance
from convlab.training.checkpoint import Checkpoint
from convlab.training.superres import Training, TrainSr, mean_psnr, sample

KNOBS = {
    "scale": 2,
    "seed": 3,
    "channels": 4,
    "blocks": 1,
    "steps": 9,
    "batch_size": 4,
    "learning_rate": 0.005,
    "warmup_steps": 2,
    "largest_gradient": 1.0,
    "weight_decay": 0.01,
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
    knobs = {"steps": 100, "batch_size": 8, "channels": 8, "learning_rate": 0.003}
    trained, losses = finished(**knobs, validate_every=50)
    assert len(losses) == trained.step == 100
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
    assert not torch.equal(once.network.tail.weight, other.network.tail.weight)


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
    trained, _ = finished(steps=16, validate_every=2, learning_rate=0.02, warmup_steps=12)
    psnrs = [point.validation_psnr for point in trained.curve]
    assert psnrs.index(max(psnrs)) not in (0, len(psnrs) - 1)  # or this test says nothing
    best = trained.best_network()
    upscaled = [upscale_luminance(best, pair.low) for pair in trained.validation]
    assert mean_psnr(trained.validation, upscaled) == pytest.approx(max(psnrs), abs=1e-3)
    assert not torch.equal(best.tail.weight, trained.network.tail.weight)


def test_the_metrics_are_those_of_the_best_validation():
    trained, _ = finished(steps=16, validate_every=2, learning_rate=0.02, warmup_steps=12)
    assert trained.metrics() == {
        "loss": round(trained.curve[-1].loss, 6),
        "validation_psnr": round(max(point.validation_psnr for point in trained.curve), 4),
        "parameters": sum(weights.numel() for weights in trained.best.values()),
        "steps": 16,
    }


def test_the_gradient_is_scaled_down():
    trained, _ = finished(largest_gradient=1e-6)
    gradient = torch.cat([weights.grad.flatten() for weights in trained.network.parameters()])
    assert gradient.norm() == pytest.approx(1e-6, rel=1e-3)


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
    torch.nn.init.constant_(diverging.network.tail.bias, torch.nan)
    with pytest.raises(InputError, match="the loss became nan"):
        next(diverging.run())


@given(st.integers(2, 4), st.integers(1, 6), st.lists(st.integers(0, 2**32 - 1), min_size=1))
def test_low_and_high_patches_show_the_same_place(scale, count, seed):
    low = np.random.default_rng(0).integers(0, 256, (5, 4, 4), np.uint8)
    high = low.repeat(scale, axis=1).repeat(scale, axis=2)
    lows, highs = sample(Pair(low, high), count, seed)
    assert lows.shape == (count, 1, 4, 4)
    assert highs.shape == (count, 1, 4 * scale, 4 * scale)
    assert lows.dtype == highs.dtype == torch.float32
    enlarged = lows.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    assert torch.equal(highs, enlarged)


def test_patches_come_flipped_and_transposed_in_all_eight_ways():
    plane = np.arange(9, dtype=np.uint8).reshape(1, 3, 3)
    turned = [np.rot90(plane[0], turns) for turns in range(4)]
    ways = {way.tobytes() for way in [*turned, *(way.T for way in turned)]}
    seen = set()
    for seed in range(100):
        low, _ = sample(Pair(plane, plane), 2, [seed])
        for patch in (low[:, 0] * 255).round().byte().numpy():
            seen.add(patch.tobytes())
    assert len(ways) == 8
    assert seen == ways


def test_the_seed_alone_decides_which_patches_are_drawn():
    planes = np.random.default_rng(0).integers(0, 256, (50, 4, 4), np.uint8)
    one, again, other = (sample(Pair(planes, planes), 8, [3, step])[0] for step in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_every_patch_is_drawn_in_time():
    planes = np.arange(20, dtype=np.uint8)[:, None, None].repeat(2, 1).repeat(2, 2)
    drawn = [sample(Pair(planes, planes), 10, [0, step])[0] for step in range(40)]
    assert torch.cat(drawn).mul(255).round().unique().tolist() == list(range(20))


def test_the_mean_psnr_is_over_images_with_the_scale_shaved():
    pairs = [make_pair(PHOTO[:60], 3), make_pair(PHOTO[60:], 3)]
    upscaled = [upscale(pair.low, 3, "bilinear") for pair in pairs]
    first, second = (
        quality(pair.high, image, shave=3).psnr for pair, image in zip(pairs, upscaled, strict=True)
    )
    assert first != second
    assert mean_psnr(pairs, upscaled) == pytest.approx((first + second) / 2)
