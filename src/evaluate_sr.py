"""Measure super-resolution on the BSDS500 test images (B100).

Reads the trained network and its curve from stages/train_sr/x<scale>, and
data/raw/bsds500. Writes to stages/evaluate_sr/x<scale> the upscaled luminance
of every image, a table of all images and methods, a gallery of crops and a plot
of the curve. Writes metrics/evaluate_sr_x<scale>.json. Parameters: blocks
evaluate_sr and compute.
"""

from itertools import chain
from pathlib import Path

import numpy as np

from convlab.core.compute import Compute, prepare
from convlab.core.outputs import first_writes
from convlab.core.params import read_block
from convlab.core.processes import joined, shared
from convlab.core.script import progress, scale_option, script
from convlab.core.tables import read_columns, write_csv, write_metrics
from convlab.data.photos import read_rgb, split_photos
from convlab.figures.canvas import write_png
from convlab.figures.curves import draw_superresolution_curve
from convlab.figures.gallery import draw_gallery
from convlab.superres.comparison import choose_by_rank, compare_part, compare_photo
from convlab.superres.evaluation import (
    EvaluateSr,
    mean_qualities,
    measure,
    upscale_by_all_methods,
)
from convlab.superres.metrics import Quality
from convlab.superres.patches import check_size, make_pair, write_plane
from convlab.superres.upscaling import load_upscaler

PARAMS = Path("params.yaml")


def main(scale: int) -> None:
    params = read_block(PARAMS, "evaluate_sr", EvaluateSr)
    prepare(read_block(PARAMS, "compute", Compute))
    trained, stage = Path(f"stages/train_sr/x{scale}"), Path(f"stages/evaluate_sr/x{scale}")
    network = load_upscaler(trained / "model.safetensors", scale)
    curve = read_columns(trained / "curve.csv")
    _, _, photos = split_photos(Path("data/raw/bsds500"))
    outputs = [stage / name for name in ("upscaled", "images.csv", "gallery.png", "curve.png")]
    outputs.append(Path(f"metrics/evaluate_sr_x{scale}.json"))

    def evaluate(photo: Path) -> tuple[dict[str, Quality], np.ndarray]:
        """Measure all methods on one photograph; give the network's output, too."""
        rgb = read_rgb(photo)
        check_size(photo, rgb, scale)
        low, high = make_pair(rgb, scale)
        upscaled = upscale_by_all_methods(network, low, self_ensemble=params.self_ensemble)
        return measure(photo.stem, upscaled, high, scale), upscaled["network"]

    with first_writes(*outputs) as drafts:
        with joined():
            bar = {"desc": f"evaluate_sr x{scale}", "total": len(photos), "unit": "photo"}
            results = list(progress(shared(evaluate, photos), **bar))
        if not drafts:
            return
        upscaled_folder, images, gallery, training, metrics = drafts
        upscaled_folder.mkdir()
        table = {
            photo.stem: qualities for photo, (qualities, _) in zip(photos, results, strict=True)
        }
        for name, (_, output) in zip(table, results, strict=True):
            write_plane(upscaled_folder / f"{name}.png", output)
        gains = [row["network"].psnr - row["bicubic"].psnr for row in table.values()]
        shown = []
        for index in choose_by_rank(gains, params.gallery_images):
            photo, (_, output) = photos[index], results[index]
            compared = compare_photo(read_rgb(photo), output, scale)
            shown.append(compare_part(photo.stem, compared, params.crop_size))
        methods = next(iter(table.values()))
        header = [f"{method}_{name}" for method in methods for name in Quality._fields]
        rows = ([name, *chain(*row.values())] for name, row in table.items())
        write_csv(images, ["image", *header], rows)
        write_png(gallery, draw_gallery(shown))
        write_png(training, draw_superresolution_curve(curve))
        write_metrics(metrics, mean_qualities(table))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/evaluate_sr.lock"), add_options=scale_option) as options:
        main(options.scale)
