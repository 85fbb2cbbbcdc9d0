"""`convlab upscale`: enlarge anybody's pictures."""

from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from convlab.commands.inputs import SUPERRES, for_each, make_sure_of_room, picture_files
from convlab.errors import InputError
from convlab.files import staged
from convlab.imaging.pictures import SUFFIXES, Picture, read_picture, write_picture
from convlab.nets.superres import NETWORKS
from convlab.nets.tiles import count_tiles, enlarge_tiled
from convlab.nets.upscaler import Upscaler
from convlab.nets.weights import load_network

GAP = 8
"""White pixels between the two halves of a comparison."""


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The enlarged picture; of several, or of a folder: the folder to write to.",
)
@click.option(
    "--model",
    default=SUPERRES,
    show_default=True,
    type=click.Path(path_type=Path),
    help="The network, which also says how many times to enlarge.",
)
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@click.option("--compare", is_flag=True, help="Also write NAME.compare.png: bicubic | network.")
def upscale(
    inputs: tuple[Path, ...], output: Path, model: Path, *, force: bool, compare: bool
) -> None:
    """Enlarge pictures: files, or all in a folder.

    JPEG, PNG, WebP, TIFF and BMP; grey, RGB, palette, CMYK, 16 bits, with or
    without transparency. Luminance goes through the network; colour and
    transparency are interpolated. EXIF data and ICC profile are kept, 16 bits
    become 8, CMYK becomes sRGB.
    """
    network = load_network(model, NETWORKS)
    files = picture_files(inputs)
    targets = _targets(files, output, single=len(inputs) == 1 and not inputs[0].is_dir())

    def work(file: Path) -> None:
        target = targets[file]
        beside = target.with_name(f"{target.name}.compare.png")
        wanted = [target, beside] if compare else [target]
        for path in wanted:
            make_sure_of_room(path, force=force)
        picture = read_picture(file)
        enlarged = enlarge_picture(network, picture, file.name)
        with staged(*wanted) as (draft, *drafts):
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
    tiles = enlarge_tiled(network, picture.colour, network.scale)
    count = count_tiles(*picture.colour.shape[:2])
    *_, colour = tqdm(tiles, desc=name, total=count, unit="tile", leave=False, disable=None)
    alpha = picture.alpha
    if alpha is not None:
        *_, alpha = enlarge_tiled(None, alpha, network.scale)
    return Picture(colour, alpha, picture.extras)


def side_by_side(picture: Picture, enlarged: Picture, scale: int) -> Picture:
    """Put bicubic interpolation to the left, the network's picture to the right.

    Parameters
    ----------
    picture : Picture
        As it was.
    enlarged : Picture
        By the network.
    scale : int
    """
    *_, bicubic = enlarge_tiled(None, picture.colour, scale)
    gap = np.full((len(bicubic), GAP, *bicubic.shape[2:]), 255, np.uint8)
    return Picture(np.hstack([bicubic, gap, enlarged.colour]))


def _targets(files: list[Path], output: Path, *, single: bool) -> dict[Path, Path]:
    """Where to write what becomes of each file."""
    if single and output.suffix.lower() in SUFFIXES and not output.is_dir():
        targets = dict.fromkeys(files, output)
    else:
        targets = {file: output / file.name for file in files}
    if len(set(targets.values())) < len(files):
        raise InputError(f"{output}: two of the pictures have the same name: enlarge them apart")
    for file, target in targets.items():
        if target.exists() and file.exists() and target.samefile(file):
            raise InputError(
                f"{target}: would be overwritten by its enlargement: name another place"
            )
    return targets
