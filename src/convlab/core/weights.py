"""Find a network by the name of its file; save and load networks as safetensors files."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from convlab.core.compute import to_channels_last
from convlab.core.errors import DamageError, InputError, describe, is_out_of_memory, line_in
from convlab.core.outputs import require_file
from convlab.core.params import Params


def network_names(package: str) -> list[str]:
    """List the networks of a package, which are the names of its files.

    Parameters
    ----------
    package : str
        Such as "convlab.superres.networks".

    Returns
    -------
    list of str
    """
    return sorted(module.name for module in iter_modules(import_module(package).__path__))


def find_network(package: str, name: str) -> ModuleType:
    """Import the file of a network.

    Parameters
    ----------
    package : str
        Such as "convlab.superres.networks".
    name : str

    Returns
    -------
    module
        It has a class `Network` and a pydantic model `Settings` of its parameters.

    Raises
    ------
    InputError
        If there is no such file, it cannot be imported, or it lacks one of the classes.
    """
    names = network_names(package)
    if name not in names:
        folder = f"src/{package.replace('.', '/')}"
        raise InputError(f"there is no network '{name}': {folder}/ has {', '.join(names)}")
    with network_errors(name, "its file cannot be imported"):
        module = import_module(f"{package}.{name}")
    for kind, base in (("Network", nn.Module), ("Settings", Params)):
        found = getattr(module, kind, None)
        if not (isinstance(found, type) and issubclass(found, base)):
            raise InputError(
                f"{name}: {Path(module.__file__).name} needs a class `{kind}` like that of"
                " student.py beside it"
            )
    return module


@contextmanager
def network_errors(name: str, doing: str, *, anywhere: bool = False) -> Iterator[None]:
    """Turn exceptions in the file of a network into errors of one line.

    Parameters
    ----------
    name : str
        Name of the network.
    doing : str
        What failed, such as "`forward` failed".
    anywhere : bool
        Whether to turn exceptions that passed through no line of that file, too, because only the
        network can be their cause.

    Raises
    ------
    InputError
        Instead of any other exception; names the line of the file.
    """
    module = f"networks.{name}"
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        at_fault = anywhere or line_in(error, module) is not None
        if not at_fault or is_out_of_memory(error):
            raise
        raise InputError(f"{name}: {doing}: {describe(error, module)}") from error


def save_network(path: Path, network: nn.Module, name: str, arguments: dict[str, Any]) -> None:
    """Write a network's weights, the name of its file and the arguments it was built with.

    Parameters
    ----------
    path : Path
    network : Module
    name : str
        Name of the network's file.
    arguments : dict
        Arguments of the class `Network`, as JSON can write them; `settings` is a dict.
    """
    description = json.dumps({"network": name, "arguments": arguments}, sort_keys=True)
    tensors = {  # copies, because safetensors refuses tensors that share their memory
        name: tensor.cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in network.state_dict().items()
    }
    path.write_bytes(save(tensors, metadata={"convlab": description}))


def load_network(path: Path, package: str) -> nn.Module:
    """Build a network from a file that `save_network` wrote.

    Parameters
    ----------
    path : Path
    package : str
        The package that has the network's file, such as "convlab.superres.networks".

    Returns
    -------
    Module
        In evaluation mode, float32, on the CPU, with the channels last in memory.

    Raises
    ------
    InputError
        If the file is missing or damaged, or holds a network of another package.
    """
    require_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads((file.metadata() or {})["convlab"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        name, arguments = description["network"], dict(description["arguments"])
        settings = arguments.pop("settings")
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DamageError(path, "is truncated or not a network of this project") from error
    try:
        module = find_network(package, name)
    except InputError as error:
        raise InputError(f"{path}: {error}: name another file, or run `dvc repro`") from error
    try:
        with network_errors(name, "it cannot be built"):
            network = module.Network(**arguments, settings=module.Settings(**settings))
        network.load_state_dict(tensors)
    except (ValidationError, RuntimeError, TypeError, ValueError) as error:
        raise DamageError(path, f"does not fit the network '{name}' as it is now") from error
    if any(each.is_floating_point() and each.dtype != torch.float32 for each in tensors.values()):
        raise DamageError(path, "its weights are not float32")
    to_channels_last(network)
    return network.eval()


def count_parameters(network: nn.Module) -> int:
    """Count the parameters, both trained and frozen; a shared parameter counts once.

    Returns
    -------
    int
    """
    return sum(parameter.numel() for parameter in network.parameters())
