"""Checks of a network before its training: each fault ends in one line that names it.

They try the network as the training and the evaluation will use it: on a few
small inputs, for a few steps, saved and loaded.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sized
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from convlab.core.checkpoint import Checkpoint
from convlab.core.compute import to_channels_last
from convlab.core.errors import InputError
from convlab.core.loop import Training, take_step
from convlab.core.weights import load_network, network_errors, save_network

STEPS, MAX_STEPS = 3, 30
"""Training steps that are tried: `STEPS` always, and up to `MAX_STEPS` as long as a weight has had
no gradient. A layer before one whose weights start at zero gets its first gradient in step 2; a
layer that is skipped at random gets one only in some steps."""
MAX_NAMES = 6
"""Up to so many weights are named one by one; more are counted for each part of the network."""
OWN_ATTRIBUTES = frozenset(vars(nn.Module()))
"""Attributes in which torch keeps the parameters, buffers and submodules of a module."""


def build_network(name: str, kind: type[nn.Module], **arguments: Any) -> nn.Module:
    """Build a network.

    Parameters
    ----------
    name : str
        Name of the network's file.
    kind : type of Module
        The class `Network` of that file.
    **arguments : Any

    Returns
    -------
    Module

    Raises
    ------
    InputError
        If it cannot be built with these arguments.
    """
    call = f"`Network({', '.join(f'{key}={value!r}' for key, value in arguments.items())})` failed"
    with network_errors(name, call, anywhere=True):
        return kind(**arguments)


def check_weights(name: str, network: nn.Module) -> None:
    """Check that all weights are float32, are known to torch, and that some can be trained.

    Raises
    ------
    InputError
    """
    for key, weight in network.named_parameters():
        if is_lazy(weight):
            raise InputError(f"{name}: `{key}` has no shape yet: give its layer all its arguments")
    known = {id(each) for each in chain(network.modules(), network.parameters())}
    for path, module in network.named_modules():
        for key, value in vars(module).items():
            if key not in OWN_ATTRIBUTES and any(id(part) not in known for part in _parts(value)):
                raise InputError(
                    f"{name}: `{_join(path, key)}` holds layers in a {type(value).__name__}, where"
                    " torch does not find them: make it an nn.ModuleList or nn.ModuleDict"
                )
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            raise InputError(f"{name}: `{key}` is {_kind(tensor)}, must be float32")
    if not any(weight.requires_grad for weight in network.parameters()):
        raise InputError(f"{name}: has no weights that can be trained")


def check_forward(name: str, network: nn.Module, example: Tensor) -> Any:
    """Check forward passes in evaluation mode.

    Two passes must give the same finite float32 output and leave the input unchanged.

    Parameters
    ----------
    name : str
    network : Module
    example : Tensor
        An input.

    Returns
    -------
    Tensor, or tuple or list of Tensor
        The output.

    Raises
    ------
    InputError
    """
    given = example.clone()
    output, again = (apply(name, network.eval(), given) for _ in range(2))
    if not torch.equal(given, example):
        raise InputError(
            f"{name}: `forward` changes its input: do not apply in-place operations to it"
            " (write x = x + 1, not x += 1)"
        )
    for one, other in zip(tensors(output), tensors(again), strict=True):
        if one.dtype != torch.float32:
            raise InputError(f"{name}: output is {_kind(one)}, must be float32")
        if not one.isfinite().all():
            raise InputError(f"{name}: output holds NaN or infinity")
        if not torch.equal(one, other):
            raise InputError(
                f"{name}: two passes over the same input differ: random operations must be used in"
                " training only (see `self.training`), as in nn.Dropout"
            )
    return output


def apply(name: str, network: nn.Module, example: Tensor) -> Any:
    """Give the output of a network; its mode (training or evaluation) is not changed.

    Returns
    -------
    Tensor, or tuple or list of Tensor

    Raises
    ------
    InputError
        If `forward` fails, or returns something else.
    """
    doing = f"`forward` failed on an input of shape {tuple(example.shape)}"
    with network_errors(name, doing, anywhere=True), torch.inference_mode():
        output = network(example)
    for each in tensors(output):
        if not isinstance(each, Tensor):
            raise InputError(f"{name}: output is a {type(each).__name__}, must be a Tensor")
    return output


def tensors(output: Any) -> list[Any]:
    """Give the tensors that an output consists of, one or more."""
    return list(output) if isinstance(output, tuple | list) else [output]


def check_training(
    name: str,
    network: nn.Module,
    *,
    make: Callable[[], Training],
    package: str,
    arguments: dict[str, Any],
    example: Tensor,
) -> None:
    """Check that a network learns, resumes, can be saved and loaded, and can be moved to a GPU.

    Parameters
    ----------
    name : str
        Name of the network's file.
    network : Module
        Untrained; it cannot be used afterwards.
    make : callable
        Makes a new training of such a network at every call, always the same one.
    package : str
        Package of that file, such as "convlab.superres.networks".
    arguments : dict
        Arguments of the class `Network`; `settings` is a dict.
    example : Tensor
        An input.

    Raises
    ------
    InputError
    """
    _check_learning(name, make)
    _check_file(name, network.eval(), package, arguments, example)
    _check_device(name, network, example)


def _check_learning(name: str, make: Callable[[], Training]) -> None:
    """Check that every weight learns, and that a resumed training gives the same weights."""
    with network_errors(name, "the training failed", anywhere=True):
        training, resumed = make(), make()
    network, learned, sizes = training.network.train(), set(), []

    def step_and_look(step: int) -> None:
        loss = _step(name, training, step)
        if not loss.isfinite():
            raise InputError(f"{name}: the loss is {float(loss)} after {step} training steps")
        weights = network.named_parameters()
        learned.update(key for key, each in weights if each.grad is not None and each.grad.any())

    def idle() -> list[str]:
        weights = network.named_parameters()
        return [key for key, each in weights if each.requires_grad and key not in learned]

    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder) / "checkpoint.safetensors", fingerprint="")
        for step in range(STEPS):
            if step == STEPS - 1:
                checkpoint.save(training.state_dict())
            step_and_look(step)
            sizes.append(_sizes(network))
            if step == 0:
                with network_errors(name, "the evaluation failed", anywhere=True):
                    training.evaluation(network.eval(), step + 1)
                network.train()
        resumed.load_state_dict(checkpoint.load())
    for key, size in sizes[-1].items():
        if size > sizes[0].get(key, 0):
            raise InputError(
                f"{name}: `{key}` grows with every step, until the memory is full: store nothing"
                " from one batch to the next"
            )
    resumed.network.train()
    _step(name, resumed, STEPS - 1)
    for key, tensor in resumed.network.state_dict().items():
        if not torch.equal(tensor, network.state_dict()[key]):
            raise InputError(
                f"{name}: a resumed training gives other values of `{key}` than an uninterrupted"
                " one: draw random numbers with torch, and keep what changes in a buffer"
                " (`register_buffer`)"
            )
    for step in range(STEPS, MAX_STEPS):
        if not idle():
            return
        step_and_look(step)
    if keys := idle():
        raise InputError(
            f"{name}: no gradient for {summarize(keys)}: use the layer in `forward`, delete it, or"
            " freeze it with `requires_grad_(False)`"
        )


def _check_file(
    name: str, network: nn.Module, package: str, arguments: dict[str, Any], example: Tensor
) -> None:
    """Check that a network gives the same output after it was saved and loaded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        save_network(path, network, name, arguments)
        loaded = load_network(path, package)
    to_channels_last(network)  # the memory layout in training, and of a loaded network
    outputs = (tensors(apply(name, each, example)) for each in (network, loaded))
    if not all(map(torch.equal, *outputs)):
        raise InputError(
            f"{name}: saved and loaded, it gives another output: keep constants that are drawn at"
            " random in a buffer (`register_buffer`), so that they are saved"
        )


def _check_device(name: str, network: nn.Module, example: Tensor) -> None:
    """Check that all tensors move with the network to another device; this spoils the network."""
    try:
        # The device "meta" has shapes but no numbers, and exists on machines without a GPU.
        apply(name, network.to("meta"), example.to("meta"))
    except InputError as error:
        if "expected device" in str(error) or "same device" in str(error):
            raise InputError(
                f"{error}: keep constants in a buffer (`register_buffer`), and create new tensors"
                " on the input's device (`device=x.device`)"
            ) from error


def summarize(names: Iterable[str]) -> str:
    """Name weights one by one or, if they are many, by the parts of the network they belong to.

    Returns
    -------
    str
        Such as "body (40 weights), tail.weight, tail.bias".
    """
    names = list(names)
    if len(names) <= MAX_NAMES:
        return ", ".join(names)
    parts = defaultdict(list)
    for name in names:
        parts[name.partition(".")[0]].append(name)
    return ", ".join(
        f"{part} ({len(inside)} weights)" if len(inside) > 1 else inside[0]
        for part, inside in parts.items()
    )


def _step(name: str, training: Training, step: int) -> Tensor:
    try:
        with network_errors(name, "the training failed", anywhere=True):
            return take_step(training, next(training.batches(step)), step)
    except InputError as error:
        if "does not require grad" in str(error):
            raise InputError(
                f"{name}: the output does not depend on the weights: is there a `detach()` or a"
                " `torch.no_grad()` in `forward`?"
            ) from error
        raise


def _parts(value: Any) -> Iterator[nn.Module | nn.Parameter]:
    """Give the modules and parameters that a container holds, at any depth."""
    members = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list | tuple):
        for member in members:
            if isinstance(member, nn.Module | nn.Parameter):
                yield member
            else:
                yield from _parts(member)


def _sizes(network: nn.Module) -> dict[str, int]:
    """Give the size of everything that the layers store, by name."""
    sizes = {}
    for path, module in network.named_modules():
        kept = {key: each for key, each in vars(module).items() if key not in OWN_ATTRIBUTES}
        for key, value in (kept | dict(module.named_buffers(recurse=False))).items():
            if isinstance(value, Tensor):
                sizes[_join(path, key)] = value.numel()
            elif isinstance(value, Sized):
                sizes[_join(path, key)] = len(value)
    return sizes


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
