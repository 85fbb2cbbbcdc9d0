"""Break the pipeline on purpose, again and again, and count what survives.

Works in temporary copies of the working tree, tiny as in the tests, and never
in the checkout. Prints a table in Markdown and a line for each trial that was
lost, whose folder stays; exit status 1 if there is one. What has been so far
stands in .work/faults/, a line for each trial. `network` and a part of `disk`
want the published files: CONVLAB_MIRROR names a folder that holds them.

kill      any stage at any moment, then run it again
kill-real the same, train_sr on real data, which must be here (not by default)
disk      full while a stage writes; Linux, as root or with user namespaces
network   servers that stall, break off, lie or go in circles
damage    a bit of an intermediate result flips, seen by DVC or unseen
hostile   archives, photographs and parameters of all the wrong kinds
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tabulate import tabulate
from tqdm import tqdm

sys.path.extend(str(Path(__file__).parents[2] / folder) for folder in ("src", "benchmarks"))

from convlab.errors import InputError
from faults import damage, disk, hostile, kill, network
from faults.trial import ROOT, Bench, Lost, Trial

KINDS = {
    "kill": kill.trials,
    "kill-real": kill.real_trials,
    "disk": disk.trials,
    "network": network.trials,
    "damage": damage.trials,
    "hostile": hostile.trials,
}
DEFAULT = [kind for kind in KINDS if kind != "kill-real"]


def attempt(bench: Bench, trial: Trial) -> dict:
    """Do one trial; give its row of the results."""
    copy, began = bench.copy(trial.case), time.monotonic()
    try:
        trial.body(copy)
        seen = None
    except Lost as lost:
        seen = str(lost)
    except Exception as error:  # of the trial itself: the others shall go on, and this one count
        seen = f"the trial broke: {error!r}"
    if seen is None:
        shutil.rmtree(copy.top)
    row = {"case": trial.case, "done": trial.done, "seconds": round(time.monotonic() - began, 1)}
    return row | {"seen": seen, "folder": None if seen is None else str(copy.top)}


def summarise(rows: list[dict]) -> str:
    """Make the table."""
    table = []
    for case in dict.fromkeys(row["case"] for row in rows):
        those = [row for row in rows if row["case"] == case]
        survived = sum(row["seen"] is None for row in those)
        longest = max(row["seconds"] for row in those)
        table.append([case, len(those), survived, f"{longest:.0f} s"])
    return tabulate(table, ("case", "trials", "survived", "longest"), tablefmt="github")


def main() -> int:
    """Run the trials of the kinds that are asked for; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)}")
    parser.add_argument("--trials", type=int, default=20, help="of each stage for kill (20)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments and places (0)")
    parser.add_argument("--only", default="", help="only cases whose name contains this text")
    options = parser.parse_args()
    kinds = options.kinds or DEFAULT
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        parser.error(f"{unknown[0]}: no such kind (there are {', '.join(KINDS)})")
    if "disk" in kinds:
        disk.enter_namespace()
    top = Path(tempfile.mkdtemp(prefix="faults-"))
    bench = Bench(top, options.seed, options.trials)
    try:
        bench.reference  # noqa: B018 (makes it)
    except Lost as lost:
        sys.exit(f"faults: the pipeline fails undisturbed: {lost} ({top})")
    trials = []
    for kind in kinds:
        try:
            trials += KINDS[kind](bench)
        except InputError as error:
            print(f"{kind} is left out: {error}", file=sys.stderr)
    chosen = [trial for trial in trials if options.only in trial.case]
    results = ROOT / ".work" / "faults" / f"{time.strftime('%Y%m%d-%H%M%S')}.jsonl"
    results.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    try:
        for trial in tqdm(chosen, unit="trial"):
            rows.append(attempt(bench, trial))
            with results.open("a") as file:
                print(json.dumps(rows[-1]), file=file)
            if rows[-1]["seen"] is not None:
                tqdm.write("lost: {case}: {done}: {seen} ({folder})".format(**rows[-1]))
    except KeyboardInterrupt:
        print("interrupted; what has been so far:")
    print(summarise(rows))
    if len(rows) < len(chosen) or any(row["seen"] is not None for row in rows):
        return 1
    shutil.rmtree(top)
    return 0


if __name__ == "__main__":
    sys.exit(main())
