"""What dvc.lock records of a pipeline's last run, beside what there is."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage import Stage
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree

from convlab.errors import InputError
from repository.metrics import flatten

NAMED = 3
"""How many changed files of a folder are named; more are counted."""


class Item(NamedTuple):
    """Something that a stage runs, takes, reads or leaves."""

    stage: str
    kind: Literal["command", "parameter", "dep", "out"]
    name: str


@dataclass(frozen=True)
class Content:
    """What tells a file or folder from another, as DVC counts it."""

    md5: str
    size: int | None
    """Bytes, of all files together."""
    files: int | None
    """None for a file."""

    def __str__(self) -> str:
        """Give enough of the hash to tell it from others."""
        return self.md5[:8]


class Finding(NamedTuple):
    """Where a lock file does not say what is so."""

    stage: str
    item: str
    problem: str


class Pipeline:
    """A pipeline at one revision: what its dvc.lock records, and what lies beside it.

    Parameters
    ----------
    revision : str, optional
        Of git; None is the workspace.

    Raises
    ------
    InputError
        Here and by each method, if this is no repository, the revision is
        unknown, or dvc.yaml, dvc.lock or params.yaml is missing or broken.
    """

    def __init__(self, revision: str | None = None):
        with _errors_in_one_line():
            self._repo = Repo(rev=revision)
            self._stages: list[Stage] = list(self._repo.index.stages)
        self._entries = {item: entry for stage in self._stages for item, entry in _entries(stage)}
        self._ran = [s for s in self._stages if any(out.hash_info for out in s.outs)]
        self.outs = {item.name: item for item in self._entries if item.kind == "out"}

    @cached_property
    def recorded(self) -> dict[Item, Any]:
        """Commands, parameters and contents as dvc.lock has them, those it has."""
        recorded: dict[Item, Any] = {}
        for stage in self._ran:
            command = "another command" if stage.cmd_changed else stage.cmd
            recorded[Item(stage.name, "command", "cmd")] = command
            for dep in _parameter_files(stage):
                recorded |= _parameters(stage, dep.hash_info.value or {})
        for item, entry in self._entries.items():
            if entry.hash_info:
                meta = entry.meta
                recorded[item] = Content(entry.hash_info.value, meta.size, meta.nfiles)
        return recorded

    @cached_property
    def present(self) -> dict[Item, Any]:
        """The same as they are: contents read whole, whatever sizes and times say.

        Of a stage that was never run only the command, so that one finding says so.
        """
        present: dict[Item, Any] = {
            Item(stage.name, "command", "cmd"): stage.cmd for stage in self._stages
        }
        for stage in self._ran:
            for dep in _parameter_files(stage):
                with _errors_in_one_line():
                    present |= _parameters(stage, dep.read_params())
        ran = {stage.name for stage in self._ran}
        entries = {item: entry for item, entry in self._entries.items() if item.stage in ran}
        contents = {entry.fs_path: self._read(entry) for entry in entries.values()}
        present |= {item: contents[entry.fs_path] for item, entry in entries.items()}
        return {item: value for item, value in present.items() if value is not None}

    def metrics(self) -> dict[str, Any]:
        """Nested metrics by the name of their file; files that are not there are left out.

        Raises
        ------
        InputError
            If a file is no JSON.
        """
        metrics = {}
        for out in (self._entries[item] for item in self.outs.values()):
            if not out.metric:
                continue
            try:
                text = self._repo.fs.read_text(out.fs_path, encoding="utf-8")
                metrics[Path(out.def_path).stem] = json.loads(text)
            except FileNotFoundError:
                continue
            except ValueError as error:
                raise InputError(f"{out.def_path}: is no JSON: {error}") from error
        return metrics

    def contradictions(self) -> Iterator[Finding]:
        """Find where the lock file contradicts itself or what lies beside it.

        An output that is not there contradicts nothing.
        """
        for item in sorted(self.recorded | self.present):
            recorded, present = self.recorded.get(item), self.present.get(item)
            if recorded != present and (present is not None or item.name not in self.outs):
                problem = f"recorded is {_say(recorded)}, there is {_say(present)}"
                yield _finding(item, problem + self._inside(item))
            if item.kind == "dep" and item.name in self.outs:
                out = self.outs[item.name]
                left = self.recorded.get(out)
                if None not in (left, recorded) and left != recorded:
                    problem = f"recorded is {_say(recorded)}, {out.stage} left {_say(left)}"
                    yield _finding(item, problem)

    def departures(self, other: "Pipeline") -> Iterator[Finding]:
        """Find what this run took otherwise than another revision has it.

        Commands, parameters, and those deps that are in git there.
        """
        for item in sorted(self.recorded | other.present):
            taken, there = self.recorded.get(item), other.present.get(item)
            if item.kind == "out" or (item.kind == "dep" and item.name in other.outs):
                continue
            if taken != there:
                yield _finding(item, f"the run took {_say(taken)}, committed is {_say(there)}")

    def _read(self, entry: Output) -> Content | None:
        """Content of what lies there, by DVC's own hash; None if nothing does."""
        try:
            meta, built = self._build(entry)
        except FileNotFoundError:
            return None
        return Content(built.hash_info.value, meta.size, meta.nfiles)

    def _build(self, entry: Output) -> tuple[Any, Any]:
        # An object store without DVC's state database, which trusts sizes and times.
        _, meta, built = build(
            self._objects,
            entry.fs_path,
            self._repo.fs,
            "md5",
            dry_run=True,
            ignore=self._repo.dvcignore,
        )
        return meta, built

    @property
    def _objects(self) -> HashFileDB:
        local = self._repo.cache.local
        return HashFileDB(local.fs, local.path)

    def _inside(self, item: Item) -> str:
        """Name the changed files of a folder, if DVC's cache has the listing of the former ones."""
        before, after = self.recorded.get(item), self.present.get(item)
        if not (isinstance(before, Content) and before.files and after):
            return ""
        try:
            former = Tree.load(self._objects, HashInfo("md5", before.md5))
        except (OSError, DvcException, ValueError):
            return ""
        now = self._build(self._entries[item])[1]
        names = sorted({name for name, _ in _listing(former) ^ _listing(now)})
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return f": {', '.join(names[:NAMED])}{more}" if names else ""


def _parameter_files(stage: Stage) -> list[ParamsDependency]:
    return [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]


def _parameters(stage: Stage, values: dict[str, Any]) -> dict[Item, Any]:
    return {Item(stage.name, "parameter", name): value for name, value in flatten(values)}


def _entries(stage: Stage) -> Iterator[tuple[Item, Output]]:
    """Give every file and folder that a stage reads or leaves, parameter files apart."""
    for dep in stage.deps:
        if not isinstance(dep, ParamsDependency):
            yield Item(stage.name, "dep", dep.def_path), dep
    for out in stage.outs:
        yield Item(stage.name, "out", out.def_path), out


def _listing(tree: Tree) -> set[tuple[str, str]]:
    return {(file["relpath"], file["md5"]) for file in tree.as_list()}


def _finding(item: Item, problem: str) -> Finding:
    return Finding(item.stage, item.name, problem)


def _say(value: Any) -> str:
    if not isinstance(value, Content):
        return "nothing" if value is None else str(value)
    files = "" if value.files is None else f" in {value.files} files"
    return f"{value} ({value.size} bytes{files})"


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    try:
        yield
    except DvcException as error:
        raise InputError(str(error)) from error
