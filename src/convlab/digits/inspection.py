"""The inside of a digit network: its layers, its feature maps, its receptive fields.

This needs a network with two parts, as the CNN and the MLP have: `features`,
an `nn.Sequential` that gives the embedding, and `classify`, the last layer.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from convlab.core.errors import InputError
from convlab.digits.prediction import to_input


class Layer(NamedTuple):
    """A layer of a network in a table."""

    name: str
    shape: tuple[int, ...]
    """Of its output for one digit."""
    weights: int
    """Number of its parameters."""


class ReceptiveField(NamedTuple):
    """The square of input pixels on which one unit of a layer depends."""

    size: int
    """Pixels on a side."""
    step: int
    """Pixels from the square of one unit to that of the next."""
    start: int
    """First row and column of unit (0, 0); negative where it covers padding."""


def layers(network: nn.Module) -> list[Layer]:
    """List a network's input and layers, with the shape after each.

    Parameters
    ----------
    network : Module

    Returns
    -------
    list of Layer

    Raises
    ------
    InputError
        If the network does not have the two parts.
    """
    values = torch.zeros(1, 1, 28, 28)
    listed = [Layer("input", tuple(values.shape[1:]), 0)]
    with torch.inference_mode():
        for layer in [*_features(network), network.classify]:
            values = layer(values)
            count = sum(weights.numel() for weights in layer.parameters())
            listed.append(Layer(_name(layer), tuple(values.shape[1:]), count))
    return listed


def feature_maps(network: nn.Module, images: np.ndarray) -> list[np.ndarray]:
    """Compute the maps after each ReLU and each pooling of the convolutional part.

    Parameters
    ----------
    network : Module
    images : ndarray of uint8, shape (n, 28, 28)

    Returns
    -------
    list of ndarray of float32, shape (n, channels, height, width)
        In the order of the layers; empty for a network without convolutions.

    Raises
    ------
    InputError
        If the network does not have the two parts.
    """
    values, maps = to_input(images), []
    with torch.inference_mode():
        for layer in _features(network):
            values = layer(values)
            if isinstance(layer, nn.ReLU | nn.MaxPool2d) and values.ndim == 4:
                maps.append(values.numpy())
    return maps


def receptive_fields(network: nn.Module) -> list[ReceptiveField]:
    """Compute the receptive field after each convolution and each pooling.

    Parameters
    ----------
    network : Module

    Returns
    -------
    list of ReceptiveField
        In the order of the layers.

    Raises
    ------
    InputError
        If the network does not have the two parts.

    References
    ----------
    A. Araujo, W. Norris, J. Sim, "Computing receptive fields of convolutional
    neural networks", Distill, 2019: with kernel k, stride s and padding p, the
    size grows by (k - 1) steps, the start falls by p steps, and the step is
    multiplied by s.
    """
    field, fields = ReceptiveField(size=1, step=1, start=0), []
    for layer in _features(network):
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            kernel, stride, padding = (
                value[0] if isinstance(value, tuple) else value
                for value in (layer.kernel_size, layer.stride, layer.padding)
            )
            size = field.size + (kernel - 1) * field.step
            start = field.start - padding * field.step
            field = ReceptiveField(size, field.step * stride, start)
            fields.append(field)
    return fields


def has_layers(network: nn.Module) -> bool:
    """Whether a network has the two parts that the functions of this module need.

    Returns
    -------
    bool
    """
    return isinstance(getattr(network, "features", None), nn.Sequential) and isinstance(
        getattr(network, "classify", None), nn.Module
    )


def _features(network: nn.Module) -> nn.Sequential:
    if not has_layers(network):
        name = type(network).__module__.rpartition(".")[-1]
        raise InputError(
            f"the network '{name}' cannot be inspected: it needs the parts `features`, an"
            " nn.Sequential, and `classify`, the last layer"
        )
    return network.features


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
