"""Networks that the page runs itself: in JavaScript they give what they give in torch."""

import json
import subprocess

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from conftest import NODE, ROOT
from convlab.core.weights import find_network, network_names
from convlab.digits.prediction import NETWORKS as DIGITS
from convlab.report.live import KERNEL, MAX_WEIGHTS, describe_network
from convlab.superres.layers import PixelShuffle, bicubic
from convlab.superres.upscaling import NETWORKS as SUPERRES

WEB = ROOT / "src/convlab/report/web"


class Mixed(nn.Module):
    """Layers and functions that the project's own networks do without."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 6, (3, 5), padding=(1, 2), bias=False), nn.ELU())
        self.norm = nn.BatchNorm2d(6)
        self.grouped = nn.Conv2d(6, 9, 3, padding="same", groups=3, dilation=2)
        self.strided = nn.Conv2d(6, 9, 3, padding=1, stride=2)
        self.larger = nn.Upsample(scale_factor=2)
        self.act, self.drop, self.other = nn.SiLU(), nn.Dropout(), nn.LeakyReLU(0.1)
        self.gelu, self.mean = nn.GELU(), nn.AvgPool2d(3, stride=1, padding=1)
        self.join = nn.Conv2d(18, 8, 1)
        self.shuffle = nn.PixelShuffle(2)
        self.last = nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, x):
        features = self.norm(self.first(x))
        both = [self.act(self.grouped(features)), self.larger(self.other(self.strided(features)))]
        joined = self.drop(self.join(torch.cat(both, 1)))
        gated = self.mean(self.gelu(joined)) * torch.sigmoid(joined) - 0.5 * joined
        return bicubic(x, 2) + self.last(self.shuffle(gated.add(0.25))).tanh()


class Classifier(nn.Module):
    """Pooling and a linear layer without bias; two outputs."""

    def __init__(self):
        super().__init__()
        self.features = nn.Conv2d(1, 5, 4, stride=3)
        self.pool, self.mean = nn.MaxPool2d(3, stride=2, padding=1), nn.AdaptiveAvgPool2d(1)
        self.classify = nn.Linear(5, 10, bias=False)

    def forward(self, x):
        embedding = torch.flatten(self.mean(self.pool(functional.relu(self.features(x)))), 1)
        return self.classify(embedding), embedding


def randomize(network):
    """Change weights and statistics so that all of them count."""
    torch.manual_seed(0)
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(0.02 * torch.randn_like(weights))
        for statistics in network.buffers():
            if statistics.is_floating_point():
                statistics.add_(0.3 * torch.rand_like(statistics))
    return network.eval()


def networks():
    for scale in (2, 3):
        for name in network_names(SUPERRES):
            module = find_network(SUPERRES, name)
            yield module.Network(scale, settings=module.Settings()), (13, 18)
    for name in network_names(DIGITS):
        module = find_network(DIGITS, name)
        yield module.Network(settings=module.Settings()), (28, 28)
    yield Mixed(), (10, 14)
    yield Classifier(), (28, 27)


def run_in_node(cases):
    done = subprocess.run(
        [NODE, ROOT / "tests/page_networks.mjs", WEB, KERNEL],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_networks_give_in_javascript_what_they_give_in_torch():
    cases, expected = [], []
    for network, (height, width) in networks():
        description = describe_network(randomize(network))
        if "unknown" in description:  # too large
            assert sum(each.numel() for each in network.parameters()) > MAX_WEIGHTS
            continue
        digits = torch.rand(1, 1, height, width)
        with torch.inference_mode():
            outputs = network(digits)
        expected.append([outputs] if isinstance(outputs, torch.Tensor) else outputs)
        size = {"height": height, "width": width}
        cases.append({"description": description, **size, "values": digits.flatten().tolist()})
    assert len(cases) >= 15
    for outputs, both in zip(expected, run_in_node(cases), strict=True):
        for results in both:  # with WebAssembly, and without
            for output, result in zip(outputs, results, strict=True):
                ours = np.array(result["values"], np.float32)
                ours = ours.reshape(result["height"], result["width"], result["channels"])
                theirs = output[0] if output.ndim == 4 else output[0, :, None, None]
                np.testing.assert_allclose(ours, theirs.permute(1, 2, 0), rtol=0, atol=2e-5)


class Odd(nn.Module):
    """A layer of a student's own."""

    def forward(self, x):
        return x if x.mean() > 0 else -x


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (nn.Softmax(1), "the layer Softmax (0)"),
        (nn.Conv2d(1, 1, 3, padding_mode="reflect", padding=1), "padding_mode reflect"),
        (nn.MaxPool2d(2, ceil_mode=True), "ceil_mode"),
        (Odd(), "depends on computed values or shapes"),
    ],
)
def test_a_layer_that_the_page_does_not_know_is_named(layer, named):
    described = describe_network(nn.Sequential(layer, PixelShuffle(1)).eval())
    assert set(described) == {"unknown"}
    assert named in described["unknown"]
