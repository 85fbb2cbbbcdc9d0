"""Cut the BSDS500 photographs into pairs of low- and high-resolution patches.

Reads data/raw/bsds500, leaves data/patches/x<scale>: training patches as two
arrays, validation images whole. Luminance only; parameters: block make_patches.
"""

from pathlib import Path

from tqdm import tqdm

from convlab.checksums import output_folder
from convlab.data.photos import check_sizes, image_size, read_rgb, split_photos
from convlab.errors import InputError
from convlab.imaging.measure import smallest_side
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
    check_sizes(validation, smallest_side(scale))
    counts = {}
    for photo in training:
        height, width = (side // scale for side in image_size(photo))
        counts[photo] = count_patches(height, width, params.patch_size, params.stride)
    large = [photo for photo in training if counts[photo]]
    if not large:
        raise InputError(
            f"params.yaml: make_patches.patch_size = {params.patch_size}: no photograph is that"
            f" large at 1/{scale} of its size: lower it"
        )
    photos = tqdm(large, desc=f"x{scale} patches", unit="photo", disable=None)
    pairs = (make_pair(read_rgb(photo), scale) for photo in photos)
    write_patches(folder, pairs, sum(counts.values()), params)
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
