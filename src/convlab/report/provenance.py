"""Collect the report's section on provenance: parameters, versions, checksums of files."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement

from convlab.core.errors import InputError

LIBRARIES = (
    "torch",
    "numpy",
    "pillow",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "safetensors",
    "dvc",
)
"""Libraries whose versions can change a result."""


def provenance_section(
    blocks: dict[str, Any], requirements: Path, read: Iterable[Path]
) -> dict[str, dict[str, str]]:
    """Collect the parameters, libraries and files on which the results depend.

    Parameters
    ----------
    blocks : dict
        The blocks of the parameter file to show.
    requirements : Path
        The file that pins the libraries.
    read : iterable of Path
        Files and folders to compute checksums of.

    Returns
    -------
    dict
        `parameters`, each block as YAML; `versions` of libraries; `checksums`.

    Raises
    ------
    InputError
        For the reason of `pinned_versions`.
    """
    files = {
        path.as_posix(): filter(Path.is_file, path.rglob("*")) if path.is_dir() else [path]
        for path in read
    }
    return {
        "parameters": {
            name: yaml.safe_dump(block, sort_keys=False) for name, block in blocks.items()
        },
        "versions": pinned_versions(requirements),
        "checksums": {name: checksum(inside) for name, inside in files.items()},
    }


def pinned_versions(requirements: Path) -> dict[str, str]:
    """Read the versions of `LIBRARIES` that a requirements file pins for this Python.

    Comments, hashes and pip's options, such as an index, are ignored.

    Returns
    -------
    dict of str to str
        Versions by name.

    Raises
    ------
    InputError
        If a line is not a requirement.
    """
    lines = requirements.read_text(encoding="utf-8").splitlines()
    stated = [re.split(r"(?:^|\s)(?:#|--)|\s\\", line)[0].strip() for line in lines]
    try:
        pins = [Requirement(text) for text in stated if text]
    except InvalidRequirement as error:
        raise InputError(f"{requirements}: {str(error).splitlines()[0]}") from error
    here = [pin for pin in pins if not pin.marker or pin.marker.evaluate()]
    versions = {pin.name: str(pin.specifier).removeprefix("==") for pin in here}
    return {name: versions[name] for name in LIBRARIES if name in versions}


def checksum(files: Iterable[Path]) -> str:
    """Give the SHA-256, in hexadecimal, of the contents of files in the order of their paths.

    For one file it is what `sha256sum FILE` prints; for several files, what
    `cat FILES | sha256sum` prints.

    Returns
    -------
    str
    """
    content = hashlib.sha256()
    for path in sorted(files):
        content.update(path.read_bytes())
    return content.hexdigest()
