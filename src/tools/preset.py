"""Lay a preset over params.yaml, then rebuild what is out of date.

A preset is a file params.<name>.yaml: the keys that it has are changed in
params.yaml, all others and the comments stay. `git diff params.yaml` shows
what changed. Checks the result before anything runs.
"""

import argparse
from collections.abc import MutableMapping, MutableSequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from convlab.core.errors import InputError
from convlab.core.outputs import atomic_write
from convlab.core.params import read_yaml
from convlab.core.script import script
from tools import repro
from tools.check_params import check

PARAMS = Path("params.yaml")


def preset_names() -> list[str]:
    """Name the presets of this folder, by their files."""
    return sorted(path.name.split(".")[1] for path in Path().glob("params.*.yaml"))


def read_preset(name: str) -> dict[str, Any]:
    """Read what a preset changes.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in preset_names():
        raise InputError(
            f"there is no preset {name!r}, which would be a file params.{name}.yaml:"
            f" choose among {', '.join(preset_names())}"
        )
    return read_yaml(Path(f"params.{name}.yaml"))


def merge(values: Any, changes: Any) -> Any:
    """Change some keys of nested blocks, in place, and keep all others.

    Returns
    -------
    Any
        `values`; or `changes` where the two are not both blocks or both lists.
    """
    if isinstance(values, MutableMapping) and isinstance(changes, MutableMapping):
        for key, change in changes.items():
            values[key] = merge(values.get(key), change)
        return values
    if isinstance(values, MutableSequence) and isinstance(changes, MutableSequence):
        values[:] = changes  # the list itself knows that it is written in one line
        return values
    return changes


def lay_over(params: Path, changes: dict[str, Any]) -> None:
    """Change some keys of a parameter file, which must be valid then; its comments stay.

    Raises
    ------
    InputError
        If it is not, as `check` says; then the file is as it was.
    """
    read_yaml(params)  # says in one line what is no YAML
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    values = merge(yaml.load(params.read_text(encoding="utf-8")), changes)
    with atomic_write(params) as (draft,):
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            yaml.dump(values, file)
        try:
            check(draft)
        except InputError as error:
            raise InputError(str(error).replace(draft.name, params.name)) from error


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which preset."""
    parser.add_argument("name", help=f"one of {', '.join(preset_names())}")


def main(name: str) -> None:
    lay_over(PARAMS, read_preset(name))
    print(
        f"{PARAMS} has the values of params.{name}.yaml now: `git diff {PARAMS}` shows what"
        f" changed; `git checkout {PARAMS} dvc.lock metrics` and `dvc checkout` undo it",
        flush=True,
    )
    repro.main()


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/repro.lock"), add_options=add_options) as options:
        main(options.name)
