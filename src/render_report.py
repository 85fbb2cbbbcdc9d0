"""Write the report: one HTML file with all results of this run.

Reads the data and the outputs of all other stages. Writes
stages/render_report/report.html, which needs no other file and no internet.
Parameters: all blocks except `regression`, because the page shows them.
"""

from pathlib import Path

from convlab.core.compute import Compute, prepare
from convlab.core.outputs import atomic_write
from convlab.core.params import read_block, read_yaml
from convlab.core.script import progress, script
from convlab.data.bsds import DownloadBsds
from convlab.digits.evaluation import EvaluateCnn
from convlab.report.digits import digits_section
from convlab.report.embedding import embedding_section
from convlab.report.live import live_section
from convlab.report.page import RenderReport, render_page
from convlab.report.provenance import provenance_section
from convlab.report.sources import (
    DIGITS_FILES,
    SUPERRES_FILES,
    read_digits_run,
    read_superres_run,
    read_upscaled,
)
from convlab.report.superres import superres_section
from convlab.superres.evaluation import EvaluateSr
from convlab.superres.patches import MakePatches, Scales
from convlab.superres.training import TrainSr

PARAMS, REQUIREMENTS = Path("params.yaml"), Path("requirements.txt")
MNIST, BSDS, STAGES = Path("data/raw/MNIST"), Path("data/raw/bsds500"), Path("stages")


def main() -> None:
    params = read_block(PARAMS, "render_report", RenderReport)
    evaluate_cnn = read_block(PARAMS, "evaluate_cnn", EvaluateCnn)
    evaluate_sr = read_block(PARAMS, "evaluate_sr", EvaluateSr)
    training = read_block(PARAMS, "train_sr", TrainSr)
    patches = read_block(PARAMS, "make_patches", MakePatches)
    scales = read_block(PARAMS, "scales", Scales).root
    source = read_block(PARAMS, "download_bsds", DownloadBsds).source
    prepare(read_block(PARAMS, "compute", Compute))
    with atomic_write(STAGES / "render_report/report.html") as (page,):
        digits = read_digits_run(MNIST, STAGES)
        runs = [read_superres_run(BSDS, STAGES, scale) for scale in scales]
        files = [*DIGITS_FILES, *(name.format(scale=x) for x in scales for name in SUPERRES_FILES)]
        shown = {name: block for name, block in read_yaml(PARAMS).items() if name != "regression"}
        read = [MNIST, BSDS, *(STAGES / name for name in files)]
        provenance = provenance_section(shown, REQUIREMENTS, read)
        bar = progress(runs[0].photos, desc="render_report", unit="photo")
        photos = (read_upscaled(runs[0], photo) for photo in bar)
        text = render_page(
            digits_section(digits, evaluate_cnn.misclassified_shown),
            embedding_section(digits, atlas_side=params.atlas_side, atlas_steps=params.atlas_steps),
            superres_section(
                runs,
                photos,
                gallery_images=evaluate_sr.gallery_images,
                part_size=params.part_size,
                training=training,
                patches=patches,
            ),
            live_section(digits.cnn, digits.mlp, runs[0].network),
            provenance,
            published=source == "published",
        )
        page.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/render_report.lock")):
        main()
