"""Asking git about the checkout."""

import subprocess

from convlab.errors import InputError


def git(*arguments: str) -> str:
    """Run git and give what it prints on standard output.

    Raises
    ------
    InputError
        If git fails, with what it says.
    """
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"git {arguments[0]}: {done.stderr}")
    return done.stdout
