"""Patches of any number of photographs: cut by all cores, kept in shards.

A shard holds the patches of some photographs in a row. It is written whole or
not at all, so that an interrupted run goes on with the next one.
"""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
from joblib.externals.loky.process_executor import TerminatedWorkerError

from convlab.core.errors import InputError
from convlab.core.outputs import atomic_folder, remove
from convlab.superres.patches import ARRAYS, CHECKSUMS, MakePatches, make_pair, write_patches
from convlab.superres.photographs import Reader

PHOTOGRAPHS = 64
"""In a shard; the last one may have fewer."""
_SKIPPED, _SUMS = "skipped.txt", "sums.txt"
"""Of a shard. All cores take the sums: one at the end would read all arrays from disk again."""


@dataclass(frozen=True)
class Cutter:
    """Cuts the photographs of one shard; it is sent to the process that does so."""

    reader: Reader
    scale: int
    params: MakePatches

    def __call__(self, target: Path, photos: list[Path]) -> Path:
        """Write a shard, unless it is there already."""
        if not target.exists():
            skipped: list[str] = []
            with atomic_folder(target) as folder:
                readable = self.reader.read(photos, skipped)
                pairs = (make_pair(colour, self.scale) for _, colour in readable)
                write_patches(folder, pairs, self.scale, self.params)
                sums = [f"{_sha256(folder / name)}  {name}" for name in ARRAYS]
                (folder / _SUMS).write_text("\n".join(sums), encoding="utf-8")
                (folder / _SKIPPED).write_text("\n".join(skipped), encoding="utf-8")
        return target


def write_shards(
    work: Path, photos: list[Path], cutter: Cutter, fingerprint: str
) -> Iterator[tuple[Path, int]]:
    """Write the shards of photographs, as many at a time as there are cores.

    Parameters
    ----------
    work : Path
        Keeps shards until all are there; those of other photographs or parameters are removed.
    photos : list of Path
    cutter : Cutter
    fingerprint : str
        Of all that a patch depends on, beside the photographs.

    Yields
    ------
    shard : Path
        A folder in `work`; in the order of the photographs.
    count : int
        The number of photographs in it.

    Raises
    ------
    InputError
        As `cutter` does; also if a process was killed.
    """
    parts = [photos[at : at + PHOTOGRAPHS] for at in range(0, len(photos), PHOTOGRAPHS)]
    shards = [work / _name(part, fingerprint) for part in parts]
    for former in set(work.glob("*")) - set(shards):
        remove(former)
    run = joblib.Parallel(n_jobs=min(joblib.cpu_count(), len(parts)), return_as="generator")
    written = run(joblib.delayed(cutter)(*each) for each in zip(shards, parts, strict=True))
    try:
        for shard, part in zip(written, parts, strict=True):
            yield shard, len(part)
    except TerminatedWorkerError as error:
        raise InputError(
            "a process that cut photographs was killed, perhaps because memory was full: run again"
            " to go on with the next shard"
        ) from error


def collect_shards(folder: Path, shards: list[Path], skipped: list[str]) -> int:
    """Move shards to where they belong, numbered; those without a patch are left out.

    Parameters
    ----------
    folder : Path
        Gets the shards, and a list of their checksums.
    shards : list of Path
    skipped : list of str
        Gets what is wrong with the photographs that were left out.

    Returns
    -------
    int
        The number of patches.
    """
    total, kept, checksums = 0, 0, []
    for shard in shards:
        skipped += (shard / _SKIPPED).read_text(encoding="utf-8").splitlines()
        if count := len(np.load(shard / ARRAYS[0], mmap_mode="r")):
            target = folder / f"{kept:05}"
            target.mkdir()
            for name in ARRAYS:
                shutil.move(shard / name, target / name)
            for line in (shard / _SUMS).read_text(encoding="utf-8").splitlines():
                checksums.append(line.replace("  ", f"  {target.name}/"))
            total, kept = total + count, kept + 1
    (folder / CHECKSUMS).write_text("\n".join([*checksums, ""]), encoding="utf-8", newline="\n")
    return total


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(photos: list[Path], fingerprint: str) -> str:
    """Name a shard by its photographs and all that its content depends on."""
    files = [(str(photo), photo.stat().st_size, photo.stat().st_mtime_ns) for photo in photos]
    return hashlib.sha256(repr([fingerprint, files]).encode()).hexdigest()[:16]
