"""Muon: steps that are orthogonal, for the kernels of hidden convolutions alone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from convlab.nets.superres import NETWORKS
from convlab.training.muon import Muon, orthogonal, split_weights

SIDES = st.integers(1, 12)


@given(SIDES, SIDES, st.integers(0, 99))
def test_all_singular_values_come_near_one(rows, columns, seed):
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    kept = torch.linalg.svdvals(matrix) > 0.01 * matrix.norm()
    values = torch.linalg.svdvals(orthogonal(matrix))[kept]
    assert values.min() > 0.6
    assert values.max() < 1.3


@given(SIDES, SIDES, st.floats(1e-3, 1e3))
def test_the_direction_counts_and_not_the_length(rows, columns, factor):
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        orthogonal(factor * matrix), orthogonal(matrix), rtol=1e-2, atol=1e-2
    )


def test_no_gradient_is_no_step():
    assert torch.equal(orthogonal(torch.zeros(3, 5)), torch.zeros(3, 5))


def test_a_step_has_the_length_that_the_rate_says():
    kernel = nn.Parameter(torch.randn(4, 3, 3, 3))
    before = kernel.detach().clone()
    kernel.grad = torch.randn(4, 3, 3, 3)
    optimizer = Muon([kernel], lr=0.125)
    optimizer.step()
    moved = (before - kernel.detach()).flatten(1)
    torch.testing.assert_close(moved, 0.125 * orthogonal(kernel.grad.flatten(1)))


def test_steps_have_momentum():
    kernel = nn.Parameter(torch.zeros(2, 2, 1, 1))
    optimizer = Muon([kernel], lr=1.0, momentum=0.9)
    first, second = torch.eye(2), torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    for gradient in (first, second):
        kernel.grad = gradient[:, :, None, None].clone()
        before = kernel.detach().clone()
        optimizer.step()
    mean = 0.9 * 0.1 * first + 0.1 * second
    expected = orthogonal(0.1 * second + 0.9 * mean)
    torch.testing.assert_close((before - kernel.detach()).flatten(1), expected)


def test_weight_decay_takes_a_share_of_every_weight():
    kernel = nn.Parameter(torch.randn(4, 3, 3, 3))
    before = kernel.detach().clone()
    kernel.grad = torch.zeros(4, 3, 3, 3)
    Muon([kernel], lr=0.5, weight_decay=0.1).step()
    torch.testing.assert_close(kernel.detach(), 0.95 * before)


def test_it_finds_what_makes_a_quadratic_least():
    torch.manual_seed(0)
    target, kernel = torch.randn(4, 2, 3, 3), nn.Parameter(torch.zeros(4, 2, 3, 3))
    optimizer = Muon([kernel])
    for step in range(300):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 300)
        kernel.grad = 2 * (kernel.detach() - target)
        optimizer.step()
    assert (kernel - target).abs().max() < 0.05


@pytest.mark.parametrize(
    ("model", "settings", "hidden"),
    [
        ("srcnn", {}, 1),
        ("espcn", {"upsampling": "pixel_shuffle"}, 1),
        ("fsrcnn", {"upsampling": "transposed"}, 6),
        ("vdsr", {}, 18),
        ("edsr", {"channels": 4, "blocks": 2, "upsampling": "pixel_shuffle"}, 6),
        ("subpixel", {"channels": 4, "layers": 3, "upsampling": "pixel_shuffle"}, 3),
    ],
)
def test_hidden_kernels_are_all_but_the_first_and_the_last(model, settings, hidden):
    network = NETWORKS[model](2, **settings)
    kernels, others = split_weights(network)
    assert len(kernels) == hidden
    assert all(kernel.ndim == 4 and 1 not in kernel.shape[:2] for kernel in kernels)
    assert len(kernels) + len(others) == len(list(network.parameters()))
