"""Find the hidden weights of a network, which map features to features."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

_OPERANDS = {"Convolution": (0, 1), "Addmm": (1, 2), "Mm": (0, 1), "Bmm": (0, 1)}
"""Operations that multiply features by a weight or by features, and the positions of these two
operands among the inputs of a node in autograd's graph."""
_REARRANGING = {"T", "Transpose", "Permute", "View", "UnsafeView", "ReshapeAlias", "Alias"}
_REARRANGING |= {"Expand", "Squeeze", "Unsqueeze", "Clone", "ToCopy"}
"""Operations that only rearrange or copy a weight."""


def hidden_weights(network: nn.Module, example: Tensor) -> list[nn.Parameter]:
    """Find the weights that map hidden features to hidden features.

    Follows autograd's graph from the output to the input. A weight is not
    hidden if a path without another weight leads from the input to it, or from
    it to the output. Weights of transposed and of grouped convolutions are never
    hidden, because they are not matrices (outputs, inputs * height * width).
    Complex weights, and kernels that are computed from weights, such as those
    of `weight_norm`, are never hidden either.

    Parameters
    ----------
    network : Module
        Maps a tensor to a tensor.
    example : Tensor
        An input; its values do not matter.

    Returns
    -------
    list of Parameter
        In the order of `network.parameters()`; each has two axes or more.
    """
    example = example.clone().requires_grad_()
    training = network.training
    output = network.eval()(example)  # evaluation mode leaves running means unchanged
    network.train(training)
    last = set(_nearest_products([output.grad_fn]))
    hidden, outer, seen, pending = set(), set(), set(), list(last)
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        weight = _weight(node)
        inputs = [source for source in _sources(node) if _leaf(source) is not weight]
        reached = _nearest_products(inputs)
        first = any(_leaf(source) is example for source in reached)
        (outer if first or node in last or _is_no_matrix(node) else hidden).add(id(weight))
        pending += [source for source in reached if _weight(source) is not None]
    return [
        each
        for each in network.parameters()
        if id(each) in hidden - outer and not each.is_complex()
    ]


def _sources(node: Any) -> list[Any]:
    """Give the nodes whose results a node computes with."""
    return [source for source, _ in node.next_functions if source is not None]


def _nearest_products(nodes: Iterable[Any]) -> list[Any]:
    """Go back from nodes to the nearest nodes that apply a weight or are leaves."""
    found, seen, pending = [], set(), [node for node in nodes if node is not None]
    while pending:
        node = pending.pop()
        if node not in seen:
            seen.add(node)
            if _weight(node) is not None or not _sources(node):
                found.append(node)
            else:
                pending += _sources(node)
    return found


def _weight(node: Any) -> Tensor | None:
    """Give the weight that a node applies to features, or None."""
    positions = _OPERANDS.get(_operation(node), ())
    operands = [node.next_functions[position][0] for position in positions]
    leaves = [_leaf(operand) for operand in operands if operand is not None]
    weights = [leaf for leaf in leaves if isinstance(leaf, nn.Parameter) and leaf.ndim > 1]
    return weights[0] if len(weights) == 1 else None  # a weight times a weight is not applied


def _leaf(node: Any) -> Tensor | None:
    """Give the leaf tensor that a node stands for or only rearranges, or None."""
    while not hasattr(node, "variable"):
        sources = _sources(node)
        if _operation(node) not in _REARRANGING or len(sources) != 1:
            return None
        node = sources[0]
    return node.variable


def _operation(node: Any) -> str:
    """Name what a node computes, such as "Convolution"."""
    return node.name().partition("Backward")[0]


def _is_no_matrix(node: Any) -> bool:
    """Whether a node is a transposed or a grouped convolution."""
    return _operation(node) == "Convolution" and (node._saved_transposed or node._saved_groups > 1)
