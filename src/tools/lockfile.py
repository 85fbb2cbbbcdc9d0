"""Compare what dvc.lock records of the last run with the current files.

dvc.yaml (with templates and `matrix`) and dvc.lock are read as YAML 1.2, as DVC documents them.
DVC's hash of a folder is the md5 of a JSON list of its files, followed by ".dir".
"""

import hashlib
import json
import re
from functools import cache, partial, reduce
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from pathspec import GitIgnoreSpec
from ruamel.yaml import YAML, YAMLError

from convlab.core.errors import InputError
from convlab.core.tables import flatten

NOTHING = "nothing"
"""The value of an item that is missing, or not recorded."""


class Item(NamedTuple):
    """A stage's command (kind `cmd`), parameter (`param`), input (`dep`) or output (`out`)."""

    stage: str
    kind: str
    name: str


Values = dict[Item, Any]
"""Commands, parameters, and hashes of files and folders."""


class Pipeline(NamedTuple):
    """The items of all stages, as recorded and as they are now."""

    recorded: Values
    """Values in dvc.lock."""
    present: Values
    """Current values; files are hashed, not compared by size and time."""
    assumed: set[Item]
    """Items whose files are only in DVC's cache; their current value is taken from dvc.lock."""


def read_pipeline() -> Pipeline:
    """Read the pipeline of the current folder; raises InputError if DVC could not read it."""
    try:
        recorded = _read_lock()
        return Pipeline(recorded, *_read_present(recorded))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"DVC cannot use dvc.yaml, dvc.lock or params.yaml: {error!r}") from error


def differences(recorded: Values, present: Values) -> list[tuple[Item, Any, Any]]:
    """Give the items with different values, and both values.

    For a stage that only one side has, only `cmd` is given.
    """
    both = {item.stage for item in recorded} & {item.stage for item in present}
    items = sorted(each for each in recorded | present if each.stage in both or each.kind == "cmd")
    pairs = [(item, recorded.get(item, NOTHING), present.get(item, NOTHING)) for item in items]
    return [pair for pair in pairs if repr(pair[1]) != repr(pair[2])]  # 1 is neither 1.0 nor true


def read_stages() -> dict[str, dict[str, Any]]:
    """Read the stages of dvc.yaml: fill in templates, and make a stage for each matrix element."""
    params, stages = _read("params.yaml"), {}
    for name, stage in _read("dvc.yaml")["stages"].items():
        axes = _fill_in(stage.pop("matrix", {}), params)
        for cell in product(*axes.values()):
            values = params | {"item": dict(zip(axes, cell, strict=True))}
            suffix = f"@{'-'.join(map(str, cell))}" if cell else ""
            stages[name + suffix] = _fill_in(stage, values)
    return stages


def hash_content(path: Path, ignored: GitIgnoreSpec) -> str:
    """Give DVC's hash of a file, or of a folder without the files that .dvcignore excludes."""
    if path.is_file():
        return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    if not path.is_dir():
        return NOTHING
    files = (each for each in path.rglob("*") if each.is_file() and not ignored.match_file(each))
    hashes = {each.relative_to(path).as_posix(): hash_content(each, ignored) for each in files}
    listing = [{"md5": hashes[name], "relpath": name} for name in sorted(hashes)]
    return hashlib.md5(json.dumps(listing).encode(), usedforsecurity=False).hexdigest() + ".dir"


def _read_lock() -> Values:
    values = {}
    for name, stage in (_read("dvc.lock")["stages"] if Path("dvc.lock").exists() else {}).items():
        values |= _taken(name, stage["cmd"], stage.get("params", {}).get("params.yaml", {}))
        for kind, entry in ((k, each) for k in ("dep", "out") for each in stage.get(f"{k}s", [])):
            item = Item(name, kind, entry["path"])
            same = values.get(item, entry["md5"]) == entry["md5"]
            values[item] = entry["md5"] if same else "two entries that differ"
    return values


def _read_present(recorded: Values) -> tuple[Values, set[Item]]:
    params, values, cached = _read("params.yaml"), {}, {}
    for name, stage in read_stages().items():
        asked = {key: _look_up(params, key) for key in stage.get("params", [])}
        values |= _taken(name, stage["cmd"], asked)
        for part in ("deps", "outs", "metrics", "plots"):
            for entry in stage.get(part, []):
                path, flags = next(iter(entry.items())) if isinstance(entry, dict) else (entry, {})
                item = Item(name, "dep" if part == "deps" else "out", path)
                cached[item] = part != "deps" and flags.get("cache", True)
    makers = {item.name: item for item in cached if item.kind == "out"}
    paths = {item: Path(item.name) for item in cached}
    absent = [path for item, path in paths.items() if cached[item] and not path.exists()]
    ignored = GitIgnoreSpec.from_lines(Path(".dvcignore").read_text("utf-8").splitlines())
    content, assumed = cache(partial(hash_content, ignored=ignored)), set()
    for item, path in paths.items():
        if any(path.is_relative_to(out) or out.is_relative_to(path) for out in absent):
            assumed.add(item)
            values[item] = recorded.get(makers.get(item.name, item), "in DVC's cache")
        else:
            values[item] = content(path)
    return values, assumed


def _taken(stage: str, command: Any, params: dict[str, Any]) -> Values:
    taken = {Item(stage, "param", name): value for name, value in flatten(params)}
    return taken | {Item(stage, "cmd", "cmd"): command}


def _read(name: str) -> dict[str, Any]:
    try:
        return YAML(typ="safe").load(Path(name).read_text("utf-8"))
    except (YAMLError, ValueError) as error:
        raise InputError(f"{Path(name).absolute()}: is not YAML: {error}") from error


def _fill_in(template: Any, values: dict[str, Any]) -> Any:
    """Replace `${name}` by values; a string that is only `${name}` is replaced with its type."""

    def value(name: re.Match) -> str:
        return json.dumps(_look_up(values, name[1]))

    text = re.sub(r'"\$\{([\w.]+)\}"', value, json.dumps(template))
    return json.loads(re.sub(r"\$\{([\w.]+)\}", lambda name: value(name).strip('"'), text))


def _look_up(values: dict[str, Any], name: str) -> Any:
    return reduce(lambda inner, key: inner[key], name.split("."), values)
