"""Describe a network's layers for a drawing to scale; repeated layers are drawn together."""

from collections.abc import Sequence
from itertools import count, takewhile
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from convlab.digits.inspection import layers
from convlab.report.live import Operation, UnknownLayerError, make_operation, trace

MAX_SIDE, MAX_WIDTH, MAX_LIST = 120, 120, 120
"""CSS pixels: height of the largest feature maps, width of all their channels, and length of the
longest list of numbers in a drawing."""
UNIT, LIST_UNIT = 3.0, 0.08
"""Largest number of CSS pixels for a pixel or a channel, and for a number in a list."""
DEPTH = 0.3
"""Depth of a block in its oblique projection, relative to the width of its feature maps."""
LIST_WIDTH, LEAST = 14, 3
"""CSS pixels: width of a list of numbers, and the least side of a block."""
MAX_COPIES = 12
"""Largest number of blocks that are drawn for equal layers, one behind the other."""
MAX_REPEATED = 8
"""Largest number of layers that are repeated together, such as those of a residual block."""
ACTIVATIONS = {
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "elu": "ELU",
    "silu": "SiLU",
    "gelu": "GELU",
}
"""Names of activations, if they differ from those in the page's data."""
NAMES = {
    "affine": "batch normalization",
    "prelu": "PReLU",
    "global_mean": "mean of each channel",
    "nearest": "repeated pixels",
    "bicubic": "bicubic interpolation",
    "shuffle": "pixel shuffle",
    "add": "plus",
    "subtract": "minus",
    "multiply": "times",
    "concatenate": "joined with",
}
"""Names of operations, if they differ from those in the page's data."""
MERGES = ("plus", "minus", "times", "joined with")
"""Names of operations on several tensors."""
ATTACHED = ("activation", "prelu", "affine", "shift", "scale")
"""Operations that are described together with the layer before them."""
SIDE_STEPS = ("bicubic", "nearest")
"""Operations that are described where their result is used, if its only use is in an operation on
two tensors."""


class Source(NamedTuple):
    """An input of a layer."""

    distance: int
    """How many layers before this one; 1 for the previous layer."""
    through: str = ""
    """Operation that is applied to it first, such as "bicubic interpolation of "."""


class Step(NamedTuple):
    """A layer, with the operations that are described with it, such as its activation."""

    name: str
    shape: tuple[int, ...]
    """Shape of its output for one input."""
    parameters: int
    sources: tuple[Source, ...] = (Source(1),)


class Group(NamedTuple):
    """Layers that are repeated together."""

    times: int
    steps: list[Step]


def architecture(network: nn.Module, example: Tensor) -> dict[str, Any]:
    """Describe a network's layers for a drawing to scale.

    If torch.fx cannot trace the network, or if it has layers that the page does not know, the
    modules are described in the order in which they run.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    example : Tensor, shape (1, channels, height, width)

    Returns
    -------
    dict
        `parameters` of the network; `height` of the drawing; `groups`, each with `times` and
        `steps`, and each of these with `name`, `shape`, `parameters` and `drawing`.
    """
    try:
        steps = _traced(network, example)
    except UnknownLayerError:
        steps = _called(network, example)
    scale = _scale([step.shape for step in steps])
    groups, before = [], 0
    for times, block in group_steps(steps):
        copies = min(times, MAX_COPIES) if len(block) == 1 else 1
        shown = [
            {
                "name": _words(step, steps, before, place),
                "shape": " x ".join(map(str, step.shape)),
                "parameters": step.parameters,
                "drawing": _block(step.shape, scale) | {"copies": copies},
            }
            for place, step in enumerate(block)
        ]
        groups.append({"times": times, "steps": shown})
        before += times * len(block)
    drawings = [step["drawing"] for group in groups for step in group["steps"]]
    return {
        "parameters": sum(step.parameters for step in steps),
        "height": max(drawing["height"] + drawing["depth"] for drawing in drawings),
        "groups": groups,
    }


def group_steps(steps: Sequence[Step]) -> list[Group]:
    """Find single layers or sequences of layers that are repeated.

    Parameters
    ----------
    steps : sequence of Step

    Returns
    -------
    list of Group
        In order; `times` is 1 for layers that are not repeated.
    """
    groups, place = [], 0
    while place < len(steps):
        found = [(_repeats(steps, place, size), size) for size in range(1, MAX_REPEATED + 1)]
        times, size = max(found, key=lambda each: each[0] * each[1] if each[0] > 1 else 1)
        groups.append(Group(times, list(steps[place : place + size])))
        place += times * size
    return groups


def _repeats(steps: Sequence[Step], place: int, size: int) -> int:
    """Count how often the next `size` steps are repeated."""
    block = steps[place : place + size]
    equal = takewhile(lambda start: steps[start : start + size] == block, count(place, size))
    return len(list(equal)) if len(block) == size else 1


def _traced(network: nn.Module, example: Tensor) -> list[Step]:
    """List the steps of a network that the page knows."""
    nodes = _propagated(network, example)
    modules = dict(network.named_modules())
    steps: list[Step] = []
    places: dict[fx.Node, int] = {}  # in steps
    beside: dict[fx.Node, str] = {}  # operations that are described where they are used
    counted: set[int] = set()
    for node in nodes:
        if node.op == "output":
            break
        inputs = node.all_input_nodes
        operation = None if node.op == "placeholder" else make_operation(node, modules)
        if operation is None:  # the input, or an operation that changes nothing
            steps = steps or [Step("input", _shape(node), 0, ())]
            places[node] = places[inputs[0]] if inputs else 0
            continue
        name = _name(operation)
        parameters = _count_new(modules[node.target], counted) if node.op == "call_module" else 0
        uses = [len(user.all_input_nodes) for user in node.users]
        if operation["operation"] in SIDE_STEPS and uses == [2]:
            places[node], beside[node] = places[inputs[0]], f"{name} of "
            continue
        sources = tuple(Source(len(steps) - places[each], beside.get(each, "")) for each in inputs)
        last = steps[-1]
        alone = len(inputs) == 1 and len(inputs[0].users) == 1 and sources == (Source(1),)
        if operation["operation"] in ATTACHED and alone and len(steps) > 1:
            steps[-1] = last._replace(
                name=f"{last.name}, {name}", parameters=last.parameters + parameters
            )
        else:
            steps.append(Step(name, _shape(node), parameters, sources))
        places[node] = len(steps) - 1
    return steps


def _propagated(network: nn.Module, example: Tensor) -> list[fx.Node]:
    """Trace a network, and give each node of its graph the shape of its output."""
    graph = trace(network)
    with torch.inference_mode():
        ShapeProp(fx.GraphModule(network, graph)).propagate(example)
    return list(graph.nodes)


def _shape(node: fx.Node) -> tuple[int, ...]:
    return tuple(node.meta["tensor_meta"].shape[1:])


def _count_new(layer: nn.Module, counted: set[int]) -> int:
    """Count a layer's parameters that no earlier layer shares, and remember them."""
    new = {id(each): each.numel() for each in layer.parameters() if id(each) not in counted}
    counted.update(new)
    return sum(new.values())


def _called(network: nn.Module, example: Tensor) -> list[Step]:
    """List the steps of any network: the modules that run, in their order."""
    steps: list[Step] = []
    for layer in layers(network, example):
        if len(steps) > 1 and layer.shape == steps[-1].shape and not layer.weights:
            steps[-1] = steps[-1]._replace(name=f"{steps[-1].name}, {layer.name}")
        else:
            steps.append(Step(layer.name, layer.shape, layer.weights))
    return steps


def _name(operation: Operation) -> str:
    match operation:
        case {"operation": "convolution", "kernel": kernel, "groups": groups}:
            kind = "convolution" if groups == 1 else f"convolution in {groups} groups"
            name = _sized(kind, kernel, operation["stride"], 1, operation["dilation"])
        case {"operation": "transposed", "kernel": kernel, "stride": stride}:
            name = _sized("transposed convolution", kernel, stride, 1)
        case {"operation": "pool", "kernel": kernel, "stride": stride, "largest": largest}:
            kind = "max pooling" if largest else "average pooling"
            name = _sized(kind, kernel, stride, kernel[0])
        case {"operation": "activation", "kind": kind}:
            name = ACTIVATIONS.get(kind, kind)
        case {"operation": "shift", "offset": offset}:
            name = f"plus {offset:g}"
        case {"operation": "scale", "factor": factor}:
            name = f"times {factor:g}"
        case {"operation": kind}:
            name = NAMES.get(kind, kind)
    return name


def _sized(
    kind: str, kernel: list[int], stride: list[int], usual: int, dilation: Sequence[int] = (1, 1)
) -> str:
    """Name an operation with its kernel and, if they are unusual, its stride and dilation."""
    name = f"{kind} {kernel[0]} x {kernel[1]}"
    name += f", stride {stride[0]}" if list(stride) != [usual, usual] else ""
    return name + (f", dilation {dilation[0]}" if list(dilation) != [1, 1] else "")


def _words(step: Step, steps: Sequence[Step], before: int, place: int) -> str:
    """Name a step of a group and, if they are not the previous step, its inputs.

    Parameters
    ----------
    step : Step
    steps : sequence of Step
        Steps of the whole network.
    before : int
        Number of steps before the group.
    place : int
        Position of the step in its group.
    """

    def words(source: Source) -> str:
        index = before + place - source.distance
        if index == 0:
            return f"{source.through}the input"
        if place and source.distance == place + 1:
            return f"{source.through}the input of the block"
        return f"{source.through}the output of {steps[index].name}"

    others = [words(source) for source in step.sources if source != Source(1)]
    if step.name not in MERGES:
        return f"{step.name} of {others[0]}" if others else step.name
    if len(others) == len(step.sources):
        return f"{others[0]} {step.name} {' and '.join(others[1:])}"
    return f"{step.name} {' and '.join(others)}"


def _scale(shapes: Sequence[tuple[int, ...]]) -> tuple[float, float, float]:
    """Choose CSS pixels for a pixel's height, a channel, and a number in a list."""
    maps = [shape for shape in shapes if len(shape) == 3] or [(1, 1, 1)]
    longest = max((prod(shape) for shape in shapes if len(shape) != 3), default=1)
    return (
        min(UNIT, MAX_SIDE / max(height for _, height, _ in maps)),
        min(UNIT, MAX_WIDTH / max(channels for channels, _, _ in maps)),
        min(LIST_UNIT, MAX_LIST / longest),
    )


def _block(shape: tuple[int, ...], scale: tuple[float, float, float]) -> dict[str, Any]:
    """Give the sides of a drawing in CSS pixels: a block for feature maps, a bar for a list."""
    side, channel, number = scale
    if len(shape) == 3:
        channels, height, width = shape
        sides = (channel * channels, side * height, DEPTH * side * width)
    else:
        sides = (LIST_WIDTH, number * prod(shape), 0)
    width, height, depth = (round(max(LEAST, each), 1) if each else 0 for each in sides)
    return {"width": width, "height": height, "depth": depth, "list": len(shape) != 3}
