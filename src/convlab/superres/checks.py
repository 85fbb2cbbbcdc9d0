"""Checks of a super-resolution network before its training."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from convlab.core.checks import apply, build_network, check_forward, check_training, check_weights
from convlab.core.errors import InputError
from convlab.core.loop import Training
from convlab.core.params import Params
from convlab.core.weights import find_network, network_errors
from convlab.superres.cost import multiply_adds
from convlab.superres.layers import Upscaler
from convlab.superres.patches import Pair
from convlab.superres.training import TrainSr, make_training
from convlab.superres.upscaling import NETWORKS

SIZES = ((1, 17, 24), (2, 22, 19))
"""Number of images, height and width of the inputs that a network is tried on: odd and even sides,
large enough for padding by 16 reflected pixels."""
BATCH_SIZE = 4
"""Largest number of patches in the mini-batches that a training is tried on."""
VALIDATION_SIDE = 24
"""LR pixels on a side of the image that validation is tried on."""
MAX_OUTPUT = 10
"""The output of an untrained network is near 0 to 1; more means that it works with 0 to 255."""


def build_upscaler(name: str, scale: int, settings: Params) -> Upscaler:
    """Build a super-resolution network.

    Raises
    ------
    InputError
        If it cannot be built.
    """
    kind = find_network(NETWORKS, name).Network
    must = "must be a subclass of `Upscaler` and begin with `super().__init__(scale)`"
    try:
        network = build_network(name, kind, scale=scale, settings=settings)
    except InputError as error:
        if "__init__() call" in str(error) or "Upscaler.__init__()" in str(error):
            raise InputError(f"{error}: the class `Network` {must}") from error
        raise
    if not isinstance(network, Upscaler) or getattr(network, "scale", None) != scale:
        raise InputError(f"{name}: the class `Network` {must}")
    return network


def check_shapes(name: str, network: Upscaler) -> float:
    """Check that a network upscales images of any size, and that its output is luminance.

    Returns
    -------
    float
        The mean output for an image with luminance 0.5 everywhere; it is 0.5 if the network starts
        from an interpolation.

    Raises
    ------
    InputError
    """
    check_weights(name, network)
    for count, height, width in SIZES:
        low = torch.rand((count, 1, height, width), generator=torch.Generator().manual_seed(0))
        _check_size(name, network, low, check_forward)
    _check_size(name, network.train(), low, apply)
    grey = check_forward(name, network, torch.full((1, 1, 24, 24), 0.5))
    level = float(grey.mean())
    if abs(level) > MAX_OUTPUT:
        raise InputError(
            f"{name}: upscales an image with luminance 0.5 everywhere to a mean of {level:.4g}:"
            " luminance is from 0 to 1, not to 255"
        )
    return level


def _check_size(name: str, network: Upscaler, low: Tensor, give: Callable[..., Any]) -> None:
    """Check the size of the output in the current mode of the network."""
    scale = network.scale
    try:
        output = give(name, network, low)
    except InputError as error:
        raise InputError(f"{error}{_hint_at_sizes(str(error), low, scale)}") from error
    if not isinstance(output, Tensor):
        raise InputError(
            f"{name}: `forward` returns a {type(output).__name__}, must return the output itself"
        )
    count, _, height, width = low.shape
    expected = (count, 1, scale * height, scale * width)
    if output.shape != expected:
        raise InputError(
            f"{name}: output is {tuple(output.shape)}, expected {expected}"
            f"{_hint(output, low, scale)}"
        )


def check_upscaler(
    name: str, scale: int, settings: Params, params: TrainSr, patch_size: int
) -> None:
    """Check all that training, evaluation and commands need from a network.

    Parameters
    ----------
    name : str
        Name of the network's file.
    scale : int
    settings : Params
        Settings of the network.
    params : TrainSr
    patch_size : int
        LR pixels on a side of a patch.

    Raises
    ------
    InputError
        Names the first fault.
    """
    build = partial(build_upscaler, name, scale, settings)
    network = build()
    check_shapes(name, network)
    with network_errors(name, "its multiply-adds cannot be counted", anywhere=True):
        multiply_adds(network.eval())
    small = params.model_copy(update={"batch_size": min(BATCH_SIZE, params.batch_size)})

    def make() -> Training:
        return try_training(build, small, patch_size)

    check_training(
        name,
        network,
        make=make,
        package=NETWORKS,
        arguments={"scale": scale, "settings": settings.model_dump()},
        example=torch.rand((1, 1, 17, 20)),
    )


def try_training(build: partial[Upscaler], params: TrainSr, patch_size: int) -> Training:
    """Make a training on patches of random noise.

    Returns
    -------
    Training
    """
    torch.manual_seed(params.seed)
    network = build()
    random = np.random.default_rng(0)

    def noise(*shape: int) -> Pair:
        *count, side = shape
        sides = side, network.scale * side
        return Pair(*(random.integers(0, 256, (*count, each, each), np.uint8) for each in sides))

    patches, validation = noise(params.batch_size, patch_size), [noise(VALIDATION_SIDE)]
    return make_training(network, patches, validation, params)


def _hint(output: Tensor, low: Tensor, scale: int) -> str:
    """Say what may be the cause, if the shapes show it."""
    if output.ndim != 4 or output.shape[0] != low.shape[0]:
        return ""
    channels, *size = output.shape[1:]
    wanted = [scale * side for side in low.shape[2:]]
    if channels == scale**2 and size == list(low.shape[2:]):
        return ": the last convolution gives scale^2 channels; did you forget the pixel shuffle?"
    if size == list(low.shape[2:]):
        return ": as large as the input; where does the network upscale it?"
    if channels != 1 and size == wanted:
        return ": luminance has one channel; the last layer must give one"
    if all(side < other for side, other in zip(size, wanted, strict=True)):
        return ": smaller; convolutions need `padding=kernel_size // 2` to keep the size"
    return ""


def _hint_at_sizes(message: str, low: Tensor, scale: int) -> str:
    """Say what may be the cause, if the message of torch or einops shows it."""
    chunks = r"(?:c r1 r2.* in chunks of|pixel_shuffle.* not divisible by) (\d+)"
    divisor = re.search(chunks, message)
    if divisor:
        return f": the layer before the pixel shuffle must give scale^2 = {divisor[1]} channels"
    sizes = r"tensor a \((\d+)\) must match the size of tensor b \((\d+)\) .* dimension [23]"
    found = re.search(sizes, message)
    small, large = sorted(map(int, found.groups())) if found else (0, 0)
    if found and large == scale * small:
        return (
            f": one is {scale} times as large as the other: did you forget the pixel shuffle, or"
            " to upscale the input before it is added?"
        )
    if found and small > 1:
        height, width = low.shape[2:]
        return (
            ": sizes differ: a convolution without padding (`padding=kernel_size // 2` keeps the"
            f" size), or a pooling or stride that does not divide {height} x {width}?"
        )
    return f" (scale={scale})"
