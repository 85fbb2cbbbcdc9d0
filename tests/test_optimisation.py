"""One step of training, and the learning rate at that step."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from convlab.errors import InputError
from convlab.training.optimisation import descend, learning_rate, make_optimizer

STEPS = st.integers(1, 200)
PEAKS = st.floats(1e-6, 1)


def rates(steps, peak, warmup_steps=0):
    return [
        learning_rate(step, steps=steps, peak=peak, warmup_steps=warmup_steps)
        for step in range(steps)
    ]


@given(STEPS, PEAKS, st.integers(0, 300))
def test_the_rate_is_above_zero_and_at_most_the_peak(steps, peak, warmup_steps):
    assert all(0 < rate <= peak for rate in rates(steps, peak, warmup_steps))


@given(STEPS, PEAKS, st.integers(0, 300))
def test_the_rate_rises_to_the_peak_and_falls_from_it(steps, peak, warmup_steps):
    course = rates(steps, peak, warmup_steps)
    rise, fall = course[:warmup_steps], course[warmup_steps:]
    assert all(before < after for before, after in pairwise(rise))
    assert all(before > after for before, after in pairwise(fall))
    if fall:
        assert fall[0] == peak > max(rise, default=0)


def test_the_rise_is_linear_and_the_fall_half_a_cosine():
    assert rates(7, 0.4, 3) == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, *(0.4 * (1 + math.cos(math.pi * k / 4)) / 2 for k in (1, 2, 3))]
    )


def layer_and_loss():
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 2.0)
    return layer, (layer(torch.ones(1, 1)) ** 2).sum()


def test_a_step_goes_down_by_the_rate_of_that_step():
    layer, loss = layer_and_loss()
    optimizer = make_optimizer(layer.parameters(), 0.0)
    assert descend(loss, {optimizer: 0.125}) == 4.0  # the loss before the step
    assert layer.weight.item() == pytest.approx(2 - 0.125)  # Adam's first step has that length
    for group in optimizer.param_groups:
        assert group["lr"] == 0.125


def test_no_gradient_is_left_from_the_step_before():
    layer, loss = layer_and_loss()
    layer.weight.grad = torch.full((1, 1), -1000.0)
    descend(loss, {make_optimizer(layer.parameters(), 0.0): 0.125})
    assert layer.weight.item() < 2


def test_weight_decay_is_decoupled():
    """It shrinks the weights by rate x decay, whatever the gradient."""
    layer, loss = layer_and_loss()
    descend(0 * loss, {make_optimizer(layer.parameters(), 0.5): 0.125})
    assert layer.weight.item() == pytest.approx(2 * (1 - 0.125 * 0.5))


def test_every_optimizer_steps_at_its_own_rate():
    layers = nn.ModuleList([nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)])
    before = [layer.weight.item() for layer in layers]
    rates = {
        make_optimizer(layer.parameters()): rate
        for layer, rate in zip(layers, (0.5, 0.25), strict=True)
    }
    descend(8 * (layers[0].weight + layers[1].weight).sum(), rates)
    moved = [old - layer.weight.item() for old, layer in zip(before, layers, strict=True)]
    assert moved == pytest.approx([0.5, 0.25])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_refused_before_the_step(value):
    layer, loss = layer_and_loss()
    with pytest.raises(InputError, match=f"the loss became {value}: .* lower learning_rate"):
        descend(loss * value, {make_optimizer(layer.parameters(), 0.0): 0.125})
    assert layer.weight.item() == 2
