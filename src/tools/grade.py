"""Grade branches: their networks and exercises, against the limits in grading.yaml.

Each branch gets a clean clone of the last commit here, in .work/grade/, and into it only what
students hand in: networks, the blocks `networks` and `train_sr` of params.yaml, and exercises.
There its network is checked, trained and measured. Prints one table, the best network first.
Exit status 0 also if a branch failed: its row says why.

The students' code runs with your rights: docs/teaching.md says how to contain it.
"""

import json
import re
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from contextlib import chdir
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import Field
from ruamel.yaml import YAML

from convlab.core.errors import InputError
from convlab.core.outputs import remove
from convlab.core.params import Params, check_file, read_block, read_yaml
from convlab.core.script import script
from tools.check_params import MODELS
from tools.commands import environment, git, resolve
from tools.metrics import Regression, compare, read_metrics
from tools.tables import Form, Rows, add_form, render
from tools.verify import check_out

CLONES, PARAMS, LIMITS = Path(".work/grade"), Path("params.yaml"), Path("grading.yaml")
NETWORKS = "src/convlab/*/networks/[!_]*.py"
UPSCALER = "src/convlab/superres/networks/{}.py"
BLOCKS = ("networks", "train_sr")
"""What students hand in of params.yaml."""
RESULTS = ("dvc.lock", "metrics/*.json")
"""What a run changes."""
FIGURES = (
    "branch",
    "network",
    "own file",
    "parameters",
    "PFLOP",
    "PSNR",
    "gain",
    "SSIM",
    "exercises",
)
REMARKS = ("verdict", "also changed")
"""The columns of the table: what was found in a branch, and what follows from it."""
PATIENCE = 600
"""Seconds after which a check is stopped: a student's loop may have no end."""


class Limits(Params):
    """What is asked of a branch (block `limits` of grading.yaml)."""

    gain_psnr: float
    """In dB over bicubic interpolation, at least."""
    parameters: Annotated[int, Field(ge=1)]
    """Of the network, at most."""
    pflop: Annotated[float, Field(gt=0)]
    """Of its training, at most."""
    exercises: Annotated[int, Field(ge=0)]
    """Solved, at least."""

    def violations(self, row: dict[str, Any]) -> list[str]:
        """Say which figures of a row break a limit; a figure that is None breaks none."""
        limits = {
            "parameters": ("at most", self.parameters),
            "PFLOP": ("at most", self.pflop),
            "gain": ("at least", self.gain_psnr),
            "exercises": ("at least", self.exercises),
        }
        return [
            f"{figure} {value:,}, {word} {limit:,} wanted"
            for figure, (word, limit) in limits.items()
            if (value := row[figure]) is not None
            and (value > limit if word == "at most" else value < limit)
        ]


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("branches", nargs="+", metavar="BRANCH", help="any git revision")
    add_form(parser)


def is_one_of(name: str, *patterns: str) -> bool:
    return any(PurePosixPath(name).match(pattern) for pattern in patterns)


def read_limits() -> Limits:
    """Read the limits, which must be those of the last commit: all else is of it, too.

    Raises
    ------
    InputError
        If they are not, or are not valid.
    """
    if git("status", "--porcelain", "--", LIMITS.name):
        raise InputError(f"{LIMITS} has changes that are not in a commit: commit or undo them")
    return read_block(LIMITS, "limits", Limits)


def changed_files(commit: str) -> list[str]:
    """List what a branch changed since it left the last commit here."""
    try:
        base = git("merge-base", "HEAD", commit).strip()
    except InputError:  # no common history: made from a template repository
        base = "HEAD"
    return git("diff", "--name-only", "--no-renames", base, commit).splitlines()


def lay_over(clone: Path, commit: str) -> tuple[set[str], list[str]]:
    """Bring what a branch hands in into a clone.

    Returns
    -------
    taken : set of str
        The files that the branch changed and that count.
    ignored : list of str
        What else it changed.

    Raises
    ------
    InputError
        If the branch hands in nothing, or its parameters are not valid.
    """
    stubs = {f"exercises/{path.name}" for path in clone.glob("exercises/*.py")}
    handed_in = (NETWORKS, PARAMS.name, *(stubs - {"exercises/check.py"}))
    changed = changed_files(commit)
    if not any(is_one_of(name, *handed_in) for name in changed):
        raise InputError("nothing handed in: no network, parameter or exercise is changed")
    there = git("ls-tree", "-r", "--name-only", commit).splitlines()
    taken = [name for name in there if is_one_of(name, *handed_in)]
    own = read_yaml(clone / PARAMS)
    # A symbolic link comes as a file that holds its text: it leads nowhere.
    link = ("-c", "core.symlinks=false")
    git("-C", str(clone), *link, "checkout", "--quiet", commit, "--", *taken)
    with chdir(clone):
        theirs = read_yaml(PARAMS)
        merged = own | {block: theirs.get(block) for block in BLOCKS}
        with PARAMS.open("w", encoding="utf-8") as file:
            YAML().dump(merged, file)
        check_file(PARAMS, MODELS)
    ignored = [name for name in changed if not is_one_of(name, *handed_in, *RESULTS)]
    ignored += [f"{PARAMS}: {key}" for key in theirs if theirs[key] != merged.get(key)]
    return set(taken) & set(changed), ignored


def log_of(clone: Path) -> Path:
    """Name the file beside a clone with all that was printed there."""
    return clone.with_name(f"{clone.name}.log")


def run(clone: Path, *command: str, patience: float | None = None) -> subprocess.CompletedProcess:
    """Run Python in a clone, with the modules of the clone; what it prints is also in the log.

    Raises
    ------
    InputError
        If it was stopped after `patience` seconds.
    """
    stopped = None
    try:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=clone,
            env=environment() | {"PYTHONPATH": str((clone / "src").absolute())},
            capture_output=True,
            check=False,
            timeout=patience,
        )
    except subprocess.TimeoutExpired as error:
        done = stopped = error
    printed, complained = (
        "\n".join((text or b"").decode(errors="replace").splitlines())
        for text in (done.stdout, done.stderr)
    )
    with log_of(clone).open("a", encoding="utf-8") as log:
        print(f"$ python {' '.join(command)}", printed, complained, sep="\n", file=log)
    if stopped:
        raise InputError(f"{command[0]}: stopped after {patience} seconds: a loop?") from stopped
    return subprocess.CompletedProcess(command, done.returncode, printed, complained)


def complaint(said: str) -> str:
    """Find the line that says what went wrong: a script's own, or the last of a traceback."""
    lines = re.findall(r"^(?!ERROR|WARNING)[\w.]+: .+", said, re.MULTILINE)
    line = lines[-1] if lines else said.strip().rpartition("\n")[2]
    return line.partition(" (former outputs: ")[0].removeprefix("check_network: ")


def find_cache() -> str:
    """Give the folder of DVC's cache here: what was run before is not run again in a clone.

    Raises
    ------
    InputError
        With what DVC says, if it finds none.
    """
    command = [sys.executable, "-m", "dvc", "cache", "dir"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"dvc cache dir: {done.stderr}")
    return done.stdout.strip()


def find_solved(clone: Path) -> list[int]:
    """Give the numbers of the exercises that are solved."""
    said = run(clone, "exercises/check.py", patience=PATIENCE).stdout
    return sorted(
        {int(each) for each in re.findall(r"^exercise (\d+): solved", said, re.MULTILINE)}
    )


def check_network(clone: Path, network: str) -> dict[str, Any]:
    """Check a network before it is trained, and give its figures.

    Raises
    ------
    InputError
        With what is wrong with it.
    """
    command = ("src/tools/check_network.py", "--track", "superres", "--json", "--", network)
    done = run(clone, *command, patience=PATIENCE)
    try:
        if done.returncode:
            raise InputError(complaint(done.stderr))
        figures = json.loads(done.stdout)["superres"]
        return {"parameters": figures["parameters"], "PFLOP": figures["pflop"]}
    except (ValueError, KeyError) as error:
        raise InputError(f"{network}: its check ended without figures") from error


def measure(clone: Path, scale: int) -> tuple[str, dict[str, Any]]:
    """Train a network and measure it on the test images.

    Returns
    -------
    name : str
        Of the metrics.
    metrics : dict

    Raises
    ------
    InputError
        With what went wrong.
    """
    done = run(clone, "-m", "dvc", "repro", f"evaluate_sr@{scale}")
    if done.returncode:
        raise InputError(complaint(done.stderr))
    name = f"evaluate_sr_x{scale}"
    with chdir(clone):
        return name, read_metrics()[name]


def describe_differences(
    committed: dict[str, Any], measured: dict[str, Any], rules: Regression
) -> list[str]:
    """Say how the metrics in a branch differ from those that were measured here, if they do."""
    changes = compare(committed, measured, rules)
    differing = [change for change in changes if change.repetition == "differs"]
    differing.sort(key=lambda change: not change.metric.endswith(".network.psnr"))  # it comes first
    others = f", and {len(differing) - 1} more" if len(differing) > 1 else ""
    return [
        f"its metrics differ from those measured here: {each.metric} {each.before} in the branch,"
        f" {each.after} here{others}"
        for each in differing[:1]
    ]


def grade(branch: str, head: str, cache: str, limits: Limits) -> dict[str, Any]:
    """Give the row of a branch: its figures, the verdict, and what was not taken from it."""
    row = dict.fromkeys(FIGURES) | {"branch": branch, "solved": None}
    clone = CLONES / branch.replace("/", "-")
    log = log_of(clone)
    log.write_text("", encoding="utf-8")  # else that of an earlier grading would go on
    faults, ignored = [], []
    try:
        commit = resolve(branch)
        check_out(head, clone)
        config = f'[cache]\n    dir = "{cache}"\n'
        (clone / ".dvc/config.local").write_text(config, encoding="utf-8")
        taken, ignored = lay_over(clone, commit)
        params = read_yaml(clone / PARAMS)
        row["network"] = params["train_sr"]["network"]
        file = UPSCALER.format(row["network"])
        row["own file"] = "yes" if file in taken else "no"
        row["solved"] = find_solved(clone)
        row["exercises"] = len(row["solved"])
        if not (clone / file).exists():
            raise InputError(f"the branch has no {file}: was it committed (`git add`)?")
        row |= check_network(clone, row["network"])
        if not limits.violations(row | {"exercises": None}):  # else it costs too much
            name, measured = measure(clone, params["scales"][0])
            network = measured["network"]
            row |= {"PSNR": network["psnr"], "SSIM": network["ssim"]}
            row |= {"gain": measured["gain"]["psnr"]}
            rules = read_block(clone / PARAMS, "regression", Regression)
            committed = read_metrics(commit).get(name)
            if committed is None:
                raise InputError(f"its metrics/{name}.json is missing")
            faults += describe_differences({name: committed}, {name: measured}, rules)
    except InputError as error:
        faults.append(str(error))
    remove(clone / "data")  # large, and in DVC's cache
    faults += limits.violations(row)
    verdict = f"failed: {'; '.join(faults)}" if faults else "passed"
    with log.open("a", encoding="utf-8") as file:
        print(f"{branch}: {verdict}", file=file)
    return row | {"verdict": verdict, "also changed": ", ".join(ignored) or None}


def rank(row: dict[str, Any]) -> tuple[bool, float]:
    """Sort what passed before what failed, and a high PSNR before a low one."""
    return row["verdict"] != "passed", -(row["PSNR"] or 0)


def arrange(rows: Rows, form: Form) -> dict[str, Rows]:
    """Choose the columns of a form: in a terminal there is no room for all in one table."""
    columns = {
        "text": {"grades": FIGURES, "verdicts": ("branch", *REMARKS)},
        "markdown": {"grades": (*FIGURES, *REMARKS)},
        "json": {"grades": (*FIGURES, "solved", *REMARKS)},
    }
    return {
        title: [{name: row[name] for name in names} for row in rows]
        for title, names in columns[form].items()
    }


def main(options: Namespace) -> None:
    """Print the table."""
    limits = read_limits()
    head = resolve("HEAD")
    cache = find_cache()
    CLONES.mkdir(parents=True, exist_ok=True)
    rows = []
    for branch in options.branches:
        print(f"grade: {branch}", file=sys.stderr)
        rows.append(grade(branch, head, cache, limits))
    rows.sort(key=rank)
    passed = sum(row["verdict"] == "passed" for row in rows)
    conclusion = (
        f"{passed} of {len(rows)} passed: at least {limits.gain_psnr} dB over bicubic and"
        f" {limits.exercises} exercises, at most {limits.parameters:,} parameters and"
        f" {limits.pflop} PFLOP; graded by {head[:7]}"
    )
    print(render(arrange(rows, options.form), conclusion, options.form, width=45))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/grade.lock"), add_options=add_options) as options:
        main(options)
