"""`convlab upscale`: enlarge anybody's pictures."""

from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from convlab.commands.inputs import (
    PATH,
    for_each,
    force_option,
    load,
    make_sure_of_room,
    make_sure_they_differ,
    picture_files,
    superres_option,
)
from convlab.errors import InputError
from convlab.files import staged
from convlab.imaging.pictures import SUFFIXES, Picture, check_format, read_picture, write_picture
from convlab.nets.superres import NETWORKS
from convlab.nets.tiles import count_tiles, enlarge_tiled
from convlab.nets.upscaler import Upscaler

GAP = 8
"""White pixels between the two halves of a comparison."""


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=PATH)
@click.option(
    "-o",
    "--output",
    required=True,
    type=PATH,
    help="The enlarged picture; of several, or of a folder: the folder to write to.",
)
@superres_option
@force_option
@click.option("--compare", is_flag=True, help="Also write NAME.compare.png: bicubic | network.")
def upscale(
    inputs: tuple[Path, ...], output: Path, model: Path, *, force: bool, compare: bool
) -> None:
    """Enlarge pictures: files, or all in a folder.

    JPEG, PNG, WebP, TIFF and BMP; grey, RGB, palette, CMYK, 16 bits, with or
    without transparency; of several pages, the first. Luminance goes through
    the network; colour and transparency are interpolated. EXIF data and ICC
    profile are kept, 16 bits become 8, CMYK becomes sRGB.
    """
    network = load(model, NETWORKS)
    files = picture_files(inputs)
    single = len(inputs) == 1 and not inputs[0].is_dir()
    targets = {file: _target(file, output, single=single) for file in files}
    wanted = {
        file: [target, target.with_name(f"{target.name}.compare.png")] if compare else [target]
        for file, target in targets.items()
    }
    results = [path for paths in wanted.values() for path in paths]
    make_sure_they_differ(results)
    _keep_apart(files, results)

    def work(file: Path) -> None:
        for path in wanted[file]:
            make_sure_of_room(path, force=force)
        picture = read_picture(file)
        height, width = (network.scale * side for side in picture.colour.shape[:2])
        check_format(targets[file], height, width, transparent=picture.alpha is not None)
        with staged(*wanted[file]) as (draft, *drafts):
            enlarged = enlarge_picture(network, picture, file.name)
            write_picture(draft, enlarged)
            for comparison in drafts:
                write_picture(comparison, side_by_side(picture, enlarged, network.scale))

    for_each(files, work, f"enlarged {network.scale} times")


def enlarge_picture(network: Upscaler, picture: Picture, name: str) -> Picture:
    """Enlarge colour by the network and transparency by interpolation, tile by tile.

    Parameters
    ----------
    network : Upscaler
    picture : Picture
    name : str
        For the progress bar.
    """
    tiles = enlarge_tiled(network, picture.without_hidden_colours(), network.scale)
    count = count_tiles(*picture.colour.shape[:2])
    *_, colour = tqdm(tiles, desc=name, total=count, unit="tile", leave=False, disable=None)
    return Picture(colour, _enlarge_alpha(picture, network.scale), picture.extras)


def side_by_side(picture: Picture, enlarged: Picture, scale: int) -> Picture:
    """Put bicubic interpolation to the left, the network's picture to the right.

    Parameters
    ----------
    picture : Picture
        As it was.
    enlarged : Picture
        By the network.
    scale : int

    Returns
    -------
    Picture
        On white, where they are transparent.
    """
    *_, colour = enlarge_tiled(None, picture.without_hidden_colours(), scale)
    bicubic = Picture(colour, enlarged.alpha).on(255)
    gap = np.full((len(bicubic), GAP, *bicubic.shape[2:]), 255, np.uint8)
    profile = {name: each for name, each in picture.extras.items() if name == "icc_profile"}
    return Picture(np.hstack([bicubic, gap, enlarged.on(255)]), extras=profile)


def _enlarge_alpha(picture: Picture, scale: int) -> np.ndarray | None:
    if picture.alpha is None:
        return None
    *_, alpha = enlarge_tiled(None, picture.alpha, scale)
    return alpha


def _target(file: Path, output: Path, *, single: bool) -> Path:
    """Where to write what becomes of a file."""
    if output.is_dir() or not output.suffix:
        return output / file.name
    known = output.suffix.lower() in SUFFIXES
    if single and not known:
        raise InputError(f"{output}: must end with one of {', '.join(SUFFIXES)}, or be a folder")
    if known and not single:
        raise InputError(f"{output}: is named like a picture, but there are several: name a folder")
    return output if single else output / file.name


def _keep_apart(files: list[Path], targets: list[Path]) -> None:
    """See that no picture would be overwritten by a result."""
    own = {file.resolve() for file in files}
    for target in targets:
        if target.resolve() in own:
            raise InputError(f"{target}: is one of the pictures to enlarge: name another place")
