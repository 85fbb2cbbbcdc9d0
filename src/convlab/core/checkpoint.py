"""Checkpoints, from which an interrupted training is resumed."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from convlab.core.outputs import atomic_write, remove


class Checkpoint:
    """The last saved state of a training, in one file with a checksum.

    Parameters
    ----------
    path : Path
        Ends with .safetensors; written completely or not at all.
    fingerprint : str
        Fingerprint of the training, see `convlab.core.fingerprint`.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path = path
        self.fingerprint = fingerprint

    def save(self, state: dict[str, Any]) -> None:
        """Replace the saved state.

        Parameters
        ----------
        state : dict
            Tensors, numbers, strings and None in nested dicts and lists, such as a `state_dict`.
        """
        tensors: list[Tensor] = []
        structure = json.dumps(_without_tensors(state, tensors))
        # Copies, because safetensors refuses tensors that share their memory, as tied weights do.
        arrays = {
            str(number): tensor.clone(memory_format=torch.contiguous_format)
            for number, tensor in enumerate(tensors)
        }
        content = save(arrays, {"fingerprint": self.fingerprint, "structure": structure})
        with atomic_write(self.path) as (draft,):
            draft.write_bytes(content + hashlib.sha256(content).digest())

    def load(self) -> dict[str, Any] | None:
        """Read the saved state of this training.

        A state with another fingerprint is not used, and a damaged file is
        renamed; both cases are reported on standard output.

        Returns
        -------
        dict or None
            None if there is no state to resume from.
        """
        if not self.path.exists():
            return None
        try:
            fingerprint, state = _read(self.path)
        except (SafetensorError, LookupError, ValueError, TypeError, OSError):
            renamed = self.path.with_suffix(".damaged")
            self.path.replace(renamed)
            print(f"the checkpoint is damaged, renamed to {renamed}: starting from step 0")
            return None
        if fingerprint != self.fingerprint:
            print("the checkpoint is from other parameters, data or code: starting from step 0")
            return None
        return state

    def remove(self) -> None:
        """Delete the state; to be called when the training has written its results."""
        remove(self.path)


def _without_tensors(value: Any, tensors: list[Tensor]) -> Any:
    """Copy a state for JSON: each tensor is moved to the list and replaced by its number there."""
    if isinstance(value, Tensor):
        tensors.append(value)
        return {"tensor": len(tensors) - 1}
    if isinstance(value, dict):  # as pairs: keys may be numbers
        return {"pairs": [[key, _without_tensors(each, tensors)] for key, each in value.items()]}
    if isinstance(value, list | tuple):
        return [_without_tensors(each, tensors) for each in value]
    return value


def _with_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Undo `_without_tensors`."""
    if isinstance(value, list):
        return [_with_tensors(each, tensors) for each in value]
    if isinstance(value, dict) and "pairs" in value:
        return {key: _with_tensors(each, tensors) for key, each in value["pairs"]}
    return tensors[str(value["tensor"])] if isinstance(value, dict) else value


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    content = path.read_bytes()
    size = len(content) - hashlib.sha256().digest_size
    if hashlib.sha256(content[:size]).digest() != content[size:]:
        raise ValueError("the checksum differs")
    metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    return metadata["fingerprint"], _with_tensors(
        json.loads(metadata["structure"]), load(content[:size])
    )
