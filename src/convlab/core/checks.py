"""Checks of a network before its training: each fault ends in one line that names it.

They try the network as the training and the evaluation will use it: on a few
small inputs, for a few steps, saved and loaded.
"""

import tempfile
from collections.abc import Callable, Sized
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from convlab.core.checkpoint import Checkpoint
from convlab.core.errors import InputError
from convlab.core.loop import Training, take_step
from convlab.core.weights import load_network, network_errors, save_network

STEPS = 3
"""Training steps that are tried: a weight behind one that starts at zero learns from the second."""


def build_network(name: str, kind: type[nn.Module], **arguments: Any) -> nn.Module:
    """Build a network.

    Parameters
    ----------
    name : str
        Of its file.
    kind : type of Module
        The class `Network` of that file.
    **arguments : Any

    Returns
    -------
    Module

    Raises
    ------
    InputError
        If it cannot be built so.
    """
    call = f"`Network({', '.join(f'{key}={value!r}' for key, value in arguments.items())})` failed"
    try:
        with network_errors(name, call):
            return kind(**arguments)
    except TypeError as error:  # no argument of that name, or no `forward`
        raise InputError(f"{name}: {call}: {error}") from error


def check_weights(name: str, network: nn.Module) -> None:
    """Check that all weights are float32, are known to torch, and that some can be trained.

    Raises
    ------
    InputError
    """
    for path, module in network.named_modules():
        for key, value in vars(module).items():
            members = value if isinstance(value, list | tuple) else ()
            if any(isinstance(member, nn.Module | nn.Parameter) for member in members):
                raise InputError(
                    f"{name}: `{_join(path, key)}` is a list of layers, which torch does not see"
                    " into: make it an nn.ModuleList"
                )
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            raise InputError(f"{name}: `{key}` is {_kind(tensor)}, must be float32")
    if not any(weight.requires_grad for weight in network.parameters()):
        raise InputError(f"{name}: has no weights that can be trained")


def check_forward(name: str, network: nn.Module, example: Tensor) -> tuple[Tensor, ...]:
    """Check a pass in evaluation mode: finite, float32, twice the same, the input as it was.

    Parameters
    ----------
    name : str
    network : Module
    example : Tensor
        An input.

    Returns
    -------
    tuple of Tensor
        The outputs: one, or as many as the network gives.

    Raises
    ------
    InputError
    """
    given = example.clone()
    first, second = (_apply(name, network.eval(), given) for _ in range(2))
    if not torch.equal(given, example):
        raise InputError(
            f"{name}: `forward` changes its input: put a copy in the place of in-place operations"
            " (x = x + 1, not x += 1)"
        )
    for one, other in zip(first, second, strict=True):
        if one.dtype != torch.float32:
            raise InputError(f"{name}: output is {_kind(one)}, must be float32")
        if not one.isfinite().all():
            raise InputError(f"{name}: output holds NaN or infinity")
        if not torch.equal(one, other):
            raise InputError(
                f"{name}: two passes over the same input differ: whatever is random must depend on"
                " `self.training`, as nn.Dropout does"
            )
    return first


def check_device(name: str, network: nn.Module, example: Tensor) -> None:
    """Check that all tensors follow the network to its device; the network is of no use then.

    Raises
    ------
    InputError
        If one stays on the processor, which a training on a GPU could not use.
    """
    try:
        # The device "meta" has shapes but no numbers, and is there without a GPU.
        _apply(name, network.to("meta"), example.to("meta"))
    except InputError as error:
        if "expected device" in str(error) or "same device" in str(error):
            raise InputError(
                f"{error}: a constant belongs into a buffer (`register_buffer`), a new tensor onto"
                " the input's device (`device=x.device`)"
            ) from error


def check_learning(name: str, make: Callable[[], Training]) -> None:
    """Check some steps of training: every weight learns, and a resumed training is the same.

    Parameters
    ----------
    name : str
    make : callable
        Gives the same training at every call, as after a new start.

    Raises
    ------
    InputError
    """
    training = make()
    network, learned, sizes = training.network.train(), set(), []
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder) / "checkpoint.safetensors", fingerprint="")
        for step in range(STEPS):
            if step == STEPS - 1:
                checkpoint.save(training.state_dict())
            loss = _step(name, training, step)
            if not loss.isfinite():
                raise InputError(f"{name}: the loss is {float(loss)} after {step} training steps")
            weights = network.named_parameters()
            learned |= {key for key, each in weights if each.grad is not None and each.grad.any()}
            sizes.append(_sizes(network))
        resumed = make()
        resumed.load_state_dict(checkpoint.load())
    for key, size in sizes[-1].items():
        if size > sizes[0].get(key, 0):
            raise InputError(
                f"{name}: `{key}` grows with every step: until memory is full: keep nothing from"
                " one batch to the next"
            )
    idle = [
        key
        for key, weight in network.named_parameters()
        if weight.requires_grad and key not in learned
    ]
    if idle:
        raise InputError(
            f"{name}: no gradient for {', '.join(idle)}: use the layer in `forward`, delete it, or"
            " freeze it with `requires_grad_(False)`"
        )
    resumed.network.train()
    _step(name, resumed, STEPS - 1)
    for key, tensor in resumed.network.state_dict().items():
        if not torch.equal(tensor, network.state_dict()[key]):
            raise InputError(
                f"{name}: a resumed training gives other values of `{key}` than one in one go: let"
                " torch draw what is random, and keep what changes in a buffer (`register_buffer`)"
            )


def check_file(
    name: str, network: nn.Module, package: str, arguments: dict[str, Any], example: Tensor
) -> None:
    """Check that a network that is saved and loaded gives the same.

    Raises
    ------
    InputError
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        save_network(path, network, name, arguments)
        loaded = load_network(path, package)
    outputs = (_apply(name, each.eval(), example) for each in (network, loaded))
    if not all(map(torch.equal, *outputs)):
        raise InputError(
            f"{name}: saved and loaded, it gives something else: keep constants that are drawn at"
            " random in a buffer (`register_buffer`), so that they are saved"
        )


def _apply(name: str, network: nn.Module, example: Tensor) -> tuple[Tensor, ...]:
    shape = tuple(example.shape)
    with (
        network_errors(name, f"`forward` failed on an input of shape {shape}"),
        torch.inference_mode(),
    ):
        outputs = network(example)
    outputs = outputs if isinstance(outputs, tuple | list) else (outputs,)
    for each in outputs:
        if not isinstance(each, Tensor):
            raise InputError(f"{name}: output is a {type(each).__name__}, must be a Tensor")
    return tuple(outputs)


def _step(name: str, training: Training, step: int) -> Tensor:
    with network_errors(name, "the training failed"):
        return take_step(training, next(training.batches(step)), step)


def _sizes(network: nn.Module) -> dict[str, int]:
    """Give the size of everything that the layers keep, by name."""
    sizes = {}
    for path, module in network.named_modules():
        kept = vars(module) | dict(module.named_buffers(recurse=False))
        for key, value in kept.items():
            if isinstance(value, Tensor):
                sizes[_join(path, key)] = value.numel()
            elif isinstance(value, Sized) and not key.startswith("_"):
                sizes[_join(path, key)] = len(value)
    return sizes


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
