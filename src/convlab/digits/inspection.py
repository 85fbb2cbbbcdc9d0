"""The inside of a digit network of any kind: layers, filters, feature maps, receptive fields.

All of it is what is seen of the network's modules while it runs.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from convlab.digits.prediction import to_input

SIDE = 28
"""Pixels on a side of a digit."""
KINDS = {
    nn.Conv2d: "convolution",
    nn.ConvTranspose2d: "transposed convolution",
    nn.MaxPool2d: "max pooling",
    nn.AvgPool2d: "average pooling",
    nn.AdaptiveAvgPool2d: "average pooling",
    nn.Linear: "linear",
    nn.Flatten: "flatten",
    nn.MultiheadAttention: "attention",
}
"""Layers that are not called by the name of their class."""


class Layer(NamedTuple):
    """A layer of a network in a table."""

    name: str
    shape: tuple[int, ...]
    """Of its output for one input."""
    weights: int
    """Number of its parameters."""


class Filters(NamedTuple):
    """The kernels of a convolution."""

    layer: str
    """Its kind, and which of that kind it is, such as "convolution 2"."""
    kernels: np.ndarray
    """float32, shape (outputs, inputs, height, width)."""


class FeatureMaps(NamedTuple):
    """What a layer makes of digits."""

    layer: str
    """As in `Filters`."""
    values: np.ndarray
    """float32, shape (n, channels, height, width)."""


class ReceptiveField(NamedTuple):
    """The rectangle of input pixels on which the unit in the middle of a layer depends."""

    layer: str
    """As in `Filters`; "scores" for all ten logits."""
    top: int
    left: int
    height: int
    width: int


class _Call(NamedTuple):
    """A layer at work."""

    layer: nn.Module
    name: str
    weights: int
    """Number of its parameters that no call before it has counted."""
    seen: Any
    """What `_calls` was asked to keep of its output."""


def layers(network: nn.Module, example: Tensor | None = None) -> list[Layer]:
    """List a network's input and layers, with the shape after each.

    Layers are the modules that call no other one. A module that is called
    twice is listed twice, its parameters with the first. Parameters of a module
    that calls others are listed where it ends.

    Parameters
    ----------
    network : Module
    example : Tensor, shape (1, channels, height, width), optional
        An input; by default a digit.

    Returns
    -------
    list of Layer
        In the order of the calls; their `weights` are all of the network's.
    """
    example = torch.zeros(1, 1, SIDE, SIDE) if example is None else example
    calls, _ = _calls(network, example, lambda output: tuple(output.shape[1:]))
    listed = [Layer(call.name, call.seen, call.weights) for call in calls]
    return [Layer("input", tuple(example.shape[1:]), 0), *listed]


def filters(network: nn.Module) -> list[Filters]:
    """Give the kernels of each convolution.

    Parameters
    ----------
    network : Module

    Returns
    -------
    list of Filters
        In the order of the calls; empty for a network without convolutions.
    """
    calls, _ = _calls(network, torch.zeros(1, 1, SIDE, SIDE), lambda _: None)
    return [
        Filters(name, call.layer.weight.detach().numpy())
        for name, call in zip(_numbered(calls), calls, strict=True)
        if isinstance(call.layer, nn.Conv2d) and call.weights  # else it was called before
    ]


def feature_maps(network: nn.Module, images: np.ndarray) -> list[FeatureMaps]:
    """Compute the feature maps after each activation and pooling.

    After each convolution, if a network has neither as a module.

    Parameters
    ----------
    network : Module
    images : ndarray of uint8, shape (n, 28, 28)

    Returns
    -------
    list of FeatureMaps
        In the order of the calls; empty for a network without convolutions.
    """
    # Copies: the layer that follows may work in place.
    calls, _ = _calls(network, to_input(images), lambda output: output.numpy().copy())
    maps = [
        (call.layer, FeatureMaps(name, call.seen))
        for name, call in zip(_numbered(calls), calls, strict=True)
        if call.seen.ndim == 4 and len(call.seen) == len(images)
    ]
    wanted = [each for layer, each in maps if _is_of(layer, "activation", "pooling")]
    return wanted or [each for layer, each in maps if _is_of(layer, "conv")]


def receptive_fields(network: nn.Module) -> list[ReceptiveField]:
    """Measure on which pixels the middle of each layer depends, and the scores.

    One pixel of a digit is NaN: it makes NaN of every unit that depends on it,
    whatever the weights are. This is done with each pixel.

    Parameters
    ----------
    network : Module

    Returns
    -------
    list of ReceptiveField
        In the order of the calls, without layers whose field is that of the layer before;
        empty for a network without feature maps.
    """
    reached = []
    for row in range(SIDE):  # a batch for each row of pixels bounds the memory
        digits = torch.zeros(SIDE, 1, SIDE, SIDE)
        digits[range(SIDE), 0, row, range(SIDE)] = torch.nan
        # NNPACK, which torch may take instead of oneDNN, transforms whole tiles: a NaN would
        # fill its tile.
        with torch.backends.nnpack.flags(enabled=False):
            calls, (logits, _) = _calls(network, digits, _middle_is_nan)
        reached.append([*(call.seen for call in calls), logits.isnan().any(dim=1)])
    fields: list[ReceptiveField] = []
    for name, *rows in zip([*_numbered(calls), "scores"], *reached, strict=True):
        if rows[0] is None or not (dependent := torch.stack(rows)).any():
            continue
        field = ReceptiveField(name, *_bounds(dependent))
        if not fields or field[1:] != fields[-1][1:] or name == "scores":
            fields.append(field)
    return fields if len(fields) > 1 else []


def _calls(
    network: nn.Module, digits: Tensor, keep: Callable[[Tensor], Any]
) -> tuple[list[_Call], Any]:
    """Run a network, and keep something of what each layer gives.

    Returns
    -------
    calls : list of _Call
    output : Any
        Of the network.
    """
    calls: list[_Call] = []
    begun: list[int] = []
    counted: set[int] = set()

    def begin(*_: Any) -> None:
        begun.append(len(calls))

    def end(layer: nn.Module, _: Any, output: Any) -> None:
        own = {id(each): each.numel() for each in layer.parameters() if id(each) not in counted}
        counted.update(own)
        calls_others = begun.pop() < len(calls)
        if own or not calls_others:
            kind = type(layer).__name__
            name = f"parameters of {kind}" if calls_others else _name(layer)
            calls.append(_Call(layer, name, sum(own.values()), keep(_first_tensor(output))))

    with ExitStack() as hooks, torch.inference_mode():
        for path, module in network.named_modules():
            if "parametrizations" not in path.split("."):  # they make weights, such as weight_norm
                hooks.enter_context(module.register_forward_pre_hook(begin))
                hooks.enter_context(module.register_forward_hook(end))
        return calls, network(digits)


def _first_tensor(output: Any) -> Tensor:
    """Give the output itself, or the first of several, as attention has them."""
    match output:
        case Tensor():
            return output
        case dict():
            return _first_tensor(list(output.values()))
        case [first, *_]:
            return _first_tensor(first)
        case _:
            return torch.empty(1, 0)


def _middle_is_nan(output: Tensor) -> Tensor | None:
    """For each digit, whether any channel is NaN in the middle; None if there are no maps."""
    if output.ndim != 4 or len(output) != SIDE:
        return None
    *_, height, width = output.shape
    return output[:, :, height // 2, width // 2].isnan().any(dim=1)


def _bounds(dependent: Tensor) -> tuple[int, int, int, int]:
    """Top, left, height and width of the rectangle around all that is true."""
    (top, bottom), (left, right) = (
        dependent.any(dim=axis).nonzero().flatten()[[0, -1]].tolist() for axis in (1, 0)
    )
    return top, left, bottom - top + 1, right - left + 1


def _is_of(layer: nn.Module, *kinds: str) -> bool:
    """Whether a layer's class, or one that it is made from, is of these files of torch."""
    files = {f"torch.nn.modules.{kind}" for kind in kinds}
    return any(base.__module__ in files for base in type(layer).mro())


def _numbered(calls: list[_Call]) -> list[str]:
    """Name each layer by its kind and its place among all of that kind."""
    count: Counter[str] = Counter()
    names = []
    for call in calls:
        kind = _kind(call.layer)
        count[kind] += 1
        names.append(f"{kind} {count[kind]}")
    return names


def _name(layer: nn.Module) -> str:
    match layer:
        case nn.Conv2d() | nn.ConvTranspose2d() | nn.MaxPool2d() | nn.AvgPool2d():
            size = layer.kernel_size
            height, width = size if isinstance(size, tuple) else (size, size)
            return f"{_kind(layer)} {height} x {width}"
        case _:
            return _kind(layer)


def _kind(layer: nn.Module) -> str:
    known = (name for kind, name in KINDS.items() if isinstance(layer, kind))
    return next(known, type(layer).__name__)
