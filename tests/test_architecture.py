"""The drawings of networks: which layers they show, and how large."""

import pytest
import torch
from torch import nn

from convlab.core.weights import count_parameters, find_network
from convlab.digits import prediction
from convlab.report.architecture import Source, Step, architecture, group_steps
from convlab.superres import upscaling
from digit_networks import Attention, Functional, Narrow


def upscaler(name, **settings):
    module = find_network(upscaling.NETWORKS, name)
    return module.Network(2, module.Settings(**settings)).eval()


def digits(name):
    module = find_network(prediction.NETWORKS, name)
    return module.Network(module.Settings()).eval()


def listed(network, side=24):
    """For each group of a drawing: `times`, and name, shape and parameters of its steps."""
    drawn = architecture(network, torch.zeros(1, 1, side, side))
    assert drawn["parameters"] == count_parameters(network)
    return [
        (
            group["times"],
            [(each["name"], each["shape"], each["parameters"]) for each in group["steps"]],
        )
        for group in drawn["groups"]
    ]


def test_equal_layers_are_one_step_and_the_interpolation_is_named_where_it_is_added():
    assert listed(upscaler("equivariant", channels=48, layers=10)) == [
        (1, [("input", "1 x 24 x 24", 0)]),
        (1, [("convolution 3 x 3, ReLU", "48 x 24 x 24", 480)]),
        (10, [("convolution 3 x 3, ReLU", "48 x 24 x 24", 20784)]),
        (1, [("convolution 3 x 3", "4 x 24 x 24", 1732)]),
        (1, [("pixel shuffle", "1 x 48 x 48", 0)]),
        (1, [("plus bicubic interpolation of the input", "1 x 48 x 48", 0)]),
    ]


def test_residual_blocks_are_one_block_and_say_what_they_add():
    _, head, (times, block), _, skip, *_ = listed(upscaler("edsr", channels=4, blocks=5))
    assert head == (1, [("convolution 3 x 3", "4 x 24 x 24", 40)])
    assert times == 5
    assert [name for name, *_ in block] == [
        "convolution 3 x 3, ReLU",
        "convolution 3 x 3",
        "plus the input of the block",
    ]
    assert skip[1][0][0] == "plus the output of convolution 3 x 3"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "cnn",
            [
                ("input", "1 x 28 x 28", 0),
                ("convolution 5 x 5, ReLU", "16 x 28 x 28", 416),
                ("max pooling 2 x 2", "16 x 14 x 14", 0),
                ("convolution 5 x 5, ReLU", "32 x 14 x 14", 12832),
                ("max pooling 2 x 2", "32 x 7 x 7", 0),
                ("flatten", "1568", 0),
                ("linear", "10", 15690),
            ],
        ),
        (
            "mlp",
            [
                ("input", "1 x 28 x 28", 0),
                ("flatten", "784", 0),
                ("linear, ReLU", "36", 28260),
                ("linear", "10", 370),
            ],
        ),
    ],
)
def test_digit_networks_are_listed_with_their_shapes(name, expected):
    assert listed(digits(name), side=28) == [(1, [step]) for step in expected]


@pytest.mark.parametrize("make", [Attention, Functional, Narrow])
def test_any_network_is_drawn(make):
    groups = listed(make().eval(), side=28)
    assert groups[0] == (1, [("input", "1 x 28 x 28", 0)])
    assert groups[-1][1][-1][1] == "10"


def test_what_is_unusual_about_a_layer_is_named():
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=2, dilation=2, bias=False),
        nn.BatchNorm2d(4),
        nn.LeakyReLU(),
        nn.Conv2d(4, 4, 1, groups=4),
        nn.AvgPool2d(3, stride=1),
        nn.ConvTranspose2d(4, 1, 4, stride=2),
    ).eval()
    assert [name for _, [(name, *_)] in listed(network)] == [
        "input",
        "convolution 3 x 3, stride 2, dilation 2, batch normalization, leaky ReLU",
        "convolution in 4 groups 1 x 1",
        "average pooling 3 x 3, stride 1",
        "transposed convolution 4 x 4, stride 2",
    ]


def test_sides_are_to_scale():
    groups = architecture(digits("cnn"), torch.zeros(1, 1, 28, 28))["groups"]
    drawn = [group["steps"][0]["drawing"] for group in groups]
    _, first, pooled, second, _, flat, scores = drawn
    assert first["height"] == 2 * pooled["height"] == 2 * second["height"]
    assert first["depth"] == 2 * pooled["depth"]
    assert 2 * first["width"] == 2 * pooled["width"] == second["width"]
    assert flat["list"] and flat["height"] > 30 * scores["height"]


def test_the_largest_layer_fits():
    for network in (upscaler("equivariant", channels=512, layers=1), upscaler("vdsr")):
        for group in architecture(network, torch.zeros(1, 1, 24, 24))["groups"]:
            for step in group["steps"]:
                assert step["drawing"]["width"] <= 120
                assert step["drawing"]["height"] <= 120
                assert step["drawing"]["copies"] <= 12


def test_repeated_steps_are_found_wherever_they_are():
    a, b, c = (Step(name, (1, 2, 2), 0) for name in "abc")
    skip = Step("plus", (1, 2, 2), 0, (Source(1), Source(3)))
    assert group_steps([a, b, b, b, c]) == [(1, [a]), (3, [b]), (1, [c])]
    assert group_steps([a, b, skip, a, b, skip, c]) == [(2, [a, b, skip]), (1, [c])]
    assert group_steps([a, b, c]) == [(1, [a]), (1, [b]), (1, [c])]
