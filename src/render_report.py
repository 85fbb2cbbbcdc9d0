"""Write the report: one HTML file that tells what this run gave.

Reads what all stages before it left, leaves stages/render_report/report.html,
which opens from the disk and asks for nothing else. Parameters: block
render_report, and all others, which the page shows.
"""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from convlab.checksums import output_files
from convlab.compute import Compute, prepare
from convlab.data.idx import read_digits
from convlab.data.photos import read_rgb, split_photos
from convlab.data.snapshots import read_snapshots
from convlab.nets.cnn import Cnn
from convlab.nets.mlp import Mlp
from convlab.nets.superres import load_superres
from convlab.nets.weights import load_network
from convlab.params import Upscaling, read_block, read_yaml
from convlab.report.digits import tell_digits
from convlab.report.embedding import tell_embedding
from convlab.report.making import tell_making
from convlab.report.page import RenderReport, render_page
from convlab.report.photographs import enlarge_photo, tell_photographs
from convlab.script import script
from convlab.tables import read_columns

PARAMS, REQUIREMENTS = Path("params.yaml"), Path("requirements.txt")
MNIST, BSDS = Path("data/raw/mnist"), Path("data/raw/bsds500")
STAGES = Path("stages")
NOT_SHOWN = {"regression"}
PAGE = STAGES / "render_report/report.html"
CNN, MLP, CURVE, SNAPSHOTS = (
    STAGES / "train_cnn" / name
    for name in ("cnn.safetensors", "mlp.safetensors", "curve.csv", "snapshots.safetensors")
)
ANSWERS, SHIFT = (STAGES / "evaluate_cnn" / name for name in ("predictions.csv", "shift.csv"))
FRAMES = STAGES / "render_tsne/frames.csv"
MODEL, VALIDATION = (STAGES / "train_sr" / name for name in ("model.safetensors", "curve.csv"))
IMAGES = STAGES / "evaluate_sr/images.csv"
READ = (CNN, MLP, CURVE, SNAPSHOTS, ANSWERS, SHIFT, FRAMES, MODEL, VALIDATION, IMAGES)


def digits_and_embedding(params: RenderReport) -> tuple[dict, dict]:
    """What there is to tell of both digit networks."""
    cnn, mlp = load_network(CNN, {"cnn": Cnn}), load_network(MLP, {"mlp": Mlp})
    images, labels = read_digits(MNIST, "test")
    answers = np.array(read_columns(ANSWERS)["predicted"], int)
    digits = tell_digits(
        cnn,
        mlp,
        images=images,
        labels=labels,
        answers=answers,
        curve=read_columns(CURVE),
        shift=read_columns(SHIFT),
        wrong_shown=params.wrong_shown,
    )
    snapshots, frames = read_snapshots(SNAPSHOTS), read_columns(FRAMES)
    positions = np.stack([frames["x"], frames["y"]], axis=-1)
    embedding = tell_embedding(
        cnn,
        positions.reshape(len(snapshots.steps), -1, 2),
        snapshots,
        images=images,
        answers=answers,
        side=params.atlas_side,
        steps=params.atlas_steps,
    )
    return digits, embedding


def superresolution(params: RenderReport) -> dict:
    """What there is to tell of the other one."""
    network = load_superres(MODEL, read_block(PARAMS, "train_sr", Upscaling).scale)
    _, _, photos = split_photos(BSDS)
    images, curve = read_columns(IMAGES, texts={"image"}), read_columns(VALIDATION)
    progress = tqdm(photos, desc="render_report", unit="photo", disable=None)
    enlarged = ((photo.stem, enlarge_photo(network, read_rgb(photo))) for photo in progress)
    return tell_photographs(network, enlarged, images, curve, params)


def main() -> None:
    params = read_block(PARAMS, "render_report", RenderReport)
    prepare(read_block(PARAMS, "compute", Compute))
    blocks = {name: block for name, block in read_yaml(PARAMS).items() if name not in NOT_SHOWN}
    published = blocks["download_bsds"]["source"] == "published"
    with output_files(PAGE) as (page,):
        digits, embedding = digits_and_embedding(params)
        photographs = superresolution(params)
        making = tell_making(blocks, REQUIREMENTS, [MNIST, BSDS, *READ])
        text = render_page(digits, embedding, photographs, making, published=published)
        page.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/render_report.lock")):
        main()
