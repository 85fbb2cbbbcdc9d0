"""What dvc.lock records of a pipeline's last run, beside what there is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple

from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage import PipelineStage
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils.serialize import load_yaml
from dvc_data.hashfile.build import IgnoreInCollectedDirError, build
from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree
from dvc_objects.errors import ObjectFormatError

from convlab.errors import InputError
from convlab.tables import flatten
from repository.commands import resolve

NAMED = 3
"""How many changed files of a folder are named; more are counted."""
REMOVED = "`git checkout` one of them, or `dvc repro`, then `dvc commit -f STAGE`"
"""What to do where dvc.lock has what dvc.yaml lacks."""


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
    """Bytes, of all files together; None if not recorded."""
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
    """The pipeline of the root's dvc.yaml: what its dvc.lock records, and what lies beside it.

    Parameters
    ----------
    revision : str, optional
        Of git; None is the workspace.

    Attributes
    ----------
    commit : str or None
        Hash of the revision's commit.
    outs : dict of str to Item
        Every output by its path.

    Raises
    ------
    InputError
        Here and by each method, if this is no repository, the revision is
        unknown, or dvc.yaml, dvc.lock or params.yaml is missing or broken.
    """

    def __init__(self, revision: str | None = None):
        self._place = "" if revision is None else f"at {revision}: "
        self._remedy = (
            "`git diff` shows what changed since the last commit, `git checkout FILE` undoes it"
            if revision is None
            else "name another commit (`--revision REV`), or mend it and commit"
        )
        self.commit = None if revision is None else resolve(revision)
        with self._errors_in_one_line():
            self._repo = Repo(rev=self.commit)
            self._stages = [
                stage
                for stage in self._repo.index.stages
                if isinstance(stage, PipelineStage) and stage.path_in_repo == "dvc.yaml"
            ]
            path = self._repo.fs.join(self._repo.root_dir, "dvc.lock")
            there = self._repo.fs.exists(path)
            self._lock = load_yaml(path, fs=self._repo.fs)["stages"] if there else {}
        if not self._stages:
            raise InputError(f"{self._place}dvc.yaml is missing or empty: {self._remedy}")
        self._entries = {item: entry for stage in self._stages for item, entry in _entries(stage)}
        self.outs = {item.name: item for item in self._entries if item.kind == "out"}

    @cached_property
    def recorded(self) -> dict[Item, Any]:
        """Commands, parameters and contents as dvc.lock has them, those it has."""
        recorded: dict[Item, Any] = {}
        for stage in self._stages:
            if stage.name in self._lock:
                recorded[_command(stage)] = self._lock[stage.name].get("cmd")
            for dep in _parameter_files(stage):
                recorded |= _parameters(stage, dep, dep.hash_info.value or {})
        for item, entry in self._entries.items():
            if entry.hash_info:
                meta = entry.meta
                recorded[item] = Content(entry.hash_info.value, meta.size, meta.nfiles)
        return recorded

    @cached_property
    def present(self) -> dict[Item, Any]:
        """The same as they are: contents read whole, whatever sizes and times say."""
        present: dict[Item, Any] = {_command(stage): stage.cmd for stage in self._stages}
        for stage in self._stages:
            for dep in _parameter_files(stage):
                with self._errors_in_one_line():
                    present |= _parameters(stage, dep, dep.read_params())
        contents = {entry.fs_path: self._read(entry) for entry in self._entries.values()}
        present |= {item: contents[entry.fs_path] for item, entry in self._entries.items()}
        return {item: value for item, value in present.items() if value is not None}

    def contradictions(self) -> Iterator[Finding]:
        """Find where the lock file contradicts dvc.yaml, itself, or what lies beside it.

        An output that is not there contradicts nothing, if DVC's cache should have it.
        """
        for stage in self._stages:
            if stage.name not in self._lock:
                yield Finding(stage.name, "dvc.lock", "has no run of the stage: run `dvc repro`")
            else:
                yield from self._unknown_to_dvc(stage)
        for name in sorted(self._lock.keys() - {stage.name for stage in self._stages}):
            problem = "dvc.yaml lacks this stage: `git checkout dvc.yaml`, or delete it here"
            yield Finding(name, "dvc.lock", problem)
        for item in sorted(item for item in self.recorded | self.present if self._ran(item)):
            recorded, present = self.recorded.get(item), self.present.get(item)
            absent = present is None and self._may_be_absent(item)
            if not _same(recorded, present) and not (absent and recorded is not None):
                recorded_text, present_text = _say(recorded, present)
                problem = f"dvc.lock says {recorded_text}, but it is {present_text}"
                yield Finding(item.stage, item.name, problem + self._inside(item))
            yield from self._unlike_its_producer(item)

    def departures(self, other: "Pipeline") -> Iterator[Finding]:
        """Find what this run took otherwise than another revision has it.

        Commands, parameters, and those deps that are in git there.
        """
        for item in sorted(item for item in self.recorded | other.present if self._ran(item)):
            taken, there = self.recorded.get(item), other.present.get(item)
            if item.kind == "out" or (item.kind == "dep" and other._producer(item)):
                continue
            if not _same(taken, there):
                taken_text, there_text = _say(taken, there)
                problem = f"the run took {taken_text}, the commit has {there_text}"
                yield Finding(item.stage, item.name, problem)

    def _ran(self, item: Item) -> bool:
        return item.stage in self._lock

    def _producer(self, item: Item) -> Item | None:
        """Give the output that a dep is, or lies in."""
        places = [item.name, *map(str, PurePosixPath(item.name).parents)]
        return next((self.outs[place] for place in places if place in self.outs), None)

    def _may_be_absent(self, item: Item) -> bool:
        producer = self._producer(item)
        return producer is not None and self._entries[producer].use_cache

    def _unknown_to_dvc(self, stage: PipelineStage) -> Iterator[Finding]:
        """Find what DVC overlooks in dvc.lock: it reads only what dvc.yaml names."""
        raw, read = self._lock[stage.name], to_single_stage_lockfile(stage)
        for part in ("deps", "outs"):
            known = list(read.get(part, []))
            for entry in raw.get(part, []):
                if entry in known:
                    known.remove(entry)
                else:
                    problem = f"dvc.lock has {_brief(entry)}, which dvc.yaml lacks: {REMOVED}"
                    yield Finding(stage.name, str(entry.get("path")), problem)
            for entry in known:
                if not any(entry["path"] == other.get("path") for other in raw.get(part, [])):
                    problem = "dvc.lock does not record it: run `dvc repro`"
                    yield Finding(stage.name, entry["path"], problem)
        recorded, asked = (dict(flatten(side.get("params", {}))) for side in (raw, read))
        for name in sorted(recorded.keys() - asked.keys()):
            problem = f"dvc.lock records it, dvc.yaml lacks it: {REMOVED}"
            yield Finding(stage.name, name, problem)

    def _unlike_its_producer(self, item: Item) -> Iterator[Finding]:
        """Find a dep that is an output, but was read with another hash than it was left with."""
        if item.kind != "dep" or item.name not in self.outs:
            return
        out = self.outs[item.name]
        left, taken = self.recorded.get(out), self.recorded.get(item)
        if left != taken:
            left_text, taken_text = _say(left, taken)
            problem = f"the stage read {taken_text}, but {out.stage} left {left_text}"
            yield Finding(item.stage, item.name, problem)

    def _read(self, entry: Output) -> Content | None:
        """Content of what lies there, by DVC's own hash; None if nothing does."""
        try:
            meta, built = self._build(entry)
        except FileNotFoundError as error:
            if os.path.lexists(entry.fs_path):
                raise InputError(
                    f"{entry.def_path}: is or holds a link to nothing ({error.filename}): remove"
                    " that link, then run `dvc repro`"
                ) from error
            return None
        except IgnoreInCollectedDirError as error:
            raise InputError(f"{error}: remove that file, then run `dvc repro`") from error
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
        if not all(isinstance(value, Content) and value.files for value in (before, after)):
            return ""
        try:
            former = Tree.load(self._objects, HashInfo("md5", before.md5))
        except (OSError, ObjectFormatError, ValueError, TypeError, AttributeError):
            return ""  # as far as it goes: the cache may have lost or spoiled it
        now = self._build(self._entries[item])[1]
        names = sorted({name for name, _ in _listing(former) ^ _listing(now)})
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return f": {', '.join(names[:NAMED])}{more}" if names else ""

    @contextmanager
    def _errors_in_one_line(self) -> Iterator[None]:
        """Say where DVC's errors come from; a file it cannot make sense of raises all sorts."""
        try:
            yield
        except (DvcException, ValueError, TypeError, KeyError, AttributeError) as error:
            cause = f" ({error.__cause__})" if error.__cause__ else ""
            problem = f"DVC cannot read dvc.yaml, dvc.lock or params.yaml: {error}{cause}"
            raise InputError(f"{self._place}{problem}: {self._remedy}") from error


def _entries(stage: PipelineStage) -> Iterator[tuple[Item, Output]]:
    """Give every file and folder that a stage reads or leaves, parameter files apart."""
    for dep in stage.deps:
        if not isinstance(dep, ParamsDependency):
            yield Item(stage.name, "dep", dep.def_path), dep
    for out in stage.outs:
        yield Item(stage.name, "out", out.def_path), out


def _command(stage: PipelineStage) -> Item:
    return Item(stage.name, "command", "cmd")


def _parameter_files(stage: PipelineStage) -> list[ParamsDependency]:
    return [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]


def _parameters(
    stage: PipelineStage, file: ParamsDependency, values: dict[str, Any]
) -> dict[Item, Any]:
    place = "" if file.def_path == file.DEFAULT_PARAMS_FILE else f"{file.def_path}:"
    return {
        Item(stage.name, "parameter", f"{place}{name}"): value for name, value in flatten(values)
    }


def _same(one: Any, other: Any) -> bool:
    """Compare as YAML does: 1 is neither 1.0 nor true."""
    return type(one) is type(other) and one == other


def _listing(tree: Tree) -> set[tuple[str, str]]:
    return {(file["relpath"], file["md5"]) for file in tree.as_list()}


def _brief(entry: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in entry.items() if key != "path")


def _say(*values: Any) -> list[str]:
    """Word contents so that they can be told apart."""
    shorts = [str(value) for value in values]
    whole = len(set(shorts)) < len(shorts)
    return [_word(value, whole=whole) for value in values]


def _word(value: Any, *, whole: bool) -> str:
    if not isinstance(value, Content):
        return "nothing" if value is None else repr(value) if whole else str(value)
    size = "no size" if value.size is None else f"{value.size} bytes"
    files = "" if value.files is None else f" in {value.files} files"
    return f"{value.md5 if whole else value} ({size}{files})"
