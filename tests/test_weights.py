"""Networks in files: found by name, saved, loaded, and what is no such file."""

import json
import re

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from convlab.core.compute import to_channels_last
from convlab.core.errors import InputError
from convlab.core.weights import (
    count_parameters,
    find_network,
    load_network,
    network_names,
    save_network,
)
from convlab.digits.prediction import NETWORKS as DIGITS
from convlab.superres.upscaling import NETWORKS as SUPERRES
from convlab.superres.upscaling import load_upscaler

SETTINGS = {"channels": 3, "layers": 2, "upsampling": "pixel_shuffle"}
ARGUMENTS = {"scale": 2, "settings": SETTINGS}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def subpixel():
    module = find_network(SUPERRES, "subpixel")
    network = module.Network(scale=2, settings=module.Settings(**SETTINGS))
    nn.init.normal_(network.tail[0].weight)  # so that it is not bicubic interpolation alone
    return network


def assert_refused(path, reason, package=SUPERRES):
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: ") as caught:
        load_network(path, package)
    assert reason in str(caught.value)


@pytest.mark.parametrize("package", [DIGITS, SUPERRES])
def test_every_file_of_networks_has_a_network_and_settings_with_defaults(package):
    assert network_names(package)
    for name in network_names(package):
        module = find_network(package, name)
        arguments = {"scale": 2} if package == SUPERRES else {}
        assert isinstance(module.Network(settings=module.Settings(), **arguments), nn.Module)
        assert module.__doc__


@pytest.mark.parametrize("name", ["unknown", "__init__", "../layers", "os", ""])
def test_a_network_without_a_file_is_named(name):
    with pytest.raises(
        InputError, match=f"no network '{name}': src/convlab/superres/networks/ has"
    ):
        find_network(SUPERRES, name)


def test_a_network_comes_back_with_its_settings(path):
    network, low = subpixel(), torch.rand(1, 1, 6, 5)
    save_network(path, network, "subpixel", ARGUMENTS)
    content = path.read_bytes()
    loaded = load_upscaler(path, 2)
    assert not loaded.training
    to_channels_last(network)  # as it is loaded
    assert torch.equal(loaded(low), network(low))
    save_network(path, network, "subpixel", ARGUMENTS)
    assert path.read_bytes() == content  # whatever the layout in memory
    with pytest.raises(InputError, match=r"holds a network for scale 2, not 3: run `dvc repro`"):
        load_upscaler(path, 3)


def test_a_network_of_the_other_track_is_named(path):
    module = find_network(DIGITS, "mlp")
    save_network(path, module.Network(settings=module.Settings()), "mlp", {"settings": {}})
    assert_refused(path, "there is no network 'mlp': src/convlab/superres/networks/ has edsr")


@pytest.mark.parametrize("kept", [0, 4, 8, 100, -1])
def test_a_truncated_file_is_named(path, kept):
    save_network(path, subpixel(), "subpixel", ARGUMENTS)
    path.write_bytes(path.read_bytes()[:kept])
    assert_refused(path, "is truncated or not a network of this project")


@pytest.mark.parametrize("content", [b"a text", b"\0" * 100, b"\x80\x04\x95pickle", None])
def test_a_file_of_another_kind_is_named(path, content):
    if content:
        path.write_bytes(content)
    assert_refused(path, "not a network of this project" if content else "is missing")


@pytest.mark.parametrize(
    "description",
    [
        None,
        "subpixel",
        "null",
        '{"network": "subpixel"}',
        '{"network": "subpixel", "arguments": 1}',
    ],
)
def test_weights_of_others_are_named(path, description):
    save_file(subpixel().state_dict(), path, description and {"convlab": description})
    assert_refused(path, "not a network of this project")


@pytest.mark.parametrize(
    "arguments",
    [
        {"settings": SETTINGS},
        {"scale": 3, "settings": SETTINGS},
        {"scale": 2, "depth": 1, "settings": SETTINGS},
        *(
            {"scale": 2, "settings": SETTINGS | changes}
            for changes in (
                {"channels": 4},
                {"layers": 0},
                {"upsampling": "none"},
                {"depth": 1},
                {"channels": "3"},
            )
        ),
    ],
    ids=json.dumps,
)
def test_weights_that_do_not_fit_are_named(path, arguments):
    save_network(path, subpixel(), "subpixel", arguments)
    assert_refused(path, "does not fit the network 'subpixel' as it is now")


def test_weights_of_another_precision_are_named(path):
    """The evaluation protocol upscales in float32."""
    save_network(path, subpixel().bfloat16(), "subpixel", ARGUMENTS)
    assert_refused(path, "are not float32")


def test_weights_that_layers_share_and_constants_come_back(path):
    module = find_network(SUPERRES, "subpixel")

    class Network(module.Network):
        def __init__(self, scale, settings):
            super().__init__(scale, settings)
            self.body[4].weight = self.body[2].weight
            self.register_buffer("level", torch.tensor(0.5), persistent=False)

        def forward(self, low):
            return super().forward(low - self.level)

    network, low = Network(2, module.Settings(**SETTINGS)), torch.rand(1, 1, 6, 5)
    save_network(path, network, "subpixel", ARGUMENTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Network", Network)
        loaded = load_network(path, SUPERRES)
    assert loaded.body[4].weight is loaded.body[2].weight
    assert torch.equal(loaded(low), network(low))


def test_parameters_are_counted():
    assert count_parameters(subpixel()) == (9 + 1) * 3 + 2 * (27 + 1) * 3 + (27 + 1) * 4
