"""Describe networks as data, operations and weights, so that the page can run them itself.

A network is traced with torch.fx. Layers that the page knows become operations. If
there is a layer that it does not know, the page names it.
"""

import base64
from collections.abc import Callable, Mapping
from operator import add, mul, sub
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from convlab.superres.dependence import measure_dependence
from convlab.superres.flat import measure_flat_errors
from convlab.superres.layers import PixelShuffle, Upscaler, bicubic, pixel_shuffle

KERNEL = Path(__file__).parent / "kernel/conv.wasm"
MAX_WEIGHTS = 600_000
"""Largest number of weights of a network that the page runs; they take 3.2 MB in the page."""

Operation = dict[str, Any]
"""`operation` is its name; `inputs` are indices, where 0 is the network's input and n the output of
operation n - 1; `tensors` are its weights by name; other keys are options of the operation."""


class UnknownLayerError(Exception):
    """A network has a layer that the page cannot run; the message names it."""


def describe_network(network: nn.Module) -> dict[str, Any]:
    """Describe a network so that the page can run it.

    Parameters
    ----------
    network : Module
        In evaluation mode.

    Returns
    -------
    dict
        `operations`, a list of `Operation`, where each of `tensors` is a position in `weights` and
        a length; `outputs`, indices as in `Operation`; `weights`, little-endian float32 in base64.
        If the page cannot run the network, only `unknown`, the reason.
    """
    try:
        operations, outputs = _operations(network)
    except UnknownLayerError as error:
        return {"unknown": str(error)}
    weights, place = [], 0
    for operation in operations:
        for name, values in operation["tensors"].items():
            operation["tensors"][name] = [place, values.size]
            weights.append(values)
            place += values.size
    if place > MAX_WEIGHTS:
        return {"unknown": f"its {place:,} weights, more than {MAX_WEIGHTS:,}"}
    joined = np.concatenate([np.zeros(0, np.float32), *weights]).astype("<f4")
    encoded = base64.b64encode(joined.tobytes()).decode()
    return {"operations": operations, "outputs": outputs, "weights": encoded}


def live_section(cnn: nn.Module, mlp: nn.Module, upscaler: Upscaler) -> dict[str, Any]:
    """Collect what the page needs for its computations.

    Parameters
    ----------
    cnn, mlp : Module
    upscaler : Upscaler

    Returns
    -------
    dict
        `kernel`, the bytes of WebAssembly in base64; each network as from `describe_network`. The
        upscaler also has its `scale`; `reach` and `period` from `measure_dependence`, or None if
        it depends on the whole picture; and `flat`, the errors from `measure_flat_errors`.
    """
    dependence = measure_dependence(upscaler)
    reach, period = dependence or (None, None)
    flat = measure_flat_errors(upscaler).flatten(1).tolist()
    return {
        "kernel": base64.b64encode(KERNEL.read_bytes()).decode(),
        "cnn": describe_network(cnn),
        "mlp": describe_network(mlp),
        "upscaler": describe_network(upscaler)
        | {"scale": upscaler.scale, "reach": reach, "period": period, "flat": flat},
    }


class _Tracer(fx.Tracer):
    """Traces into modules, except into layers that the page knows."""

    def __init__(self) -> None:
        super().__init__(autowrap_functions=(bicubic, pixel_shuffle))

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return _maker(module) is not None or super().is_leaf_module(module, name)


def trace(network: nn.Module) -> fx.Graph:
    """Give the graph of a network, in which layers that the page knows are single nodes.

    Raises
    ------
    UnknownLayerError
        If the operations of the network depend on values or shapes that it computes.
    """
    try:
        return _Tracer().trace(network)
    except Exception as error:
        raise UnknownLayerError("an operation that depends on computed values or shapes") from error


def _operations(network: nn.Module) -> tuple[list[Operation], list[int]]:
    modules, places, operations = dict(network.named_modules()), {}, []
    for node in trace(network).nodes:
        match node.op:
            case "placeholder":
                places[node] = 0
            case "output":
                (result,) = node.args
                results = result if isinstance(result, tuple) else (result,)
                return operations, [places[each] for each in results]
            case _:
                made = make_operation(node, modules)
                inputs = [places[each] for each in node.all_input_nodes]
                if made is None:  # it changes nothing
                    (places[node],) = inputs
                    continue
                name = str(node.target) if node.op == "call_module" else ""
                tensors = {key: _numbers(value) for key, value in made.pop("tensors", {}).items()}
                operations.append(made | {"inputs": inputs, "tensors": tensors, "layer": name})
                places[node] = len(operations)
    raise UnknownLayerError("no output")


def _numbers(values: Tensor) -> np.ndarray:
    return values.detach().cpu().float().contiguous().numpy().ravel()


def make_operation(node: fx.Node, modules: Mapping[str, nn.Module]) -> Operation | None:
    """Give the operation of a node of a graph from `trace`.

    Parameters
    ----------
    node : Node
        A node that is neither the graph's input nor its output.
    modules : mapping of str to Module
        All modules of the network, by path.

    Returns
    -------
    dict or None
        None for a node that changes nothing.

    Raises
    ------
    UnknownLayerError
        If the page does not know the node's layer or function.
    """
    if node.op == "call_module":
        module = modules[node.target]
        if maker := _maker(module):
            return maker(module)
        raise UnknownLayerError(f"the layer {type(module).__name__} ({node.target})")
    if node.op in ("call_function", "call_method"):
        found = FUNCTIONS.get(node.target)
        made = found(*node.args, **node.kwargs) if found else NotImplemented
        if made is not NotImplemented:
            return made
        raise UnknownLayerError(f"the function {getattr(node.target, '__name__', node.target)}")
    raise UnknownLayerError(f"the constant {node.target}")


def _maker(module: nn.Module) -> Callable[[Any], Operation | None] | None:
    """Find the function that makes a layer's operation; None if its class overrides `forward`."""
    for kind, maker in LAYERS.items():
        if isinstance(module, kind) and type(module).forward is kind.forward:
            return maker
    return None


def _pair(value: int | tuple[int, ...]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def _weighted(layer: nn.Module, inputs: int, outputs: int) -> Operation:
    """Give the weights, and the numbers of inputs and outputs, of a convolution or linear layer."""
    bias = torch.zeros(outputs) if layer.bias is None else layer.bias
    return {"tensors": {"weight": layer.weight, "bias": bias}, "channels": [inputs, outputs]}


def _convolution(layer: nn.Conv2d) -> Operation:
    if layer.padding_mode != "zeros":
        raise UnknownLayerError(f"a convolution with padding_mode {layer.padding_mode}")
    padding = layer.padding
    if padding == "same":
        sizes = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        if any(size % 2 for size in sizes):
            raise UnknownLayerError("a convolution with an even kernel and padding='same'")
        padding = tuple(size // 2 for size in sizes)
    return {
        "operation": "convolution",
        **_weighted(layer, layer.in_channels, layer.out_channels),
        "kernel": _pair(layer.kernel_size),
        "stride": _pair(layer.stride),
        "padding": [0, 0] if padding == "valid" else _pair(padding),
        "dilation": _pair(layer.dilation),
        "groups": layer.groups,
    }


def _transposed(layer: nn.ConvTranspose2d) -> Operation:
    if layer.groups != 1 or _pair(layer.dilation) != [1, 1]:
        raise UnknownLayerError("a transposed convolution with groups or dilation")
    return {
        "operation": "transposed",
        **_weighted(layer, layer.in_channels, layer.out_channels),
        "kernel": _pair(layer.kernel_size),
        "stride": _pair(layer.stride),
        "padding": _pair(layer.padding),
        "output_padding": _pair(layer.output_padding),
    }


def _linear(layer: nn.Linear) -> Operation:
    return {"operation": "linear", **_weighted(layer, layer.in_features, layer.out_features)}


def _batch_norm(layer: nn.BatchNorm2d) -> Operation:
    if layer.running_mean is None:
        raise UnknownLayerError("a batch normalization without running statistics")
    factors = (layer.running_var + layer.eps).rsqrt()
    offsets = -layer.running_mean * factors
    if layer.affine:
        factors, offsets = factors * layer.weight, offsets * layer.weight + layer.bias
    return {"operation": "affine", "tensors": {"factors": factors, "offsets": offsets}}


def _pool(layer: nn.MaxPool2d | nn.AvgPool2d) -> Operation:
    largest = isinstance(layer, nn.MaxPool2d)
    if layer.ceil_mode or (largest and _pair(layer.dilation) != [1, 1]):
        raise UnknownLayerError("a pooling with ceil_mode or dilation")
    if not largest and (not layer.count_include_pad or layer.divisor_override):
        raise UnknownLayerError("an average pooling that does not divide by its area")
    return {
        "operation": "pool",
        "kernel": _pair(layer.kernel_size),
        "stride": _pair(layer.stride),
        "padding": _pair(layer.padding),
        "largest": largest,
    }


def _global_mean(layer: nn.AdaptiveAvgPool2d) -> Operation:
    if layer.output_size not in (1, (1, 1)):
        raise UnknownLayerError("an adaptive pooling to more than one pixel")
    return {"operation": "global_mean"}


def _flatten(layer: nn.Flatten) -> Operation:
    return _flattened(None, layer.start_dim, layer.end_dim)


def _flattened(_: Any, start_dim: int = 0, end_dim: int = -1) -> Operation:
    return {"operation": "flatten"} if (start_dim, end_dim) == (1, -1) else NotImplemented


def _upsample(layer: nn.Upsample) -> Operation:
    factor = layer.scale_factor
    if layer.mode != "nearest" or factor is None or int(factor) != factor:
        raise UnknownLayerError(f"an upsampling by {layer.mode}")
    return {"operation": "nearest", "scale": int(factor)}


def _activation(kind: str, **options: float) -> Callable[..., Operation]:
    return lambda *_, **__: {"operation": "activation", "kind": kind, **options}


def _gelu(layer: nn.GELU) -> Operation:
    if layer.approximate != "none":
        raise UnknownLayerError("a GELU that is approximated")
    return _activation("gelu")()


def _shuffle(_: Any, scale: int) -> Operation:
    return {"operation": "shuffle", "scale": scale}


def _two(operation: str, constant: str, key: str, sign: int = 1) -> Callable[..., Operation]:
    """Give the function that makes an operation on two tensors, or on a tensor and a number."""

    def make(first: Any, second: Any) -> Operation:
        if isinstance(first, fx.Node) and isinstance(second, fx.Node):
            # If both are the same node, all_input_nodes would have only one.
            return {"operation": operation} if first is not second else NotImplemented
        if isinstance(first, fx.Node) and isinstance(second, int | float):
            return {"operation": constant, key: sign * second}
        if isinstance(second, fx.Node) and isinstance(first, int | float) and sign == 1:
            return {"operation": constant, key: first}
        return NotImplemented

    return make


def _concatenate(parts: Any, dim: int = 0) -> Operation:
    return {"operation": "concatenate"} if dim == 1 else NotImplemented


RELU, NOTHING = _activation("relu"), lambda *_: None
LAYERS: dict[type[nn.Module], Callable[[Any], Operation | None]] = {
    nn.Conv2d: _convolution,
    nn.ConvTranspose2d: _transposed,
    nn.Linear: _linear,
    nn.BatchNorm2d: _batch_norm,
    nn.ReLU: RELU,
    nn.LeakyReLU: lambda layer: _activation("leaky_relu", slope=layer.negative_slope)(),
    nn.PReLU: lambda layer: {"operation": "prelu", "tensors": {"slopes": layer.weight}},
    nn.ELU: lambda layer: _activation("elu", alpha=layer.alpha)(),
    nn.SiLU: _activation("silu"),
    nn.GELU: _gelu,
    nn.Sigmoid: _activation("sigmoid"),
    nn.Tanh: _activation("tanh"),
    nn.MaxPool2d: _pool,
    nn.AvgPool2d: _pool,
    nn.AdaptiveAvgPool2d: _global_mean,
    nn.Flatten: _flatten,
    nn.PixelShuffle: lambda layer: _shuffle(None, layer.upscale_factor),
    PixelShuffle: lambda layer: _shuffle(None, layer.scale),
    nn.Upsample: _upsample,
    nn.UpsamplingNearest2d: _upsample,
    nn.Dropout: NOTHING,
    nn.Dropout2d: NOTHING,
    nn.Identity: NOTHING,
}
"""Layers that the page knows, and functions that make their operation, or None if they change
nothing."""
FUNCTIONS: dict[Callable[..., Any] | str, Callable[..., Operation]] = {
    bicubic: lambda _, scale: {"operation": "bicubic", "scale": scale},
    pixel_shuffle: _shuffle,
    functional.pixel_shuffle: _shuffle,
    functional.relu: RELU,
    torch.relu: RELU,
    torch.tanh: _activation("tanh"),
    torch.sigmoid: _activation("sigmoid"),
    functional.silu: _activation("silu"),
    torch.flatten: _flattened,
    torch.cat: _concatenate,
    add: _two("add", "shift", "offset"),
    torch.add: _two("add", "shift", "offset"),
    sub: _two("subtract", "shift", "offset", sign=-1),
    mul: _two("multiply", "scale", "factor"),
    torch.mul: _two("multiply", "scale", "factor"),
    "relu": RELU,
    "relu_": RELU,
    "tanh": _activation("tanh"),
    "sigmoid": _activation("sigmoid"),
    "flatten": _flattened,
    "add": _two("add", "shift", "offset"),
    "add_": _two("add", "shift", "offset"),
    "mul": _two("multiply", "scale", "factor"),
    "mul_": _two("multiply", "scale", "factor"),
}
"""Functions that the page knows, and methods of tensors by name."""
