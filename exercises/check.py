"""Check your solutions of the exercises: one by its number, or all of them.

Each gets a line: `exercise 3: solved`, or `exercise 3: not yet:` and what is wrong. Needs no
internet and no data but what installed packages ship. Exit status 1 if one is not solved.
"""

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from contextlib import redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from convlab.core.compute import Compute, prepare, set_seed
from convlab.core.errors import InputError, describe, line_in
from convlab.core.script import one_line_errors

# isort: split
from checks.hints import NotYet  # loads torch, which convlab must come before

HERE = Path(__file__).parent
NAMES = {int(path.stem[:2]): path.stem for path in sorted(HERE.glob("checks/[0-9]*.py"))}
"""Of the files of each exercise, by its number."""


def read_options() -> Namespace:
    """Read the command line.

    Returns
    -------
    Namespace
    """
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("number", type=int, nargs="?", choices=NAMES, help="without it: all")
    parser.add_argument(
        "--answers", type=Path, default=HERE, help="where your files are (default: exercises)"
    )
    return parser.parse_args()


def main(options: Namespace) -> bool:
    """Check one exercise or all, and print how they stand.

    Returns
    -------
    bool
        Whether all that were checked are solved.
    """
    if not options.answers.is_dir():
        raise InputError(f"--answers {options.answers}: is no folder: name the one with your files")
    numbers = [options.number] if options.number else list(NAMES)
    solved = [_report(number, options.answers, alone=len(numbers) == 1) for number in numbers]
    return all(solved)


def _report(number: int, answers: Path, *, alone: bool) -> bool:
    try:
        with redirect_stdout(sys.stderr):  # what an answer prints is no verdict
            measured = attempt(number, answers)
    except NotYet as hint:
        print(f"exercise {number}: not yet: {hint}", flush=True)
        return False
    print(f"exercise {number}: solved", flush=True)
    if alone and measured:
        print(measured)
    return True


def attempt(number: int, answers: Path) -> str | None:
    """Check one exercise.

    Parameters
    ----------
    number : int
        Of the exercise.
    answers : Path
        The folder with the student's files.

    Returns
    -------
    str or None
        What a training measured, if the exercise has one.

    Raises
    ------
    NotYet
        If it is not solved; says what is wrong.
    """
    path = answers / f"{NAMES[number]}.py"
    if not path.is_file():
        raise NotYet(f"{path} is missing: `git checkout {path}` brings the unfinished file back")
    set_seed(0)
    module = f"answers.{path.stem}"
    try:
        return load(HERE / "checks" / path.name, "checks").check(load(path, "answers"))
    except NotYet:
        raise
    except NotImplementedError as error:
        place = f"{path.name}, line {line_in(error, module)}"
        raise NotYet(f"{place}: this is still to be written: {path.stem}.md says what") from error
    except (Exception, SystemExit) as error:
        raise NotYet(" ".join(describe(error, module).split())) from error


def load(path: Path, package: str) -> ModuleType:
    """Import a Python file by its path, into a package: its name begins with a digit.

    Returns
    -------
    module
    """
    spec = spec_from_file_location(f"{package}.{path.stem}", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.dont_write_bytecode = True  # it could outlive an edit made within the same second
    with one_line_errors("exercises"):
        options = read_options()
        prepare(
            Compute(launch="python", memory_gb=4, threads=1)
        )  # the networks are too small for more
        sys.exit(not main(options))
