"""Run the whole pipeline on data that libraries bundle: no download, a few minutes.

Works on a copy of the working tree in demo/, uncommitted edits included, with
params.demo.yaml laid over params.yaml: the checkout's own parameters, lock
file and metrics stay as they are.
"""

import shutil
from contextlib import chdir
from pathlib import Path

import yaml

import check_params
from convlab.checksums import NAME as SHA256SUMS
from convlab.errors import InputError
from convlab.files import remove
from convlab.params import read_yaml
from convlab.script import script
from convlab.tables import flatten
from repository.commands import dvc, git
from repository.metrics import read_metrics

COPY = Path("demo")
RESULTS = {"dvc.lock", "metrics", SHA256SUMS}
"""By their names; in a copy that has results of its own, they would be taken for damaged."""


def copy_tree(target: Path) -> None:
    """Copy what git tracks or would track, less the results of former runs."""
    listing = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listing.split("\0")):
        source = Path(name)
        if RESULTS.isdisjoint(source.parts) and source.exists():
            (target / source).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / source)


def lay_over(params: Path, changes: dict) -> None:
    """Change some keys of a parameter file."""
    content = read_yaml(params)
    for block, values in changes.items():
        if not all(isinstance(side, dict) for side in (content.get(block), values)):
            raise InputError(
                f"{block}: is to be changed, but must be a block, with keys below it, both in"
                f" {params.name} and in the file of changes: correct it there"
            )
        content[block] |= values
    params.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def prepare_copy(target: Path, changes: dict) -> None:
    """Make a copy of the working tree that DVC can run on, with some parameters changed."""
    copy_tree(target)
    lay_over(target / "params.yaml", changes)
    dvc("config", "--local", "core.no_scm", "true", folder=target)  # it has no git


def main() -> None:
    check_params.main()
    remove(COPY)
    prepare_copy(COPY, read_yaml(Path("params.demo.yaml")))
    dvc("repro", folder=COPY)
    with chdir(COPY):
        metrics = read_metrics()
    for metric, value in flatten(metrics):
        print(f"{metric}: {value}")
    pictures = sorted(path for path in COPY.glob("stages/*/*") if path.suffix in (".png", ".gif"))
    print("The pictures:", *pictures, sep="\n  ")
    print(f"The report, for any browser: {COPY / 'stages/render_report/report.html'}")


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/demo.lock")):
        main()
