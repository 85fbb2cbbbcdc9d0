"""Training the digit networks, on a few made-up digits."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convlab.compute import Compute, prepare
from convlab.errors import InputError
from convlab.nets.cnn import Cnn
from convlab.nets.digits import recognise, score
from convlab.nets.mlp import Mlp
from convlab.training.checkpoint import Checkpoint
from convlab.training.digits import (
    Digits,
    TrainCnn,
    Training,
    shuffled_batches,
    snapshot_steps,
)

KNOBS = {
    "seed": 7,
    "steps": 24,
    "batch_size": 8,
    "learning_rate": 0.005,
    "weight_decay": 0.01,
    "log_every": 10,
    "snapshots": 3,
}
PARAMS = TrainCnn(**KNOBS)


@pytest.fixture(autouse=True)
def prepared():
    """As the script prepares torch."""
    threads = torch.get_num_threads()
    prepare(Compute(threads=1))
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


def made_up(count, seed):
    """Digits in noise: a bar for each, at a place of its own."""
    labels = (np.arange(count) % 10).astype(np.uint8)
    images = np.random.default_rng(seed).integers(0, 100, (count, 28, 28), np.uint8)
    for image, digit in zip(images, labels, strict=True):
        row, column = divmod(digit, 4)
        image[2 + 9 * row : 8 + 9 * row, 1 + 7 * column : 6 + 7 * column] = 255
    return Digits(images, labels)


TRAINING, TEST = made_up(40, seed=1), made_up(20, seed=2)


def fresh(design, seed=0):
    torch.manual_seed(seed)
    return design()


def weights(network):
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def training(network, **changes):
    return Training(network, TRAINING, TEST, TrainCnn(**KNOBS | changes), embedded=5)


@pytest.mark.parametrize("design", [Cnn, Mlp])
def test_the_loss_falls(design):
    network = fresh(design)
    before = score(recognise(network, TEST.images).logits, TEST.labels)
    losses = list(training(network).run())
    after = score(recognise(network, TEST.images).logits, TEST.labels)
    assert len(losses) == PARAMS.steps
    assert np.mean(losses[-4:]) < 0.7 * np.mean(losses[:4])
    assert after.loss < 0.7 * before.loss
    assert after.accuracy > 0.7 > before.accuracy


@pytest.mark.parametrize("design", [Cnn, Mlp])
def test_one_seed_gives_the_same_weights_bit_for_bit(design):
    def trained(seed):
        network = fresh(design)
        return list(training(network, seed=seed).run()), weights(network)

    (losses, once), (losses_again, again), (_, other) = trained(7), trained(7), trained(8)
    assert losses == losses_again
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


def test_training_leaves_the_digits_alone():
    before = TRAINING.images.copy(), TRAINING.labels.copy()
    list(training(fresh(Mlp)).run())
    np.testing.assert_array_equal(TRAINING.images, before[0])
    np.testing.assert_array_equal(TRAINING.labels, before[1])


def test_a_training_that_diverges_is_named():
    network = fresh(Mlp)
    torch.nn.init.constant_(network.classify.bias, torch.nan)
    with pytest.raises(InputError, match="the loss became nan"):
        next(training(network).run())


def test_looking_happens_at_the_chosen_steps_and_tells_what_is_there():
    network = fresh(Cnn)
    learning = training(network)
    for step, _ in enumerate(learning.run(), start=1):
        assert learning.step == step
        if not learning.curve or learning.curve[-1].step != step:
            continue
        moment = learning.curve[-1]
        logits, embedding = recognise(network, TEST.images)  # as it is at that moment
        if step in snapshot_steps(PARAMS):
            np.testing.assert_array_equal(moment.embedding, embedding[:5].astype(np.float16))
        else:
            assert moment.embedding is None  # or a long log would fill the memory
        assert moment.accuracy == score(logits, TEST.labels).accuracy


def test_looking_changes_nothing():
    often, seldom = training(fresh(Cnn), log_every=1), training(fresh(Cnn))
    losses = list(often.run())
    assert list(seldom.run()) == losses
    assert torch.equal(weights(often.network), weights(seldom.network))
    steps = [moment.step for moment in seldom.curve]
    assert steps == [1, 5, 10, 20, 24]  # every 10th, and the snapshots: 1, 5 and 24
    starts = [0, *steps[:-1]]
    means = [np.mean(losses[start:end]) for start, end in zip(starts, steps, strict=True)]
    assert [moment.loss for moment in seldom.curve] == pytest.approx(means)


@pytest.mark.parametrize("design", [Cnn, Mlp])
@pytest.mark.parametrize("stop", [1, 10, 24])
def test_a_training_taken_up_again_ends_as_if_never_broken_off(tmp_path, design, stop):
    """24 digits a batch go through 40 in 2 steps, so also in the middle of a pass."""
    checkpoint = Checkpoint(tmp_path / "here", "me")
    unbroken, broken = (training(fresh(design), batch_size=24) for _ in range(2))
    losses = list(unbroken.run())
    run = broken.run()
    for _ in range(stop):
        next(run)
    checkpoint.write(broken)
    next(run, None)  # it went on for a while before it was killed
    resumed = training(fresh(design, seed=1), batch_size=24)
    checkpoint.restore(resumed)
    assert resumed.step == stop
    assert list(resumed.run()) == losses[stop:]
    tensors, notes = resumed.state()
    expected, expected_notes = unbroken.state()
    assert notes == expected_notes
    assert tensors.keys() == expected.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, expected[name]), name


@given(st.integers(1, 50), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_every_pass_goes_through_all_digits_once(count, batch_size, seed):
    batches = shuffled_batches(count, batch_size, seed)
    for _ in range(2):
        indices = next(batches)
        while len(indices) < count:
            assert len(indices) % batch_size == 0  # only the last mini-batch may be shorter
            indices = torch.cat([indices, next(batches)])
        assert sorted(indices.tolist()) == list(range(count))


def test_passes_and_seeds_have_their_own_order():
    one, again, other = (shuffled_batches(50, 50, seed) for seed in (1, 1, 2))
    first, second = next(one), next(one)
    assert torch.equal(next(again), first)
    assert not torch.equal(first, second)
    assert not torch.equal(next(other), first)


@given(st.integers(2, 100_000), st.integers(2, 100))
def test_snapshots_are_the_first_step_and_the_last_and_denser_early_on(steps, snapshots):
    kept = snapshot_steps(TrainCnn(**KNOBS | {"steps": steps, "snapshots": snapshots}))
    assert kept[0] == 1
    assert kept[-1] == steps
    assert kept == sorted(set(kept))
    assert len(kept) <= snapshots
    gaps = np.diff(kept)
    assert (np.diff(gaps) >= -1).all()  # rounding may shorten one by a step
