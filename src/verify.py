"""Compare metrics/*.json with those of the last commit, within the tolerances of params.yaml.

Prints a table, a row per metric; exit status 1 if one differs by more than
`regression.tolerances` allows, vanished, or is new. Needs no data and no model.
"""

import json
import sys
from pathlib import Path

from convlab.errors import InputError
from convlab.git import git
from convlab.params import read_block
from convlab.regression import Regression, compare
from convlab.script import script

REVISION = "HEAD"
METRICS = Path("metrics")


def committed() -> dict:
    """The metrics in git, by file."""
    listing = git("ls-tree", "--name-only", REVISION, f"{METRICS}/").split()
    return {
        Path(name).stem: json.loads(git("show", f"{REVISION}:{name}"))
        for name in listing
        if name.endswith(".json")
    }


def read(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: is no JSON: {error}") from error


def main() -> int:
    """Print the table; return how many metrics differ."""
    tolerances = read_block(Path("params.yaml"), "regression", Regression).tolerances
    found = {path.stem: read(path) for path in METRICS.glob("[!.]*.json")}
    differences = compare(committed(), found, tolerances)
    print(f"{'metric':42} {'committed':>12} {'here':>12} {'tolerance':>10}  verdict")
    for row in differences:
        numbers = ["-" if value is None else f"{value:.6g}" for value in row[1:]]
        print(f"{row.metric:42} {numbers[0]:>12} {numbers[1]:>12} {numbers[2]:>10}  {row.verdict}")
    return sum(row.verdict == "differs" for row in differences)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/verify.lock")):
        sys.exit(1 if main() else 0)
