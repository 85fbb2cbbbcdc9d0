"""The training loop, on a network of a few weights."""

import math

import pytest
import torch

from conftest import InterruptedCheckpoint
from convlab.core.checkpoint import Checkpoint
from convlab.core.errors import InputError
from convlab.core.loop import READ_LOSS_EVERY, train
from convlab.core.optimizers import learning_rate, make_adamw
from toy_training import loss, network, norm, training

pytestmark = pytest.mark.numeric


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path / "toy.safetensors", "me")


def finished(checkpoint, **changes):
    done = training(**changes)
    return done, train(done, checkpoint, name="toy")


def test_the_loss_falls_and_the_curve_has_a_point_per_evaluation(checkpoint, capsys):
    done, curve = finished(checkpoint, steps=103, evaluate_at=lambda step: step % 20 == 0)
    assert [point["step"] for point in curve] == [20, 40, 60, 80, 100, 103]
    assert curve[-1]["loss"] < curve[0]["loss"] / 10
    assert list(curve[0]) == ["step", "loss", "norm"]
    assert curve[-1]["norm"] == norm(done.network)
    printed = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in printed] == [
        f"toy: step {each['step']}" for each in curve
    ]


def test_a_points_loss_is_the_mean_since_the_one_before(checkpoint):
    each_step, some = (
        finished(checkpoint.__class__(checkpoint.path.with_name(name), ""), evaluate_at=when)[1]
        for name, when in (("a", lambda step: True), ("b", lambda step: step % 5 == 0))
    )
    losses = [point["loss"] for point in each_step]
    expected = [sum(losses[start : start + 5]) / 5 for start in (0, 5, 10, 15)]
    assert [point["loss"] for point in some] == pytest.approx([*expected, sum(losses[20:]) / 3])


def test_weights_learn_in_training_mode_and_are_evaluated_in_evaluation_mode(checkpoint):
    done, _ = finished(checkpoint)
    assert done.evaluation.seen == [[step, False] for step in (5, 10, 15, 20, 23)]
    assert done.network[1].num_batches_tracked == 23
    assert not done.network.training


@pytest.mark.parametrize("stop", [5, 20, 23])
def test_an_interrupted_training_ends_as_if_it_had_not_been(tmp_path, stop, capsys):
    """Also in what Dropout drew, and the state of BatchNorm, optimizer and evaluation."""

    path = tmp_path / "toy.safetensors"
    whole, curve = finished(Checkpoint(tmp_path / "whole", "me"))
    with pytest.raises(KeyboardInterrupt):
        finished(InterruptedCheckpoint(path, "me", after=stop))
    torch.manual_seed(99)
    resumed, resumed_curve = finished(Checkpoint(path, "me"))
    assert f"toy: resumed at step {stop}\n" in capsys.readouterr().out
    assert resumed_curve == curve
    assert resumed.evaluation.seen == whole.evaluation.seen
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name
    (ours,), (theirs,) = (list(each.optimizers) for each in (whole, resumed))
    for index, moments in ours.state_dict()["state"].items():
        for name, moment in moments.items():
            assert torch.equal(moment, theirs.state_dict()["state"][index][name]), name


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_training_that_diverges_is_named_before_a_checkpoint_is_written(checkpoint, value):
    taken = []

    def bad_loss(network, batch):
        taken.append(1)
        return loss(network, batch) * (value if len(taken) == 2 else 1)

    with pytest.raises(InputError, match=r"the loss became (nan|inf)"):
        finished(checkpoint, loss=bad_loss, steps=10_000, evaluate_at=lambda step: False)
    assert len(taken) == READ_LOSS_EVERY  # at the next reading, not hours later
    assert not checkpoint.path.exists()


def test_every_optimizer_follows_its_own_schedule(checkpoint):
    model = network()
    first, last = make_adamw(model[0].parameters()), make_adamw(model[3].parameters())
    finished(checkpoint, network=model, optimizers={first: 0.5, last: 0.25})
    for optimizer, peak in ((first, 0.5), (last, 0.25)):
        assert optimizer.param_groups[0]["lr"] == learning_rate(22, 23, peak, 2)
