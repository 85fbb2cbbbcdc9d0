"""What can go wrong that a user can mend."""


class InputError(Exception):
    """Bad input: one line saying what is wrong, where, and what would be right.

    The scripts print the message on standard error and exit with status 1
    (see `convlab.script.script`); the library raises it for everything that a
    user can get wrong: a parameter, a file, an archive, a mirror.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
