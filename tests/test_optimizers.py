"""The learning-rate schedule, and Muon: orthogonal updates for hidden kernels alone."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from convlab.core.optimizers import Muon, learning_rate, make_adamw, orthogonalize, split_weights
from convlab.core.weights import find_network
from convlab.superres.upscaling import NETWORKS

pytestmark = pytest.mark.numeric
SIDES = st.integers(1, 12)


@given(st.integers(1, 200), st.floats(1e-6, 1), st.integers(0, 300))
def test_the_rate_rises_to_the_peak_and_falls_from_it(steps, peak, warmup_steps):
    course = [learning_rate(step, steps, peak, warmup_steps) for step in range(steps)]
    rise, fall = course[:warmup_steps], course[warmup_steps:]
    assert all(0 < rate <= peak for rate in course)
    assert all(before < after for before, after in pairwise(rise))
    assert all(before > after for before, after in pairwise(fall))
    assert not fall or fall[0] == peak > max(rise, default=0)


def test_the_rise_is_linear_and_the_fall_half_a_cosine():
    rates = [learning_rate(step, 7, 0.4, 3) for step in range(7)]
    cosine = (0.4 * (1 + math.cos(math.pi * k / 4)) / 2 for k in (1, 2, 3))
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4, *cosine])


def test_adamw_decays_weights_whatever_the_gradient():
    weight = nn.Parameter(torch.tensor([2.0]))
    weight.grad = torch.zeros(1)
    optimizer = make_adamw([weight], weight_decay=0.5)
    optimizer.param_groups[0]["lr"] = 0.125
    optimizer.step()
    assert weight.item() == pytest.approx(2 * (1 - 0.125 * 0.5))


@given(SIDES, SIDES, st.integers(0, 99), st.floats(1e-3, 1e3))
def test_orthogonalizing_sets_singular_values_to_about_one(rows, columns, seed, factor):
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    kept = torch.linalg.svdvals(matrix) > 0.01 * matrix.norm()
    values = torch.linalg.svdvals(orthogonalize(factor * matrix))[kept]
    assert values.min() > 0.6
    assert values.max() < 1.3
    assert torch.equal(orthogonalize(0 * matrix), 0 * matrix)


def test_a_muon_step_is_its_formula_for_each_of_several_kernels():
    """With momentum, weight decay and, for a tall matrix, the factor."""
    mu, rate, decay = 0.9, 0.125, 0.1
    kernels = [nn.Parameter(torch.randn(64, 3, 3, 3)) for _ in range(3)]
    kernels.append(nn.Parameter(torch.randn(64, 27)))  # the same matrix, another shape
    optimizer = Muon(kernels, lr=rate, momentum=mu, weight_decay=decay)
    means = [torch.zeros(64, 27) for _ in kernels]
    expected = [kernel.detach().flatten(1).clone() for kernel in kernels]
    for _ in range(2):
        for kernel in kernels:
            kernel.grad = torch.randn(kernel.shape)
        optimizer.step()
        for index, kernel in enumerate(kernels):
            gradient = kernel.grad.flatten(1)
            means[index] = mu * means[index] + (1 - mu) * gradient
            update = orthogonalize((1 - mu) * gradient + mu * means[index])
            step = rate * (64 / 27) ** 0.5 * update
            expected[index] = (1 - rate * decay) * expected[index] - step
            torch.testing.assert_close(
                kernel.detach().flatten(1), expected[index], rtol=1e-3, atol=1e-4
            )


def test_muon_accepts_no_kernels_and_kernels_without_gradient():
    Muon([]).step()
    kernel = nn.Parameter(torch.ones(2, 2, 3, 3))
    optimizer = Muon([kernel], weight_decay=0.1)
    optimizer.step()
    assert torch.equal(kernel, torch.ones(2, 2, 3, 3))
    assert not optimizer.state


HIDDEN = {
    "srcnn": 1,
    "espcn": 1,
    "fsrcnn": 6,
    "vdsr": 18,
    "edsr": 34,
    "subpixel": 6,
    "equivariant": 10,
}
IMAGE = torch.zeros(1, 1, 8, 8)


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_weights_are_all_kernels_but_the_first_and_the_last(name):
    module = find_network(NETWORKS, name)
    network = module.Network(scale=2, settings=module.Settings())
    hidden, others = split_weights(network, IMAGE)
    assert len(hidden) == HIDDEN[name]
    assert all(kernel.ndim == 4 and 1 not in kernel.shape[:2] for kernel in hidden)
    assert len(hidden) + len(others) == len(list(network.parameters()))


class Branches(nn.Module):
    """A weight of each role: only the body and the two of the attention are hidden."""

    def __init__(self):
        super().__init__()
        self.tail = nn.Conv2d(4, 1, 3, padding=1)
        self.head = nn.Conv2d(1, 4, 3, padding=1)
        self.body = nn.Conv2d(4, 4, 3, padding=1)
        self.sees_pixels = nn.Conv2d(5, 4, 3, padding=1)
        self.transposed = nn.ConvTranspose2d(4, 4, 3, padding=1)
        self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.attention = nn.MultiheadAttention(4, 1, batch_first=True)
        self.position = nn.Parameter(torch.zeros(4, 1, 1))
        self.frozen = nn.Conv2d(4, 4, 1).requires_grad_(False)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, image):
        features = self.head(image)
        features = self.sees_pixels(torch.cat([features, image], dim=1)) + self.position
        features = self.depthwise(self.transposed(self.norm(self.body(features)).relu()))
        tokens = features.flatten(2).mT
        features = self.attention(tokens, tokens, tokens)[0].mT.reshape(features.shape)
        return image + self.tail(self.frozen(features))


def test_weights_are_split_by_what_they_do():
    network = Branches()
    names = {id(weight): name for name, weight in network.named_parameters()}
    hidden, others = ([names[id(each)] for each in part] for part in split_weights(network, IMAGE))
    assert hidden == ["body.weight", "attention.in_proj_weight", "attention.out_proj.weight"]
    assert {*hidden, *others, "frozen.weight", "frozen.bias"} == set(names.values())
    assert network.training
    assert network.norm.num_batches_tracked == 0


def test_without_an_example_adamw_trains_all_weights_that_are_not_frozen():
    network = Branches()
    hidden, others = split_weights(network, None)
    assert hidden == []
    trainable = [weight for weight in network.parameters() if weight.requires_grad]
    assert [id(weight) for weight in others] == [id(weight) for weight in trainable]
