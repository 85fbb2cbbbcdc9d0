"""`convlab upscale`: upscale users' own pictures."""

from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from convlab.cli.inputs import (
    PATH,
    SUPERRES_MODEL,
    check_distinct,
    check_overwrite,
    for_each,
    force_option,
    load,
    picture_files,
    superres_option,
)
from convlab.core.errors import InputError
from convlab.core.outputs import atomic_write
from convlab.imaging.pictures import FORMATS, Picture, read_picture
from convlab.imaging.saving import DEEP_FORMATS, check_format, format_of, write_picture
from convlab.superres.layers import Upscaler
from convlab.superres.tiling import plan_tiles, upscale_tiled
from convlab.superres.upscaling import NETWORKS

GAP_WIDTH = 8
"""White pixels between the two halves of a comparison."""


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=PATH)
@click.option(
    "-o",
    "--output",
    required=True,
    type=PATH,
    help="The upscaled picture; for several pictures or a folder: the folder to write to.",
)
@superres_option
@force_option
@click.option("--compare", is_flag=True, help="Also write NAME.compare.png: bicubic | network.")
def upscale(
    inputs: tuple[Path, ...], output: Path, model: Path, *, force: bool, compare: bool
) -> None:
    """Upscale pictures: files, or all in a folder.

    Reads JPEG, PNG, WebP, TIFF and BMP: grey, RGB, palette, CMYK, 16 bits,
    with or without transparency; of several pages, the first. The network
    upscales the luminance; colour and transparency are interpolated. EXIF data
    and the ICC profile are kept, 16 bits become 8, CMYK becomes sRGB.
    """
    network = load(model, NETWORKS, SUPERRES_MODEL)
    files = picture_files(inputs)
    single = len(inputs) == 1 and not inputs[0].is_dir()
    targets = {file: _target(file, output, single=single) for file in files}
    results = {
        file: [target, target.with_name(f"{target.name}.compare.png")] if compare else [target]
        for file, target in targets.items()
    }
    paths = [path for paths in results.values() for path in paths]
    check_distinct(paths)
    _check_inputs_kept(files, paths)

    def upscale_file(file: Path) -> None:
        for path in results[file]:
            check_overwrite(path, force=force)
        picture = read_picture(file, deep=True)
        height, width = (network.scale * side for side in picture.colour.shape[:2])
        check_format(targets[file], height, width, transparent=picture.alpha is not None)
        with atomic_write(*results[file]) as (draft, *comparison_drafts):
            deep = format_of(targets[file]) in DEEP_FORMATS
            upscaled = upscale_picture(
                network, picture, file.name, picture.colour.dtype if deep else np.uint8
            )
            write_picture(draft, upscaled)
            for comparison in comparison_drafts:
                write_picture(comparison, side_by_side(picture, upscaled, network.scale))

    name = type(network).__module__.rpartition(".")[2]  # of its file
    for_each(files, upscale_file, f"upscaled x{network.scale} by {name}")


def upscale_picture(
    network: Upscaler, picture: Picture, name: str, dtype: type[np.unsignedinteger] = np.uint8
) -> Picture:
    """Upscale a picture by the network, tile by tile.

    Parameters
    ----------
    network : Upscaler
    picture : Picture
    name : str
        For the progress bar.
    dtype : {uint8, uint16}
        Of the result.

    Returns
    -------
    Picture
    """
    planned = plan_tiles(network, *picture.colour.shape[:2])
    tiles = upscale_tiled(network, picture.pixels, network.scale, planned, dtype=dtype)
    bar = {"desc": name, "total": len(planned), "unit": "tile", "leave": False, "disable": None}
    *_, pixels = tqdm(tiles, **bar)
    return picture.with_pixels(pixels)


def side_by_side(picture: Picture, upscaled: Picture, scale: int) -> Picture:
    """Put bicubic interpolation on the left and the network's result on the right.

    Parameters
    ----------
    picture : Picture
        The original.
    upscaled : Picture
        By the network.
    scale : int

    Returns
    -------
    Picture
        With 8 bits, on white where the original is transparent.
    """
    planned = plan_tiles(None, *picture.colour.shape[:2])
    *_, bicubic = upscale_tiled(None, picture.pixels, scale, planned)
    halves = [each.on_background(255) for each in (picture.with_pixels(bicubic), upscaled)]
    gap = np.full((len(bicubic), GAP_WIDTH, *halves[0].shape[2:]), 255, np.uint8)
    profile = {key: value for key, value in picture.metadata.items() if key == "icc_profile"}
    return Picture(np.hstack([halves[0], gap, halves[1]]), metadata=profile)


def _target(file: Path, output: Path, *, single: bool) -> Path:
    """Give the path to write the upscaled version of a file to."""
    if output.is_dir() or not output.suffix:
        return output / file.name
    is_picture = output.suffix.lower() in FORMATS
    if single and not is_picture:
        raise InputError(f"{output}: must end with one of {', '.join(FORMATS)}, or be a folder")
    if is_picture and not single:
        raise InputError(f"{output}: is named like a picture, but there are several: name a folder")
    return output if single else output / file.name


def _check_inputs_kept(files: list[Path], results: list[Path]) -> None:
    """Check that no result would overwrite a picture that is to be upscaled."""
    inputs = {file.resolve() for file in files}
    for result in results:
        if result.resolve() in inputs:
            raise InputError(f"{result}: is one of the pictures to upscale: choose another output")
