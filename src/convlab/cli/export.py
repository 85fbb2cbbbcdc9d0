"""`convlab export`: write both networks as ONNX, for other programs."""

import logging
from pathlib import Path

import click

from convlab.cli.inputs import (
    DIGIT_MODEL,
    SUPERRES_MODEL,
    check_overwrite,
    load,
)
from convlab.cli.onnx import MAX_DIFFERENCE, export_digits, export_superres
from convlab.core.outputs import atomic_write
from convlab.digits.prediction import NETWORKS as DIGIT_NETWORKS
from convlab.superres.upscaling import NETWORKS as SUPERRES_NETWORKS


def export_networks(
    output: Path, superres: Path | None, digits: Path | None, *, force: bool
) -> None:
    """Write both networks as ONNX, and print how much their outputs differ from torch.

    Parameters
    ----------
    output : Path
        Folder to write to.
    superres, digits : Path or None
        See `load`.
    force : bool
        Whether to overwrite existing files.
    """
    targets = output / "superres.onnx", output / "digits.onnx"
    for target in targets:
        check_overwrite(target, force=force)
    # Hide warnings about torchvision's operators, which no network here uses.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    upscaler = load(superres, SUPERRES_NETWORKS, SUPERRES_MODEL)
    classifier = load(digits, DIGIT_NETWORKS, DIGIT_MODEL)
    with atomic_write(*targets) as drafts:
        differences = export_superres(upscaler, drafts[0]), export_digits(classifier, drafts[1])
    for target, difference in zip(targets, differences, strict=True):
        click.echo(f"{target}: differs from torch by at most {difference:.1e}")
    click.echo(f"(One grey level is {MAX_DIFFERENCE:.1e}.)")
