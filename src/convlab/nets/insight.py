"""A look inside the networks: what layers give, what their units see."""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from convlab.nets.cnn import Cnn
from convlab.nets.digits import to_input
from convlab.nets.layers import PixelShuffle
from convlab.nets.superres import upscale_luminance
from convlab.nets.upscaler import Upscaler


class Layer(NamedTuple):
    """A layer of a network, as a reader meets it."""

    name: str
    shape: tuple[int, ...]
    """Of what comes out of it, for one digit."""
    weights: int
    """Number of its parameters."""


class Field(NamedTuple):
    """The square of input pixels that one unit of a layer sees."""

    size: int
    """Pixels on a side."""
    step: int
    """Pixels from one unit's square to the next one's."""
    start: int
    """First row and column of unit (0, 0); negative where padding is seen, too."""


def layers(network: nn.Module) -> list[Layer]:
    """List a digit network's layers, with the shape after each.

    Parameters
    ----------
    network : Module
        `Cnn` or `Mlp`.
    """
    value, found = torch.zeros(1, 1, 28, 28), [Layer("input", (1, 28, 28), 0)]
    with torch.inference_mode():
        for layer in [*network.features, network.classify]:
            value = layer(value)
            weights = sum(weight.numel() for weight in layer.parameters())
            found.append(Layer(_name(layer), tuple(value.shape[1:]), weights))
    return found


def feature_maps(network: Cnn, images: np.ndarray) -> list[np.ndarray]:
    """Let digits through the convolutional part, and keep what each ReLU and pooling gives.

    Parameters
    ----------
    network : Cnn
    images : ndarray of uint8, shape (n, 28, 28)

    Returns
    -------
    list of ndarray of float32, shape (n, channels, height, width)
        In the order of the layers.
    """
    values, kept = to_input(images), []
    with torch.inference_mode():
        for layer in network.features:
            values = layer(values)
            if isinstance(layer, nn.ReLU | nn.MaxPool2d):
                kept.append(values.numpy())
    return kept


def receptive_fields(network: Cnn) -> list[Field]:
    """Say what a unit after each layer of the convolutional part sees of the digit.

    Returns
    -------
    list of Field
        One for each of the network's convolutions and poolings, in their order.

    References
    ----------
    A. Araujo, W. Norris, J. Sim, "Computing receptive fields of convolutional
    neural networks", Distill, 2019: with kernel k, stride s and padding p, the
    size grows by (k - 1) steps, the start falls by p steps, and the step is
    multiplied by s.
    """
    field, fields = Field(size=1, step=1, start=0), []
    for layer in network.features:
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            kernel, stride, padding = (
                value[0] if isinstance(value, tuple) else value
                for value in (layer.kernel_size, layer.stride, layer.padding)
            )
            size = field.size + (kernel - 1) * field.step
            field = Field(size, field.step * stride, field.start - padding * field.step)
            fields.append(field)
    return fields


def shuffled_features(network: Upscaler, low: np.ndarray) -> np.ndarray | None:
    """Give the channels that a network's pixel shuffle lays out as its answer.

    Parameters
    ----------
    network : Upscaler
    low : ndarray of uint8, shape (h, w)

    Returns
    -------
    ndarray of float32, shape (r^2, h, w), or None
        None if the network enlarges otherwise, or shuffles many images in between.
    """
    seen = []
    shuffles = (layer for layer in network.modules() if isinstance(layer, PixelShuffle))
    hooks = [
        layer.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0][0]))
        for layer in shuffles
    ]
    try:
        upscale_luminance(network, low)
    finally:
        for hook in hooks:
            hook.remove()
    shape = (network.scale**2, *low.shape)
    return seen[0].cpu().numpy() if len(seen) == 1 and seen[0].shape == shape else None


def _name(layer: nn.Module) -> str:
    match layer:
        case nn.Conv2d(kernel_size=(height, width)):
            return f"convolution {height} x {width}"
        case nn.MaxPool2d(kernel_size=size):
            return f"max pooling {size} x {size}"
        case nn.Linear():
            return "linear"
        case nn.Flatten():
            return "flatten"
        case _:
            return type(layer).__name__
