"""Networks in files: out, back in, and what is no such file."""

import json
import re

import pytest
import torch
from safetensors.torch import save_file

from convlab.errors import InputError
from convlab.nets.cnn import Cnn
from convlab.nets.mlp import Mlp
from convlab.nets.subpixel import SubPixel
from convlab.nets.superres import load_superres
from convlab.nets.weights import count_parameters, load_network, save_network

DESIGN = {"scale": 2, "channels": 3, "layers": 2, "upsampling": "pixel_shuffle"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def random_subpixel():
    network = SubPixel(**DESIGN)
    torch.nn.init.normal_(network.tail[0].weight)  # so that it is not bicubic alone
    return network


def assert_refused(path, reason, designs):
    with pytest.raises(InputError) as caught:
        load_network(path, designs)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert reason in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(("design", "name"), [(Cnn, "cnn"), (Mlp, "mlp")], ids=["cnn", "mlp"])
def test_a_digit_network_comes_back(path, design, name):
    network, digits = design(), torch.rand(2, 1, 28, 28)
    save_network(path, network, name)
    loaded = load_network(path, {"cnn": Cnn, "mlp": Mlp})
    assert type(loaded) is design
    assert not loaded.training
    for ours, theirs in zip(loaded(digits), network(digits), strict=True):
        assert torch.equal(ours, theirs)


def test_a_superresolution_network_comes_back_with_its_settings(path):
    network, low = random_subpixel(), torch.rand(1, 1, 6, 5)
    save_network(path, network, "subpixel", **DESIGN)
    loaded = load_superres(path, 2)
    assert loaded.scale == 2
    assert torch.equal(loaded(low), network(low))


def test_channels_last_in_memory_are_written_as_others_are(path):
    network = random_subpixel()
    save_network(path, network, "subpixel", **DESIGN)
    content = path.read_bytes()
    save_network(path, network.to(memory_format=torch.channels_last), "subpixel", **DESIGN)
    assert path.read_bytes() == content


def test_a_missing_file_is_named(path):
    assert_refused(path, "is missing", {"cnn": Cnn})


@pytest.mark.parametrize("kept", [0, 4, 8, 100, 1000, -1])
def test_a_truncated_file_is_named(path, kept):
    save_network(path, Mlp(), "mlp")
    path.write_bytes(path.read_bytes()[:kept])
    assert_refused(path, "is truncated or not a model of this project", {"mlp": Mlp})


@pytest.mark.parametrize("content", [b"a text", b"\0" * 100, b"\x80\x04\x95pickle", b"PK\x03\x04"])
def test_a_file_of_another_kind_is_named(path, content):
    path.write_bytes(content)
    assert_refused(path, "is truncated or not a model of this project", {"mlp": Mlp})


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"format": "pt"},
        {"network": "cnn"},
        {"network": "null"},
        {"network": '{"design": "mlp"}'},
        {"network": '{"settings": {}}'},
    ],
)
def test_weights_of_others_are_named(path, metadata):
    save_file(Mlp().state_dict(), path, metadata)
    assert_refused(path, "not a model of this project", {"mlp": Mlp})


def test_another_design_is_named(path):
    save_network(path, Mlp(), "mlp")
    assert_refused(
        path,
        "holds a network 'mlp', expected cnn or subpixel",
        {"cnn": Cnn, "subpixel": SubPixel},
    )
    with pytest.raises(
        InputError, match=f"^{re.escape(str(path))}: holds a network 'mlp', expected srcnn or "
    ):
        load_superres(path, 2)


@pytest.mark.parametrize("wanted", [3, 4])
def test_another_scale_is_named(path, wanted):
    save_network(path, random_subpixel(), "subpixel", **DESIGN)
    with pytest.raises(
        InputError,
        match=f"^{re.escape(str(path))}: .* for scale 2, not {wanted}: ",
    ):
        load_superres(path, wanted)


@pytest.mark.parametrize(
    "settings",
    [
        DESIGN | {"channels": 4},
        DESIGN | {"layers": 3},
        DESIGN | {"layers": 0},
        DESIGN | {"upsampling": "transposed"},
        DESIGN | {"upsampling": "none"},
        DESIGN | {"scale": 3},
        DESIGN | {"depth": 1},
        DESIGN | {"channels": "3"},
        DESIGN | {"channels": -3},
        {"scale": 2},
        [2, 3, 1],
        None,
    ],
    ids=json.dumps,
)
def test_weights_that_do_not_fit_are_named(path, settings):
    description = json.dumps({"design": "subpixel", "settings": settings})
    save_file(random_subpixel().state_dict(), path, {"network": description})
    assert_refused(path, "do not fit the design 'subpixel'", {"subpixel": SubPixel})


def test_weights_of_another_precision_are_named(path):
    """The measure upscales in float32."""
    save_network(path, random_subpixel().bfloat16(), "subpixel", **DESIGN)
    assert_refused(path, "are not float32", {"subpixel": SubPixel})


def test_parameters_are_counted():
    assert count_parameters(SubPixel(**DESIGN)) == (9 + 1) * 3 + 2 * (27 + 1) * 3 + (27 + 1) * 4
