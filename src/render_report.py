"""Write the report: one HTML file that tells what this run gave.

Reads what all stages before it left, leaves stages/render_report/report.html,
which opens from the disk and asks for nothing else. Parameters: block
render_report, and all others, which the page shows.
"""

from pathlib import Path

from tqdm import tqdm

from convlab.checksums import output_files
from convlab.compute import Compute, prepare
from convlab.data.photos import read_rgb
from convlab.params import Upscaling, read_block, read_yaml
from convlab.report.digits import tell_digits
from convlab.report.embedding import tell_embedding
from convlab.report.making import tell_making
from convlab.report.page import Photographs, RenderReport, render_page
from convlab.report.photographs import enlarge_photo, tell_photographs
from convlab.report.sources import FILES, read_digits_run, read_superres_run
from convlab.script import script

PARAMS, REQUIREMENTS = Path("params.yaml"), Path("requirements.txt")
MNIST, BSDS, STAGES = Path("data/raw/mnist"), Path("data/raw/bsds500"), Path("stages")
PAGE = STAGES / "render_report/report.html"
NOT_SHOWN = {"regression"}
"""Blocks of the parameters that nothing on the page depends on."""


def main() -> None:
    params = read_block(PARAMS, "render_report", RenderReport)
    scale = read_block(PARAMS, "train_sr", Upscaling).scale
    source = read_block(PARAMS, "download_bsds", Photographs).source
    blocks = {name: block for name, block in read_yaml(PARAMS).items() if name not in NOT_SHOWN}
    prepare(read_block(PARAMS, "compute", Compute))
    with output_files(PAGE) as (page,):
        read = [MNIST, BSDS, *(STAGES / name for name in FILES)]
        making = tell_making(blocks, REQUIREMENTS, read)
        digits = read_digits_run(MNIST, STAGES)
        superres = read_superres_run(BSDS, STAGES, scale)
        progress = tqdm(superres.photos, desc="render_report", unit="photo", disable=None)
        photos = ((path.stem, enlarge_photo(superres.network, read_rgb(path))) for path in progress)
        text = render_page(
            tell_digits(digits, params),
            tell_embedding(digits, params),
            tell_photographs(superres, photos, params),
            making,
            published=source == "published",
        )
        page.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/render_report.lock")):
        main()
