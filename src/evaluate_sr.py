"""Measure super-resolution on the BSDS500 test images (B100).

Reads the trained network, its curve and data/raw/bsds500, leaves a table of
all images and methods, a gallery of crops, the curve as a picture and
metrics/evaluate_sr.json. Parameters: blocks evaluate_sr, compute, train_sr.scale.
"""

from itertools import chain
from pathlib import Path

from tqdm import tqdm

from convlab.checksums import output_files
from convlab.compute import Compute, prepare
from convlab.data.photos import check_sizes, read_rgb, split_photos
from convlab.figures.canvas import write_png
from convlab.figures.curves import draw_superresolution_curve
from convlab.figures.gallery import draw_gallery
from convlab.imaging.measure import Quality, smallest_side
from convlab.imaging.patches import make_pair
from convlab.imaging.showcase import EvaluateSr, spread_by_rank
from convlab.nets.methods import compare, enlarge, measure, summarise
from convlab.nets.superres import load_superres
from convlab.params import Upscaling, read_block
from convlab.script import script
from convlab.tables import read_columns, write_csv, write_metrics

TRAINED = Path("stages/train_sr")
STAGE = Path("stages/evaluate_sr")
OUTPUTS = [STAGE / "images.csv", STAGE / "gallery.png", STAGE / "curve.png"]
OUTPUTS += [Path("metrics/evaluate_sr.json")]


def main() -> None:
    params = read_block(Path("params.yaml"), "evaluate_sr", EvaluateSr)
    upscaling = read_block(Path("params.yaml"), "train_sr", Upscaling)
    prepare(read_block(Path("params.yaml"), "compute", Compute))
    network = load_superres(TRAINED / "model.safetensors", upscaling.scale)
    curve = read_columns(TRAINED / "curve.csv")
    _, _, photos = split_photos(Path("data/raw/bsds500"))
    check_sizes(photos, smallest_side(network.scale))
    with output_files(*OUTPUTS) as (images, gallery, training, metrics):
        progress = tqdm(photos, desc="evaluate_sr", unit="photo", disable=None)
        pairs = (make_pair(read_rgb(photo), network.scale) for photo in progress)
        table = {
            photo.stem: measure(
                enlarge(network, low, self_ensemble=params.self_ensemble), high, network.scale
            )
            for photo, (low, high) in zip(photos, pairs, strict=True)
        }
        gains = [row["network"].psnr - row["bicubic"].psnr for row in table.values()]
        shown = [
            compare(network, photos[index].stem, read_rgb(photos[index]), params.crop_size)
            for index in spread_by_rank(gains, params.gallery_images)
        ]
        methods = next(iter(table.values()))
        header = [f"{method}_{name}" for method in methods for name in Quality._fields]
        rows = ([name, *chain(*row.values())] for name, row in table.items())
        write_csv(images, ["image", *header], rows)
        write_png(gallery, draw_gallery(shown))
        write_png(training, draw_superresolution_curve(curve))
        write_metrics(metrics, {f"x{network.scale}": summarise(table)})


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/evaluate_sr.lock")):
        main()
