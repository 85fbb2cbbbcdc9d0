"""Run the whole pipeline in a few minutes, on data of installed libraries, without a download.

Works on a copy of the working tree in demo/, with uncommitted changes. There,
the values in params.demo.yaml replace those in params.yaml. The checkout's own
parameters, lock file and metrics do not change.
"""

import shutil
from contextlib import chdir
from pathlib import Path
from typing import Any

from convlab.core.outputs import remove
from convlab.core.script import script
from convlab.core.tables import flatten
from tools.check_params import check
from tools.commands import dvc, git
from tools.metrics import FOLDER as METRICS
from tools.metrics import read_metrics
from tools.preset import lay_over, read_preset

COPY = Path("demo")


def copy_tree(target: Path) -> None:
    """Copy the files that git tracks or would track, without results of earlier runs."""
    listing = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for source in map(Path, filter(None, listing.split("\0"))):
        result = source == Path("dvc.lock") or source.is_relative_to(METRICS)
        if source.exists() and not result:
            (target / source).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / source)


def prepare_copy(target: Path, changes: dict[str, Any]) -> None:
    """Make a copy of the working tree that DVC can run on, with some parameters changed."""
    copy_tree(target)
    lay_over(target / "params.yaml", changes)
    dvc("config", "--local", "core.no_scm", "true", folder=target)  # the copy is no git repository


def main() -> None:
    check(Path("params.yaml"))
    remove(COPY)
    prepare_copy(COPY, read_preset("demo"))
    dvc("repro", folder=COPY)
    with chdir(COPY):
        metrics = read_metrics()
    for metric, value in flatten(metrics):
        print(f"{metric}: {value}")
    stages = COPY / "stages"
    pictures = sorted(path for path in stages.rglob("*") if path.suffix in (".png", ".gif"))
    pictures = [path for path in pictures if path.parent.name != "upscaled"]  # one per test image
    print("The pictures:", *pictures, sep="\n  ")
    print(f"The report, for any browser: {stages / 'render_report/report.html'}")


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/demo.lock")):
        main()
