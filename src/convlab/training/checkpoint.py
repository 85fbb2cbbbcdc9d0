"""Checkpoints: a long training that is broken off goes on where it was."""

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from convlab.checksums import NAME, check_whole, output_folder
from convlab.errors import DamageError, InputError
from convlab.files import recover, remove

STATE = "state.safetensors"
PACKAGES = ("torch", "numpy", "pillow", "scikit-image")
"""Those that decide over a training's bits, beside its code."""


class Resumable(Protocol):
    """A training that can be taken up again."""

    step: int
    """Steps taken."""

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What it takes to go on from here: tensors, and notes that JSON can write."""

    def resume(self, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        """Go on from what `state` gave."""


class Checkpoint:
    """The last state of a training, in a folder that says whether it is whole.

    Parameters
    ----------
    folder : Path
        Written whole or not at all.
    owner : str
        Identity of the training that it belongs to, see `identity`.
    """

    def __init__(self, folder: Path, owner: str) -> None:
        self.folder = folder
        self.owner = owner

    def write(self, training: Resumable) -> None:
        """Keep the training's state in place of the one before."""
        tensors, notes = training.state()
        whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
        metadata = {"owner": self.owner, "notes": json.dumps(notes)}
        with output_folder(self.folder) as draft:
            (draft / STATE).write_bytes(save(whole, metadata=metadata))

    def restore(self, training: Resumable) -> None:
        """Take the training up where the checkpoint left it, if there is one.

        One of another owner is not used, a damaged one set aside; that is said
        on standard output.
        """
        recover(self.folder)
        path = self.folder / STATE
        if not path.exists():
            return
        try:
            owner, tensors, notes = _read(path)
        except (InputError, SafetensorError, LookupError, ValueError):
            aside = self.folder.with_name(f"{self.folder.name}.damaged")
            remove(aside)
            self.folder.rename(aside)
            print(f"the checkpoint is damaged: set aside as {aside}; starting from step 0")
            return
        if owner != self.owner:
            print("the checkpoint is of other parameters, data or code: starting from step 0")
            return
        training.resume(tensors, notes)
        print(f"going on from step {training.step}")

    def remove(self) -> None:
        """Forget the state, once the training has left its results."""
        remove(self.folder / STATE)  # first: half a checkpoint is none
        remove(self.folder)


def identity(settings: Any, files: Iterable[Path]) -> str:
    """Say in a short text what a training depends on, the installed packages among it.

    Parameters
    ----------
    settings : Any
        Parameters: whatever JSON can write.
    files : iterable of Path
        Data and code; their content counts.

    Returns
    -------
    str
        A sha256 in hexadecimal: equal if and only if all of it is equal.
    """
    versions = [version(package) for package in PACKAGES]
    digest = hashlib.sha256(json.dumps([settings, versions], sort_keys=True).encode())
    for path in sorted(files):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def loaded_sources() -> list[Path]:
    """Files of this library's modules, as far as they are imported."""
    return [
        Path(module.__file__)
        for name, module in list(sys.modules.items())
        if name.startswith("convlab.") and module.__file__
    ]


def pack(network: nn.Module, optimizers: Sequence[Optimizer]) -> dict[str, Tensor]:
    """Name all tensors that a network and its optimizers consist of; copies."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    for number, optimizer in enumerate(optimizers):
        for index, moments in optimizer.state_dict()["state"].items():
            names = ((f"optimizer.{number}.{index}.{name}", name) for name in moments)
            tensors |= {full: moments[name] for full, name in names}
    return {name: tensor.clone() for name, tensor in tensors.items()}


def unpack(tensors: dict[str, Tensor], network: nn.Module, optimizers: Sequence[Optimizer]) -> None:
    """Give a network and its optimizers the tensors that `pack` named; others are left alone."""
    weights = {}
    states: list[dict[int, dict[str, Tensor]]] = [{} for _ in optimizers]
    for name, tensor in tensors.items():
        match name.split(".", maxsplit=1):
            case "network", key:
                weights[key] = tensor
            case "optimizer", key:
                number, index, moment = key.split(".")
                states[int(number)].setdefault(int(index), {})[moment] = tensor
    network.load_state_dict(weights)
    for optimizer, state in zip(optimizers, states, strict=True):
        optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
        # The fused AdamW takes the moments to lie in memory as their parameter does.
        for parameter, moments in optimizer.state.items():
            for name, moment in moments.items():
                if moment.shape == parameter.shape:
                    moments[name] = torch.empty_like(parameter).copy_(moment)


def _read(path: Path) -> tuple[str, dict[str, Tensor], dict[str, Any]]:
    check_whole(path)
    if not path.with_name(NAME).exists():
        raise DamageError(path, "has no list of checksums beside it")
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        # Clones, because the file is about to be replaced.
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    return metadata["owner"], tensors, json.loads(metadata["notes"])
