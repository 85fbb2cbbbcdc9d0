"""Check your solution of one exercise, by its number, or of all exercises.

Prints a line for each: `exercise 3: solved`, or `exercise 3: not yet:` and what is wrong. Needs no
internet, and only data of installed packages. Exit status 1 if an exercise is not solved.
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
from checks.hints import NotYet  # imports torch; convlab must be imported before

HERE = Path(__file__).parent
NAMES = {int(path.stem[:2]): path.stem for path in sorted(HERE.glob("checks/[0-9]*.py"))}
"""Name of the files of each exercise, by its number."""


def read_options() -> Namespace:
    """Read the command line.

    Returns
    -------
    Namespace
    """
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("number", type=int, nargs="?", choices=NAMES, help="(default: all)")
    parser.add_argument(
        "--answers", type=Path, default=HERE, help="folder of your files (default: exercises)"
    )
    return parser.parse_args()


def main(options: Namespace) -> bool:
    """Check one exercise or all, and print the results.

    Returns
    -------
    bool
        Whether all checked exercises are solved.
    """
    if not options.answers.is_dir():
        raise InputError(f"--answers {options.answers}: is not a folder: name that of your files")
    numbers = [options.number] if options.number else list(NAMES)
    solved = [_report(number, options.answers, alone=len(numbers) == 1) for number in numbers]
    return all(solved)


def _report(number: int, answers: Path, *, alone: bool) -> bool:
    try:
        with redirect_stdout(sys.stderr):  # so that nothing an answer prints looks like a verdict
            measured = attempt(number, answers)
    except NotYet as hint:
        solved, measured = False, hint.measured
        print(f"exercise {number}: not yet: {hint}", flush=True)
    else:
        solved = True
        print(f"exercise {number}: solved", flush=True)
    if alone and measured:
        print(measured)
    return solved


def attempt(number: int, answers: Path) -> str | None:
    """Check one exercise.

    Parameters
    ----------
    number : int
        Number of the exercise.
    answers : Path
        The folder with the student's files.

    Returns
    -------
    str or None
        The result of a measurement, if the exercise has one.

    Raises
    ------
    NotYet
        If the exercise is not solved; says what is wrong.
    """
    path = answers / f"{NAMES[number]}.py"
    if not path.is_file():
        raise NotYet(f"{path} is missing: `git checkout {path}` restores the unfinished file")
    set_seed(0)
    module = f"answers.{path.stem}"
    try:
        return load(HERE / "checks" / path.name, "checks").check(load(path, "answers"))
    except NotYet:
        raise
    except NotImplementedError as error:
        place = f"{path.name}, line {line_in(error, module)}"
        raise NotYet(f"{place}: write this part, see {path.stem}.md") from error
    except (Exception, SystemExit) as error:
        raise NotYet(" ".join(describe(error, module).split())) from error


def load(path: Path, package: str) -> ModuleType:
    """Import a Python file by its path, because its name begins with a digit.

    Returns
    -------
    module
    """
    spec = spec_from_file_location(f"{package}.{path.stem}", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.dont_write_bytecode = True  # else an edit within the same second would have no effect
    with one_line_errors("exercises"):
        options = read_options()
        prepare(
            Compute(launch="python", memory_gb=4, threads=1)
        )  # the networks are too small for more
        sys.exit(not main(options))
