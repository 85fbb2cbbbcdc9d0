"""Which weights of a network are hidden: they map features to features."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

_OPERANDS = {"Convolution": (0, 1), "Addmm": (1, 2), "Mm": (0, 1), "Bmm": (0, 1)}
"""Operations that apply a weight to features, or features to features: where both stand among the
inputs of their nodes in autograd's graph."""
_REARRANGING = {"T", "Transpose", "Permute", "View", "UnsafeView", "ReshapeAlias", "Alias"}
_REARRANGING |= {"Expand", "Squeeze", "Unsqueeze", "Clone", "ToCopy"}
"""Operations after which a weight is still the same weight."""


def hidden_weights(network: nn.Module, example: Tensor) -> list[nn.Parameter]:
    """Find the weights that map hidden features to hidden features.

    Follows autograd's graph from the output to the input. A weight is not
    hidden if it is applied to something that depends on the input with no
    other weight between, or if the output depends so on its result. Weights of
    transposed and of grouped convolutions are never hidden: they are no
    matrices (outputs, inputs * height * width). Nor is what is computed from
    weights, such as the kernels of `weight_norm`, or complex.

    Parameters
    ----------
    network : Module
        From a tensor to a tensor.
    example : Tensor
        An input; its values do not matter.

    Returns
    -------
    list of Parameter
        Each with two axes or more, in the order of `network.parameters()`.
    """
    example = example.clone().requires_grad_()
    training = network.training
    output = network.eval()(example)  # running means stay as they are
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
    """Go back until a weight is applied, or to a leaf: give the nodes at which that happens."""
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
    """Give the weight that a node applies to features, if it does."""
    positions = _OPERANDS.get(_operation(node), ())
    operands = [node.next_functions[position][0] for position in positions]
    leaves = [_leaf(operand) for operand in operands if operand is not None]
    weights = [leaf for leaf in leaves if isinstance(leaf, nn.Parameter) and leaf.ndim > 1]
    return weights[0] if len(weights) == 1 else None  # a weight times a weight is not applied


def _leaf(node: Any) -> Tensor | None:
    """Give the tensor that a node is, or only rearranges."""
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
