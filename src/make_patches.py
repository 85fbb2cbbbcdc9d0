"""Cut photographs into pairs of low- and high-resolution patches.

Reads the folder in photographs.folder, and the test photographs in
data/raw/bsds500, which must not be in that folder. Writes their luminance to
data/patches/x<scale>: training patches in shards, and whole validation images.
An interrupted run is resumed at the next shard. Parameters: blocks make_patches
and photographs.
"""

from functools import partial
from pathlib import Path

from convlab.core.errors import InputError
from convlab.core.fingerprint import fingerprint
from convlab.core.outputs import atomic_folder, remove
from convlab.core.params import read_block
from convlab.core.script import progress, scale_option, script
from convlab.superres.patches import MakePatches, check_size, make_pair, write_pair
from convlab.superres.photographs import Photographs, Reader, find_photographs, name_photograph
from convlab.superres.shards import Cutter, collect_shards, write_shards

PARAMS = Path("params.yaml")


def main(scale: int) -> None:
    params = read_block(PARAMS, "make_patches", MakePatches)
    source = read_block(PARAMS, "photographs", Photographs)
    training, validation = find_photographs(source)
    reader, work = Reader(source), Path(f".work/patches/x{scale}")
    cutter = Cutter(reader, scale, params)
    settings = [scale, params.model_dump(), source.model_dump()]
    shards, skipped = [], []
    with atomic_folder(Path(f"data/patches/x{scale}")) as folder:
        large = partial(check_size, scale=scale)
        for photo, colour in reader.read(validation, skipped, check=large):
            name = name_photograph(source, photo)
            write_pair(folder / "validation", name, make_pair(colour, scale))
        validating = len(validation) - len(skipped)
        if not validating:
            raise InputError(f"{source.folder}: none of the photographs to validate on can be read")
        bar = progress(desc=f"x{scale} patches", total=len(training), unit="photo")
        for shard, count in write_shards(work, training, cutter, fingerprint(settings, [])):
            shards.append(shard)
            bar.update(count)
        bar.close()
        count = collect_shards(folder, shards, skipped)
        if not count:
            raise InputError(
                f"params.yaml: make_patches.patch_size = {params.patch_size}: no photograph is that"
                f" large at 1/{scale} of its size: lower it"
            )
    remove(work)
    total = len(training) + len(validation)
    cut = total - len(skipped) - validating
    print(f"x{scale}: {count:,} patches of {cut:,} photographs; {validating:,} more for validation")
    if skipped:
        print(
            f"left out (skip_broken): {len(skipped):,} of {total:,} photographs:",
            *skipped,
            sep="\n",
        )


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/make_patches.lock"), add_options=scale_option) as options:
        main(options.scale)
