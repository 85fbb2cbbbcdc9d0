"""`convlab upscale`: upscale users' own pictures."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from convlab.cli.inputs import (
    SUPERRES_MODEL,
    check_distinct,
    check_overwrite,
    for_each,
    load,
    picture_files,
    say_frames,
)
from convlab.core.errors import InputError
from convlab.core.outputs import atomic_write
from convlab.imaging.pictures import FORMATS, Picture, read_picture
from convlab.imaging.saving import (
    DEEP_FORMATS,
    OPAQUE_FORMATS,
    check_format,
    format_of,
    write_picture,
)
from convlab.superres.layers import Upscaler
from convlab.superres.tiling import plan_tiles, upscale_tiled
from convlab.superres.upscaling import NETWORKS

SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "tiff": ".tif", "avif": ".avif"}
"""File suffixes of the formats of --format."""
GAP_WIDTH = 8
"""White pixels between the two halves of a comparison."""


def upscale_files(
    inputs: tuple[Path, ...],
    output: Path | None,
    model: Path | None,
    *,
    file_format: str,
    recursive: bool,
    force: bool,
    compare: bool,
) -> None:
    """Upscale pictures, and write them.

    Parameters
    ----------
    inputs : tuple of Path
        Files and folders.
    output : Path or None
        A picture, or the folder to write to. If None, beside the only input.
    model : Path or None
        See `load`.
    file_format : str
        A key of `SUFFIXES`, or "same" to keep the format of each picture.
    recursive : bool
        Whether to include pictures in subfolders.
    force : bool
        Whether to overwrite existing files.
    compare : bool
        Whether to also write a comparison with bicubic interpolation.
    """
    network = load(model, NETWORKS, SUPERRES_MODEL)
    single = len(inputs) == 1 and not inputs[0].is_dir()
    output = output or _beside(inputs, network.scale, file_format)
    pictures = picture_files(inputs, recursive=recursive, leave_out=output)
    targets = {
        file: _target(path, output, file_format, single=single)
        for file, path in pictures.files.items()
    }
    results = {
        file: [target, target.with_name(f"{target.name}.compare.png")] if compare else [target]
        for file, target in targets.items()
    }
    paths = [path for paths in results.values() for path in paths]
    check_distinct(paths)
    _check_inputs_kept(pictures.files, paths)

    def upscale_file(file: Path) -> None:
        for path in results[file]:
            check_overwrite(path, force=force)
        picture = read_picture(file, deep=True)
        say_frames(file, picture)
        if picture.is_opaque and format_of(targets[file]) in OPAQUE_FORMATS:
            picture = replace(picture, alpha=None)
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

    name = type(network).__module__.rpartition(".")[2]  # name of the network's file
    for_each(pictures, upscale_file, f"upscaled x{network.scale} by {name}")


def upscale_picture(
    network: Upscaler, picture: Picture, name: str, dtype: type[np.unsignedinteger] = np.uint8
) -> Picture:
    """Upscale a picture by the network, tile by tile.

    Parameters
    ----------
    network : Upscaler
    picture : Picture
    name : str
        Name for the progress bar.
    dtype : {uint8, uint16}
        Type of the result.

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
        The network's result.
    scale : int

    Returns
    -------
    Picture
        With 8 bits; transparent parts are blended with white.
    """
    planned = plan_tiles(None, *picture.colour.shape[:2])
    *_, bicubic = upscale_tiled(None, picture.pixels, scale, planned)
    halves = [each.on_background(255) for each in (picture.with_pixels(bicubic), upscaled)]
    gap = np.full((len(bicubic), GAP_WIDTH, *halves[0].shape[2:]), 255, np.uint8)
    profile = {key: value for key, value in picture.metadata.items() if key == "icc_profile"}
    return Picture(np.hstack([halves[0], gap, halves[1]]), metadata=profile)


def _beside(inputs: tuple[Path, ...], scale: int, file_format: str) -> Path:
    """Give the default output: beside the only input, under its name and the scale."""
    if len(inputs) > 1:
        raise InputError("several inputs: name a folder for the results with -o")
    path = inputs[0]
    if path.is_dir():
        path = path.resolve()  # "." has no name
        return path.with_name(f"{path.name}-x{scale}")
    return _in_format(path.with_name(f"{path.stem}-x{scale}{path.suffix}"), file_format)


def _target(path: Path, output: Path, file_format: str, *, single: bool) -> Path:
    """Give the path to write an upscaled picture to.

    `path` is the path of the picture inside the folder that the user named.
    """
    in_format = _in_format(path, file_format)
    if output.is_dir() or not output.suffix:
        return output / in_format
    is_picture = output.suffix.lower() in FORMATS
    if not single:
        if is_picture:
            raise InputError(
                f"{output}: is named like a picture, but there are several: name a folder"
            )
        return output / in_format
    if not is_picture:
        raise InputError(f"{output}: must end with one of {', '.join(FORMATS)}, or be a folder")
    if _in_format(output, file_format) != output:
        raise InputError(f"{output}: is not named like {file_format}, which --format asks for")
    return output


def _in_format(path: Path, file_format: str) -> Path:
    """Give a path the suffix of a format, unless it already has one of that format."""
    is_so = file_format in {"same", FORMATS.get(path.suffix.lower(), "").lower()}
    return path if is_so else path.with_suffix(SUFFIXES[file_format])


def _check_inputs_kept(files: Iterable[Path], results: list[Path]) -> None:
    """Check that no result would overwrite a picture that is to be upscaled."""
    inputs = {file.resolve() for file in files}
    for result in results:
        if result.resolve() in inputs:
            raise InputError(f"{result}: is one of the pictures to upscale: choose another output")
