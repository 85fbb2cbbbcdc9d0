"""Check whether the results here equal the committed ones, and whether dvc.lock is correct.

Compares the workspace with a git revision: outputs by their content, metrics within the tolerances
of `regression` in params.yaml. Compares each dvc.lock with the files beside it, and the one here
with the revision's code. Exit status 1 if a metric differs, vanished or is new, or if an entry of a
dvc.lock is wrong. Outputs may be absent, or differ in bytes as on another processor; this fails
only with --strict.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from contextlib import chdir
from pathlib import Path

from convlab.core.outputs import remove
from convlab.core.params import read_block
from convlab.core.script import script
from tools.commands import dvc, git, resolve
from tools.lockfile import NOTHING, Pipeline, differences, read_pipeline
from tools.metrics import Regression, compare, read_metrics
from tools.tables import Rows, add_form, count, render

COMMITTED, RERUN = Path(".work/committed"), Path(".work/rerun")
REMEDY = "; undo unwanted edits with `git checkout FILE`, run `dvc repro`, commit what changed"


def add_options(parser: ArgumentParser) -> None:
    add_form(parser)
    parser.add_argument("--revision", default="HEAD", help="a git revision (default: HEAD)")
    parser.add_argument("--strict", action="store_true", help="all outputs must be identical")
    parser.add_argument("--force", action="store_true", help=f"first run all stages in {RERUN}/")


def check_out(commit: str, folder: Path) -> None:
    remove(folder)
    git("clone", "--quiet", "--shared", "--no-checkout", ".", str(folder))
    git("-C", str(folder), "checkout", "--quiet", "--detach", commit)


def compare_outputs(committed: Pipeline, here: Pipeline) -> Rows:
    """Give a row for each output; the content of absent outputs cannot be checked."""
    rows = []
    for item in sorted(each for each in committed.present | here.present if each.kind == "out"):
        before, after = committed.recorded.get(item, NOTHING), here.present.get(item, NOTHING)
        verdict = "identical" if before == after else "differs"
        if item in here.assumed:
            verdict = "unchecked" if before == after else "unchecked, recorded otherwise"
        hashes = {"committed": before[:8], "here": after[:8]}
        rows.append({"output": item.name} | hashes | {"verdict": verdict})
    return rows


def examine_locks(committed: Pipeline, here: Pipeline) -> Rows:
    """Give a row for each entry of a dvc.lock that is wrong."""
    found = [("committed", "there is", each) for each in differences(*committed[:2])]
    found += [("here", "there is", each) for each in differences(*here[:2])]
    known = {item for *_, (item, _, _) in found} | committed.assumed
    deviations = differences(here.recorded, committed.present)
    deviations = [each for each in deviations if each[0] not in known and each[0].kind != "out"]
    found += [("here", "the commit has", each) for each in deviations]
    # Many stages share a module of the library, and both locks may have the same fault.
    places = defaultdict(lambda: ({}, {}))
    for lock, where, (item, recorded, present) in found:
        locks, stages = places[item.name, f"dvc.lock has {recorded}, but {where} {present}"]
        locks[lock] = stages[item.stage] = None
    return [
        {
            "dvc.lock": " and ".join(locks),
            "item": item,
            "problem": problem,
            "stages": ", ".join(stages),
        }
        for (item, problem), (locks, stages) in places.items()
    ]


def main(options: Namespace) -> bool:
    """Print the tables; return whether the workspace passes."""
    commit = resolve(options.revision)
    check_out(commit, COMMITTED)
    with chdir(COMMITTED):
        committed = read_pipeline()
    if options.force:
        check_out(commit, RERUN)
        dvc("repro", "--force", "--no-run-cache", folder=RERUN)
    with chdir(RERUN if options.force else Path()):
        here = read_pipeline()
        rules = read_block(Path("params.yaml"), "regression", Regression)
        changes = compare(read_metrics(commit), read_metrics(), rules)
    metrics = [change.row("committed") | {"verdict": change.repetition} for change in changes]
    outputs, findings = compare_outputs(committed, here), examine_locks(committed, here)
    allowed = {"identical"} if options.strict else {"identical", "within tolerance"}
    held = metrics + outputs if options.strict else metrics
    passed = not findings and {row["verdict"] for row in held} <= allowed
    conclusion = (
        f"{'Passed' if passed else 'Failed'} against {options.revision} ({commit[:7]})"
        + (f", run again in {RERUN}/" if options.force else "")
        + f": outputs: {count(outputs)}; metrics: {count(metrics)}; findings: {len(findings)}"
        + ("; `dvc pull` or `dvc repro` brings what is unchecked" if here.assumed else "")
        + ("" if passed else REMEDY)
    )
    tables = {"outputs": outputs, "metrics": metrics, "findings": findings}
    print(render(tables, conclusion, options.form, revision=commit, passed=passed))
    return passed


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/verify.lock"), add_options=add_options) as options:
        sys.exit(not main(options))
