"""The command line: what whoever has trained the networks does with their own pictures."""

import click

from convlab.commands.digits import digits
from convlab.commands.evaluate import evaluate
from convlab.commands.export import export
from convlab.commands.upscale import upscale
from convlab.script import explained


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="convlab")
def convlab() -> None:
    """Try the trained networks on your own pictures, and carry them elsewhere.

    The networks are those that `dvc repro` left in stages/: call this in the
    project's folder, or name them with --model.
    """


for command in (upscale, evaluate, digits, export):
    convlab.add_command(command)


def main() -> None:
    """Run the command line; what a user can mend ends in one line."""
    with explained("convlab"):
        convlab()
