"""Checks of a super-resolution network before its training."""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from convlab.core.checks import (
    build_network,
    check_device,
    check_file,
    check_forward,
    check_learning,
    check_weights,
)
from convlab.core.errors import InputError
from convlab.core.loop import Training
from convlab.core.params import Params
from convlab.core.weights import find_network
from convlab.superres.layers import Upscaler
from convlab.superres.patches import Pair
from convlab.superres.training import TrainSr, make_training
from convlab.superres.upscaling import NETWORKS

SIZES = ((1, 17, 24), (2, 8, 5))
"""Numbers of images, heights and widths on which a network is tried."""
BATCH_SIZE = 4
"""Patches in the mini-batches on which a training is tried, at most."""
VALIDATION_SIDE = 24
"""LR pixels on a side of the image on which it is tried to validate."""
MAX_OUTPUT = 10
"""Luminance is 0 to 1, the output of an untrained network near that; 0 to 255 is a mistake."""


def build_upscaler(name: str, scale: int, settings: Params) -> Upscaler:
    """Build a super-resolution network.

    Raises
    ------
    InputError
        If it cannot be built.
    """
    network = build_network(
        name, find_network(NETWORKS, name).Network, scale=scale, settings=settings
    )
    if not isinstance(network, Upscaler) or getattr(network, "scale", None) != scale:
        raise InputError(
            f"{name}: the class `Network` must be a subclass of `Upscaler` and begin with"
            " `super().__init__(scale)`"
        )
    return network


def check_shapes(name: str, network: Upscaler) -> float:
    """Check that a network upscales images of any size, and luminance to luminance.

    Returns
    -------
    float
        The mean luminance of what it makes of a picture with 0.5 everywhere: 0.5 if it starts from
        an interpolation.

    Raises
    ------
    InputError
    """
    check_weights(name, network)
    for count, height, width in SIZES:
        low = torch.rand((count, 1, height, width), generator=torch.Generator().manual_seed(0))
        outputs = check_forward(name, network, low)
        expected = (count, 1, network.scale * height, network.scale * width)
        if len(outputs) > 1 or outputs[0].shape != expected:
            shapes = " and ".join(str(tuple(output.shape)) for output in outputs)
            hint = _hint(outputs[0], low, network.scale)
            raise InputError(f"{name}: output is {shapes}, expected {expected}{hint}")
    (grey,) = check_forward(name, network, torch.full((1, 1, 24, 24), 0.5))
    level = float(grey.mean())
    if abs(level) > MAX_OUTPUT:
        raise InputError(
            f"{name}: of a picture with luminance 0.5 everywhere it makes {level:.4g}: luminance is"
            " from 0 to 1, not to 255"
        )
    return level


def check_upscaler(
    name: str, scale: int, settings: Params, params: TrainSr, patch_size: int
) -> None:
    """Check all that a training, its evaluation and the commands ask of a network.

    Parameters
    ----------
    name : str
        Of its file.
    scale : int
    settings : Params
        Of the network.
    params : TrainSr
    patch_size : int
        LR pixels on a side of a patch.

    Raises
    ------
    InputError
        Naming the first fault.
    """
    build = partial(build_upscaler, name, scale, settings)
    network = build()
    check_shapes(name, network)
    small = params.model_copy(update={"batch_size": min(BATCH_SIZE, params.batch_size)})

    def make() -> Training:
        return try_training(build, small, patch_size)

    check_learning(name, make)
    low = torch.rand((1, 1, 9, 12))
    arguments = {"scale": scale, "settings": settings.model_dump()}
    check_file(name, network, NETWORKS, arguments, low)
    check_device(name, network, low)


def try_training(build: partial[Upscaler], params: TrainSr, patch_size: int) -> Training:
    """Make a training on patches of noise.

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
    """Say what may have gone wrong, if that can be seen from the shapes."""
    if output.ndim != 4 or output.shape[0] != low.shape[0]:
        return ""
    channels, *size = output.shape[1:]
    wanted = [scale * side for side in low.shape[2:]]
    if channels == scale**2 and size == list(low.shape[2:]):
        return ": the last convolution gives scale^2 channels; did you forget pixel_shuffle?"
    if size == list(low.shape[2:]):
        return ": as large as the input; where does the network upscale it?"
    if channels != 1 and size == wanted:
        return ": luminance has one channel; the last layer must give one"
    if all(side < other for side, other in zip(size, wanted, strict=True)):
        return ": smaller; convolutions need `padding=kernel_size // 2` to keep the size"
    return ""
