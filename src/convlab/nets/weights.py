"""Networks in safetensors files that say what they hold."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from convlab.checksums import check_whole
from convlab.errors import DamageError, InputError


def save_network(path: Path, network: nn.Module, design: str, **settings: int | str) -> None:
    """Write a network's weights, its design and the settings that build it.

    Parameters
    ----------
    path : Path
    network : Module
    design : str
        Name of the design, by which `load_network` finds its class.
    **settings : int
        Arguments of that class.
    """
    description = json.dumps({"design": design, "settings": settings}, sort_keys=True)
    tensors = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    path.write_bytes(save(tensors, metadata={"network": description}))


def load_network(path: Path, designs: Mapping[str, type[nn.Module]]) -> nn.Module:
    """Build a network from a file that `save_network` wrote.

    Parameters
    ----------
    path : Path
    designs : mapping from str to type of Module
        The designs that will do here, by name.

    Returns
    -------
    Module
        Ready for inference, float32.

    Raises
    ------
    InputError
        If the file is missing or damaged, or holds another design.
    """
    check_whole(path)
    try:
        with safe_open(path, framework="pt") as file:
            description = json.loads((file.metadata() or {})["network"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        design, settings = description["design"], description["settings"]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DamageError(path, "is truncated or not a model of this project") from error
    if design not in designs:
        raise InputError(
            f"{path}: holds a network '{design}', expected {' or '.join(designs)}: name such a"
            " file, or run `dvc repro`"
        )
    try:
        with torch.device("meta"):  # shapes only: the weights come from the file
            network = designs[design](**settings)
        network.load_state_dict(tensors, assign=True)
    except (RuntimeError, TypeError, ValueError) as error:
        raise DamageError(path, f"its weights do not fit the design '{design}'") from error
    if any(tensor.dtype != torch.float32 for tensor in tensors.values()):
        raise DamageError(path, "its weights are not float32")
    return network.eval()


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters())
