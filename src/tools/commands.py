"""Run git and DVC."""

import os
import subprocess
import sys
from pathlib import Path

from convlab.core.errors import InputError


def git(*arguments: str) -> str:
    """Run git and give its standard output.

    Raises
    ------
    InputError
        If git fails; holds git's message.
    """
    done = subprocess.run(
        ["git", *arguments],
        capture_output=True,
        text=True,
        errors="replace",  # files of a branch need not be text
        check=False,
        env=os.environ | {"LC_ALL": "C"},  # messages in English, because they are searched
    )
    if done.returncode:
        fault = f"git {arguments[0]}: {done.stderr}"
        if "not a git repository" in fault:
            fault += ": work in a clone of the project's repository"
        raise InputError(fault)
    return done.stdout


def resolve(revision: str) -> str:
    """Give the hash of the commit that a revision names.

    Raises
    ------
    InputError
        If it names no commit.
    """
    try:
        return git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").strip()
    except InputError as error:
        if "Needed a single revision" not in str(error):
            raise
        hint = "`git branch --all` lists the branches"
        if git("rev-parse", "--is-shallow-repository").strip() == "true":
            hint = (
                f"this clone is shallow: `git fetch origin {revision}:{revision}` gets a branch,"
                " `git fetch --unshallow` all earlier commits"
            )
        raise InputError(f"'{revision}' names no commit here: {hint}") from error


def environment() -> dict[str, str]:
    """Give the environment in which DVC runs in another folder.

    `python` in the stages is the interpreter that runs this script. If
    CONVLAB_MIRROR is a relative folder, it is made absolute.
    """
    variables = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    }
    mirror = os.environ.get("CONVLAB_MIRROR")
    if mirror and Path(mirror).is_dir():
        variables["CONVLAB_MIRROR"] = str(Path(mirror).absolute())
    return variables


def dvc(*arguments: str, folder: Path) -> None:
    """Run DVC in a folder; its output goes to standard error.

    Raises
    ------
    InputError
        If DVC fails; DVC has printed the reason.
    """
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        env=environment(),
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode:
        fault = f"`dvc {' '.join(arguments)}` failed: the lines above say why"
        if folder != Path():
            fault += f". {folder}/ is a copy: correct the files here, not there, and run this again"
        raise InputError(fault)
