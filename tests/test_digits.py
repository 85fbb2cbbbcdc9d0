"""The digit networks: what they are made of, how they are trained and evaluated."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from conftest import InterruptedCheckpoint
from convlab.core.checkpoint import Checkpoint
from convlab.core.loop import train
from convlab.core.weights import count_parameters, find_network, network_names
from convlab.digits.augmentation import random_affine
from convlab.digits.evaluation import DIRECTIONS, evaluate, shift, shifted_accuracy
from convlab.digits.prediction import NETWORKS, predict, score, to_input
from convlab.digits.training import Digits, TrainCnn, make_training, shuffled, snapshot_steps

pytestmark = pytest.mark.numeric
EVERY = pytest.mark.parametrize("name", network_names(NETWORKS))
SETTINGS = {
    "network": "cnn",
    "seed": 7,
    "steps": 24,
    "batch_size": 24,
    "learning_rate": 0.005,
    "weight_decay": 0.01,
    "augmentation": "none",
    "log_every": 10,
    "snapshots": 3,
}


def make(name, seed=0):
    torch.manual_seed(seed)
    module = find_network(NETWORKS, name)
    return module.Network(settings=module.Settings())


def made_up(count, seed):
    """Digits in noise: a bar for each, at a place of its own."""
    labels = (np.arange(count) % 10).astype(np.uint8)
    images = np.random.default_rng(seed).integers(0, 100, (count, 28, 28), np.uint8)
    for image, digit in zip(images, labels, strict=True):
        row, column = divmod(digit, 4)
        image[2 + 9 * row : 8 + 9 * row, 1 + 7 * column : 6 + 7 * column] = 255
    return Digits(images, labels)


TRAINING, TEST = made_up(40, seed=1), made_up(20, seed=2)


def trained(folder, name, **changes):
    params = TrainCnn(**SETTINGS | changes)
    training = make_training(make(name), TRAINING, TEST, params)
    return training, train(training, Checkpoint(folder / "checkpoint", "me"), name=name)


def weights(network):
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


def test_the_cnn_is_the_practicals_and_the_mlp_has_as_many_parameters():
    kinds = [type(layer).__name__ for layer in [*make("cnn").features, make("cnn").classify]]
    assert kinds == [*["Conv2d", "ReLU", "MaxPool2d"] * 2, "Flatten", "Linear"]
    assert count_parameters(make("cnn")) == 28_938
    assert count_parameters(make("mlp")) == 28_630
    assert not any(isinstance(layer, nn.Conv2d) for layer in make("mlp").modules())


@pytest.mark.parametrize("name", ["cnn", "mlp", "student"])
def test_a_network_gives_logits_and_the_embedding_that_they_come_from(name):
    network = make(name)
    logits, embedding = network(torch.rand(3, 1, 28, 28))
    assert logits.shape == (3, 10)
    assert embedding.shape[0] == 3
    torch.testing.assert_close(network.classify(embedding), logits)
    assert not torch.allclose(logits.exp().sum(dim=1), torch.ones(3))  # no log-probabilities


def test_the_input_is_grey_levels_between_0_and_1():
    digits = to_input(np.array([[[0, 51], [102, 255]]], np.uint8))
    assert digits.dtype == torch.float32
    torch.testing.assert_close(digits, torch.tensor([[[[0, 0.2], [0.4, 1]]]]))


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_predictions_do_not_depend_on_the_batch_size(batch_size):
    network = make("cnn")
    logits, embedding = predict(network, TEST.images, batch_size=batch_size)
    at_once = [part.detach().numpy() for part in network(to_input(TEST.images))]
    np.testing.assert_allclose(logits, at_once[0], atol=1e-5)
    np.testing.assert_allclose(embedding, at_once[1], atol=1e-5)


@given(arrays(np.float32, (5, 10), elements=st.floats(-10, 10, width=32)), st.data())
def test_the_score_is_its_formula(logits, draws):
    labels = draws.draw(arrays(np.uint8, 5, elements=st.integers(0, 9)))
    probabilities = np.exp(logits.astype(float))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = score(logits, labels)
    assert found.loss == pytest.approx(-np.log(probabilities[range(5), labels]).mean(), abs=1e-5)
    assert found.accuracy == np.mean(logits.argmax(axis=1) == labels)


@EVERY
def test_a_network_learns_and_the_same_seed_gives_the_same_weights(name, tmp_path, prepared):
    before = score(predict(make(name), TEST.images).logits, TEST.labels)
    (one, curve), (again, curve_again), (other, _) = (
        trained(tmp_path / str(run), name, seed=seed) for run, seed in enumerate((7, 7, 8))
    )
    after = score(predict(one.network, TEST.images).logits, TEST.labels)
    assert after.loss < 0.7 * before.loss
    assert after.accuracy > 0.7 > before.accuracy
    assert curve == curve_again
    assert torch.equal(weights(one.network), weights(again.network))
    assert not torch.equal(weights(one.network), weights(other.network))


def test_the_curve_and_the_snapshots_are_of_the_steps_that_were_asked_for(tmp_path, prepared):
    training, curve = trained(tmp_path, "cnn")
    assert [point["step"] for point in curve] == [1, 5, 10, 20, 24]  # every 10th; 1, 5 and 24
    assert list(training.evaluation.embeddings) == [1, 5, 24]
    logits, embedding = predict(training.network, TEST.images)
    kept = training.evaluation.embeddings[24].numpy()
    np.testing.assert_array_equal(kept, embedding.astype(np.float16))
    assert curve[-1]["accuracy"] == score(logits, TEST.labels).accuracy


@pytest.mark.parametrize("augmentation", ["none", "affine"])
def test_an_interrupted_training_is_resumed_in_the_middle_of_an_epoch(
    tmp_path, prepared, augmentation
):
    whole, curve = trained(tmp_path / "whole", "cnn", augmentation=augmentation)
    params = TrainCnn(**SETTINGS | {"augmentation": augmentation})
    path = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        train(
            make_training(make("cnn"), TRAINING, TEST, params),
            InterruptedCheckpoint(path, "me", after=5),
            name="cnn",
        )
    resumed = make_training(make("cnn", seed=1), TRAINING, TEST, params)
    assert train(resumed, Checkpoint(path, "me"), name="cnn") == curve
    assert torch.equal(weights(resumed.network), weights(whole.network))
    for step, embedding in whole.evaluation.embeddings.items():
        assert torch.equal(resumed.evaluation.embeddings[step], embedding)


@given(st.integers(0, 2**32 - 1))
def test_augmentation_moves_each_digit_a_little_and_differently(seed):
    digits = torch.zeros((6, 1, 28, 28))
    digits[..., 11:17, 11:17] = 1  # in the middle
    moved = random_affine(digits, [seed, 1])
    assert moved.shape == digits.shape
    assert 0 <= moved.min() <= moved.max() <= 1.001
    places = torch.arange(28.0)
    for axis in (2, 3):
        ink = moved.sum(5 - axis).squeeze(1)
        centres = (ink * places).sum(1) / ink.sum(1)
        assert (centres - 13.5).abs().max() <= 2.8  # SHIFT, turned, resized and slanted
        assert len(centres.unique()) == 6
    area = moved.sum((1, 2, 3)) / 36
    assert 0.75 < area.min() <= area.max() < 1.3
    assert torch.equal(random_affine(digits, [seed, 1]), moved)
    assert not torch.equal(random_affine(digits, [seed, 2]), moved)


@given(st.integers(1, 50), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_every_epoch_goes_through_all_digits_once_in_an_order_of_its_own(count, size, seed):
    batches, again = shuffled(count, size, seed), shuffled(count, size, seed)
    epochs = []
    for _ in range(2):
        indices = []
        while len(indices) < count:
            assert len(indices) % size == 0  # only the last mini-batch may be shorter
            batch = next(batches)
            assert torch.equal(batch, next(again))
            indices += batch.tolist()
        assert sorted(indices) == list(range(count))
        epochs.append(indices)
    assert count < 10 or epochs[0] != epochs[1]


@given(st.integers(2, 100_000), st.integers(2, 100))
def test_snapshots_are_the_first_step_and_the_last_and_denser_early_on(steps, snapshots):
    kept = snapshot_steps(TrainCnn(**SETTINGS | {"steps": steps, "snapshots": snapshots}))
    assert (kept[0], kept[-1]) == (1, steps)
    assert kept == sorted(set(kept))
    assert len(kept) <= snapshots
    assert (np.diff(np.diff(kept)) >= -1).all()  # rounding may shorten a gap by a step


IMAGES = arrays(np.uint8, st.tuples(st.integers(0, 3), st.just(7), st.just(5)))


@given(IMAGES, st.integers(-7, 7), st.integers(-5, 5))
def test_a_shift_moves_what_stays_inside_and_fills_with_0(images, down, right):
    moved = shift(images, down, right)
    assert moved.dtype == images.dtype
    for row in range(7):
        for column in range(5):
            inside = 0 <= row - down < 7 and 0 <= column - right < 5
            expected = images[:, row - down, column - right] if inside else 0
            np.testing.assert_array_equal(moved[:, row, column], expected)


class BrightestColumn(nn.Module):
    """Predicts the number of the brightest column, so that shifts to the side matter."""

    def forward(self, digits):
        columns = digits[:, 0, :, 9:19].sum(dim=1)
        return columns, columns


def test_shifted_accuracy_is_the_mean_over_four_directions():
    images = np.zeros((2, 28, 28), np.uint8)
    images[0, 14, 12] = images[1, 14, 13] = 255
    labels = np.array([3, 4], np.uint8)
    network = BrightestColumn()
    ends = [np.argwhere(shift(images[:1], *each)[0]).tolist() for each in DIRECTIONS]
    assert ends == [[[14, 13]], [[14, 11]], [[15, 12]], [[13, 12]]]
    # To the right, 3 becomes 4 and 4 becomes 5; to the left, 2 and 3; up and down change nothing.
    assert shifted_accuracy(network, images, labels, 1) == 0.5
    evaluation = evaluate(network, images, labels, max_shift=3)
    assert evaluation.predictions.tolist() == [3, 4]
    assert evaluation.accuracy_by_shift == [1, 0.5, 0.5, 0.5]
    assert evaluation.metrics()["accuracy_shifted_2px"] == 0.5
