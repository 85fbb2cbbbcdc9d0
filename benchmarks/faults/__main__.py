"""Break the pipeline on purpose, many times, and count how often it recovers.

Works in temporary copies of the working tree, never in the checkout. All kinds
except kill-real use the parameters of the tests, and bundled data. Prints a
line for each trial that failed, whose folder is kept, and a table in Markdown
at the end. Exit status 1 if a trial failed. Tests in tests/ show everything
that can be shown without random trials.

kill       kills every stage at random moments: the script, DVC, or both; then
           DVC restores the outputs, or the stage runs again
kill-real  kills a training on real data in its middle; it must be resumed bit
           for bit (not by default; needs data/patches/x2)
disk       fills the disk while a stage writes (Linux, as root or with user
           namespaces)
damage     flips a bit of an output so that DVC does not notice; `verify` must
           find it
"""

import argparse
import re
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from random import Random

from tabulate import tabulate
from tqdm import tqdm

sys.path.extend(str(Path(__file__).parents[2] / folder) for folder in ("src", "benchmarks"))

from convlab.core.params import read_yaml
from faults import trials
from faults.workspace import ROOT, Failure, Reference, Workspace

KINDS = {
    "kill": trials.kill_trial,
    "disk": trials.disk_trial,
    "damage": trials.damage_trial,
    "kill-real": partial(trials.kill_trial, real=True),
}
REAL = {"train_sr": {"steps": 840, "warmup_steps": 42, "validate_every": 84}}
REAL_DATA = "data/patches/x2"


def attempt(trial: trials.Trial, workspace: Workspace) -> tuple[float, str | None]:
    """Run one trial; give its seconds, and the reason if it failed."""
    began, fault = time.monotonic(), None
    try:
        trial.body(workspace)
    except Exception as error:  # of the trial itself: it counts, too, and the others go on
        fault = str(error) if isinstance(error, Failure) else f"the trial itself: {error!r}"
    if fault is None:
        shutil.rmtree(workspace.folder)
    return time.monotonic() - began, fault


def main() -> int:
    """Run the chosen trials; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--trials", type=int, default=6, help="number for each kind and stage (6)")
    parser.add_argument("--seed", type=int, default=0, help="seed for moments and places (0)")
    parser.add_argument("--stage", default="", help="only this stage, such as train_sr@2")
    options = parser.parse_args()
    kinds = options.kinds or ["kill", "disk", "damage"]
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        parser.error(f"{unknown[0]}: no such kind (there are {', '.join(KINDS)})")
    if "kill-real" in kinds and not (ROOT / REAL_DATA).is_dir():
        parser.error(f"kill-real: {REAL_DATA} is missing: run `dvc repro` here first")
    if "disk" in kinds and not trials.enter_namespace():
        parser.error("disk needs Linux, and root or user namespaces: name the other kinds")
    top, references = Path(tempfile.mkdtemp(prefix="faults-")), {}
    if "kill-real" in kinds:
        references["kill-real"] = Reference(top / "real", REAL, ["train_sr@2"], [REAL_DATA])
    if tiny := set(kinds) - {"kill-real"}:
        changes = read_yaml(ROOT / "tests" / "params.tiny.yaml")
        references |= dict.fromkeys(tiny, Reference(top / "tiny", changes))
    planned = [
        KINDS[kind](references[kind], stage, Random(f"{options.seed} {kind} {stage} {n}"), n)  # noqa: S311
        for kind in kinds
        for stage in references[kind].outs
        for n in range(options.trials)
        if options.stage in stage
    ]
    results: dict[str, list[tuple[float, str | None]]] = {}
    try:
        for number, trial in enumerate(tqdm(planned, unit="trial")):
            folder = top / re.sub(r"\W+", "-", f"{trial.case} {number}")
            done = attempt(trial, Workspace(folder))
            results.setdefault(trial.case, []).append(done)
            if done[1] is not None:
                tqdm.write(f"failed: {trial.case}: {trial.action}: {done[1]} ({folder})")
    except KeyboardInterrupt:
        print("interrupted; the results so far:")
    rows = [
        (case, len(done), sum(fault is None for _, fault in done), f"{max(dict(done)):.0f} s")
        for case, done in results.items()
    ]
    print(tabulate(rows, ("case", "trials", "survived", "longest"), tablefmt="github"))
    if sum(row[2] for row in rows) < len(planned):
        return 1
    shutil.rmtree(top)
    return 0


if __name__ == "__main__":
    sys.exit(main())
