"""Check all of params.yaml: every block known, every key known and in range.

DVC looks only at the keys that a stage names, and a stage only at its own
block, when its turn comes; `make repro` calls this first.
"""

from pathlib import Path

from convlab.compute import Compute
from convlab.data.bsds import DownloadBsds
from convlab.data.mnist import DownloadMnist
from convlab.errors import InputError
from convlab.figures.tsne import RenderTsne
from convlab.imaging.patches import MakePatches
from convlab.imaging.shift import EvaluateCnn
from convlab.imaging.showcase import EvaluateSr
from convlab.params import check_file, read_block
from convlab.report.page import RenderReport
from convlab.script import script
from convlab.training.digits import TrainCnn
from convlab.training.superres import TrainSr
from repository.metrics import Regression

MODELS = {
    "compute": Compute,
    "download_mnist": DownloadMnist,
    "download_bsds": DownloadBsds,
    "make_patches": MakePatches,
    "train_cnn": TrainCnn,
    "evaluate_cnn": EvaluateCnn,
    "render_tsne": RenderTsne,
    "train_sr": TrainSr,
    "evaluate_sr": EvaluateSr,
    "render_report": RenderReport,
    "regression": Regression,
}


def main() -> None:
    path = Path("params.yaml")
    check_file(path, MODELS)
    scale = read_block(path, "train_sr", TrainSr).scale
    scales = read_block(path, "make_patches", MakePatches).scales
    if scale not in scales:
        raise InputError(f"{path}: train_sr.scale = {scale}: must be in make_patches.scales")


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/check_params.lock")):
        main()
