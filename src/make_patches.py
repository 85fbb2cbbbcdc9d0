"""Cut the BSDS500 photographs into pairs of low- and high-resolution patches.

Reads data/raw/bsds500, leaves data/patches/x<scale>: training patches as two
arrays, validation images whole. Luminance only; parameters: block make_patches.
"""

from pathlib import Path

from tqdm import tqdm

from convlab.core.errors import InputError
from convlab.core.outputs import atomic_folder
from convlab.core.params import read_block
from convlab.core.script import scale_option, script
from convlab.data.photos import read_rgb, split_photos
from convlab.superres.patches import (
    MakePatches,
    check_size,
    make_pair,
    write_pair,
    write_patches,
)


def main(scale: int) -> None:
    params = read_block(Path("params.yaml"), "make_patches", MakePatches)
    training, validation, _ = split_photos(Path("data/raw/bsds500"))
    with atomic_folder(Path(f"data/patches/x{scale}")) as folder:
        for photo in validation:
            rgb = read_rgb(photo)
            check_size(photo, rgb, scale)
            write_pair(folder / "validation", photo.stem, make_pair(rgb, scale))
        photos = tqdm(training, desc=f"x{scale} patches", unit="photo", disable=None)
        pairs = (make_pair(read_rgb(photo), scale) for photo in photos)
        if not write_patches(folder, pairs, scale, params):
            raise InputError(
                f"params.yaml: make_patches.patch_size = {params.patch_size}: no photograph is that"
                f" large at 1/{scale} of its size: lower it"
            )


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/make_patches.lock"), add_options=scale_option) as options:
        main(options.scale)
