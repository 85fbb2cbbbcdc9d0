"""A fingerprint of all that a result depends on.

Unfinished work, such as a checkpoint, is resumed only if its fingerprint is the same.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "torchvision", "einops", "numpy", "pillow", "scikit-image")
"""Installed packages that can change a result, as the project's own code can."""


def fingerprint(settings: Any, files: Iterable[Path]) -> str:
    """Hash everything that a result depends on.

    This includes the versions of `PACKAGES` and the source of all convlab modules that are loaded.

    Parameters
    ----------
    settings : Any
        Parameters: anything that JSON can write.
    files : iterable of Path
        Data and scripts, whose content is hashed.

    Returns
    -------
    str
        A sha256 in hexadecimal.
    """
    versions = [version(package) for package in PACKAGES]
    digest = hashlib.sha256(json.dumps([settings, versions], sort_keys=True).encode())
    for path in sorted({*files, *_loaded_sources()}):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _loaded_sources() -> list[Path]:
    """Give the files of this library's modules that are imported."""
    return [
        Path(module.__file__)
        for name, module in list(sys.modules.items())
        if name.startswith("convlab.") and module.__file__
    ]
