"""The command line `convlab`: the trained networks applied to users' own pictures."""

import sys

import click

from convlab.cli.digits import digits
from convlab.cli.evaluate import evaluate
from convlab.cli.export import export
from convlab.cli.upscale import upscale
from convlab.core.script import one_line_errors


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="convlab")
def convlab() -> None:
    """Use the trained networks on your own pictures, and export them.

    By default, the networks are those that `dvc repro` left in stages/: run
    this in the project's folder, or name other files, such as with --model.
    """


for command in (upscale, evaluate, digits, export):
    convlab.add_command(command)


def main() -> None:
    """Run the command line; an error that the user can correct is reported in one line."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # file names may hold any character
    with one_line_errors("convlab"):
        convlab()
