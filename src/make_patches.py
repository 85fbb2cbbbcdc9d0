"""Cut the BSDS500 photographs into pairs of low- and high-resolution patches.

Reads data/raw/bsds500, leaves data/patches/x<scale>: training patches as two
arrays, validation images whole. Luminance only; parameters: block make_patches.
"""

from pathlib import Path

from tqdm import tqdm

from convlab.checksums import output_folder
from convlab.data.photos import image_size, read_rgb, split_photos
from convlab.errors import InputError
from convlab.imaging.patches import (
    MakePatches,
    count_patches,
    make_pair,
    write_pair,
    write_patches,
)
from convlab.params import read_block
from convlab.script import script

PHOTOS = Path("data/raw/bsds500")
PATCHES = Path("data/patches")


def write_scale(folder: Path, training: list[Path], validation: list[Path], params, scale) -> None:
    """Write the training patches and the validation images of one scale."""
    folder.mkdir(parents=True)
    sizes = [image_size(photo) for photo in training]
    count = sum(
        count_patches(height // scale, width // scale, params.patch_size, params.stride)
        for height, width in sizes
    )
    if not count:
        raise InputError(
            f"params.yaml: make_patches.patch_size = {params.patch_size}: every photograph is"
            f" smaller at 1/{scale} of its size"
        )
    photos = tqdm(training, desc=f"x{scale} patches", unit="photo", disable=None)
    write_patches(folder, (make_pair(read_rgb(photo), scale) for photo in photos), count, params)
    for photo in validation:
        write_pair(folder / "validation", photo.stem, make_pair(read_rgb(photo), scale))


def main() -> None:
    params = read_block(Path("params.yaml"), "make_patches", MakePatches)
    training, validation, _ = split_photos(PHOTOS)
    with output_folder(PATCHES) as draft:
        for scale in params.scales:
            write_scale(draft / f"x{scale}", training, validation, params, scale)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/make_patches.lock")):
        main()
