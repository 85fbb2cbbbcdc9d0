"""What can go wrong that a user can mend."""

from pathlib import Path


class InputError(Exception):
    """Bad input: one line saying what is wrong, where, and what would be right.

    The scripts print the message on standard error and exit with status 1
    (see `convlab.script.script`); the library raises it for everything that a
    user can get wrong: a parameter, a file, an archive, a mirror.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class DamageError(InputError):
    """A file that a stage left is not what it should be: the stage can make it again."""

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(f"{path}: {fault}: remove it and run `dvc repro`")
