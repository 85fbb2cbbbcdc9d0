"""Checkpoints: a long training that is broken off goes on where it was."""

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from convlab.files import staged


def identity(settings: Any, files: Iterable[Path]) -> str:
    """Say in a short text what a training depends on.

    Parameters
    ----------
    settings : Any
        Parameters, versions: whatever JSON can write.
    files : iterable of Path
        Data and code; their content counts.

    Returns
    -------
    str
        A sha256 in hexadecimal: equal if and only if all of it is equal.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
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


def write_checkpoint(
    path: Path, owner: str, tensors: dict[str, Tensor], notes: dict[str, Any]
) -> None:
    """Write a checkpoint whole or not at all.

    Parameters
    ----------
    path : Path
    owner : str
        Identity of the training that it belongs to.
    tensors : dict of str to Tensor
    notes : dict
        What is no tensor, as JSON can write it.
    """
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    metadata = {"owner": owner, "notes": json.dumps(notes)}
    with staged(path) as (draft,):
        draft.write_bytes(save(whole, metadata=metadata))


def read_checkpoint(path: Path, owner: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Read what `write_checkpoint` wrote.

    Returns
    -------
    tuple of tensors and notes, or None
        None if there is no checkpoint, or it is damaged or another training's.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            if metadata["owner"] != owner:
                return None
            # Clones, because the file is about to be replaced.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            return tensors, json.loads(metadata["notes"])
    except (FileNotFoundError, SafetensorError, KeyError, TypeError, ValueError):
        return None
