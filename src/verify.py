"""Say whether this run gave the committed results again, and whether dvc.lock is honest.

Compares the workspace with a git revision: outputs by their content, metrics
within the tolerances of `regression` in params.yaml. Then holds each dvc.lock,
the revision's and the workspace's, against the files beside it, and the run
against the revision's code and parameters.

Exit status 1 if a metric differs, vanished or is new, or if a lock file does
not say what is so. Outputs may differ in bytes, as on another processor, and
may be absent: they are shown, and fail only under --strict.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from contextlib import chdir
from pathlib import Path

from convlab.files import remove
from convlab.params import read_block
from convlab.script import script
from repository.commands import dvc, git
from repository.metrics import Regression, compare, read_metrics
from repository.pipeline import Pipeline
from repository.report import Rows, add_form, count, render

RERUN = Path(".work/rerun")


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--revision", default="HEAD", help="the git revision to compare with (default: HEAD)"
    )
    parser.add_argument("--strict", action="store_true", help="ask for identical bytes everywhere")
    parser.add_argument(
        "--force", action="store_true", help=f"first run everything anew in a clone, {RERUN}/"
    )
    add_form(parser)


def rerun(revision: str) -> None:
    """Run the revision's pipeline in a clean clone, which stays there to be looked at."""
    remove(RERUN)
    git("clone", "--quiet", "--shared", "--no-checkout", ".", str(RERUN))
    git("-C", str(RERUN), "checkout", "--quiet", "--detach", revision)
    dvc("repro", "--force", "--no-run-cache", folder=RERUN)


def compare_outputs(committed: Pipeline, here: Pipeline) -> Rows:
    """One row for each output, by its content; what is not here cannot be checked."""
    rows = []
    for path, item in sorted((committed.outs | here.outs).items()):
        before, after = committed.recorded.get(item), here.present.get(item)
        if after is not None:
            verdict = "identical" if before == after else "differs"
        elif before == here.recorded.get(item):
            verdict = "unchecked"
        else:
            verdict = "unchecked, recorded otherwise"
        rows.append({"output": path, "committed": before, "here": after, "verdict": verdict})
    return rows


def compare_metrics(revision: str) -> Rows:
    rules = read_block(Path("params.yaml"), "regression", Regression)
    return [
        change.row("committed") | {"verdict": change.repetition}
        for change in compare(read_metrics(revision), read_metrics(), rules)
    ]


REMEDY = (
    "; remove what is damaged, undo what was not meant with `git checkout FILE`, run `dvc repro`,"
    " commit the rest"
)


def examine_locks(committed: Pipeline, here: Pipeline) -> Rows:
    """One row for each thing of which a lock file does not say what is so."""
    found = [("committed", finding) for finding in committed.contradictions()]
    found += [("here", finding) for finding in here.contradictions()]
    named = {(finding.stage, finding.item) for lock, finding in found if lock == "here"}
    found += [
        ("here", finding)
        for finding in here.departures(committed)
        if (finding.stage, finding.item) not in named
    ]
    stages = defaultdict(list)  # many stages share a module of the library
    for lock, (stage, item, problem) in found:
        stages[lock, item, problem].append(stage)
    return [
        {"dvc.lock": lock, "item": item, "problem": problem, "stages": ", ".join(names)}
        for (lock, item, problem), names in stages.items()
    ]


def main(options: Namespace) -> bool:
    """Print the tables; say whether the workspace passes."""
    committed = Pipeline(options.revision)
    revision = committed.commit
    if options.force:
        rerun(revision)
    with chdir(RERUN if options.force else Path()):
        here = Pipeline()
        tables = {
            "outputs": compare_outputs(committed, here),
            "metrics": compare_metrics(revision),
            "findings": examine_locks(committed, here),
        }
    rows = tables["outputs"] + tables["metrics"] if options.strict else tables["metrics"]
    allowed = {"identical"} if options.strict else {"identical", "within tolerance"}
    passed = not tables["findings"] and all(row["verdict"] in allowed for row in rows)
    anew = f", run anew in {RERUN}/" if options.force else ""
    checked = [row for row in tables["outputs"] if not row["verdict"].startswith("unchecked")]
    nothing = " (only what git holds is here: run `dvc repro` or `dvc pull` first)"
    conclusion = (
        f"{'Passed' if passed else 'Failed'} against {options.revision} ({revision[:7]}){anew}: "
        f"outputs: {count(tables['outputs'])}; metrics: {count(tables['metrics'])}; "
        f"findings: {len(tables['findings'])}"
        + (nothing if all(row["output"].startswith("metrics/") for row in checked) else "")
        + ("" if passed else REMEDY)
    )
    print(render(tables, conclusion, options.form, revision=revision, passed=passed))
    return passed


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/verify.lock"), add_options=add_options) as options:
        sys.exit(not main(options))
