"""Check all of params.yaml: every block and key must be known, every value allowed.

A stage checks only its own blocks, and only when it runs. So `make repro` calls
this first.
"""

from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import RootModel

from convlab.core.compute import Compute
from convlab.core.errors import InputError
from convlab.core.params import check_file, read_block, read_yaml
from convlab.core.script import script
from convlab.core.weights import find_network, network_names
from convlab.data.bsds import DownloadBsds
from convlab.data.mnist import DownloadMnist
from convlab.digits import prediction
from convlab.digits.evaluation import EvaluateCnn
from convlab.digits.snapshots import RenderTsne
from convlab.digits.training import TrainCnn
from convlab.report.page import RenderReport
from convlab.superres import upscaling
from convlab.superres.evaluation import EvaluateSr
from convlab.superres.patches import MakePatches, Scales
from convlab.superres.photographs import Photographs
from convlab.superres.training import TrainSr
from tools.metrics import Regression


class Networks(RootModel[dict[str, dict[str, Any]]]):
    """Settings by network (block `networks`); the network's file says what they may be."""


MODELS = {
    "scales": Scales,
    "networks": Networks,
    "compute": Compute,
    "photographs": Photographs,
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
TRACKS = {"train_cnn": prediction.NETWORKS, "train_sr": upscaling.NETWORKS}
"""The package of the networks that each training stage can train."""
BASELINE = "mlp"
"""The network that `train_cnn` trains beside the chosen one."""


def check(path: Path) -> None:
    """Check a whole parameter file.

    Raises
    ------
    InputError
        Names what is wrong, in one line.
    """
    check_file(path, MODELS)
    content = read_yaml(path)
    known = {stage: network_names(package) for stage, package in TRACKS.items()}
    every = sorted({*chain(*known.values())})
    shared = set.intersection(*map(set, known.values()))  # their block is for the chosen track
    for name in content["networks"]:
        if name not in every:
            raise InputError(f"{path}: networks.{name}: unknown (known: {', '.join(every)})")
    for stage, names in known.items():
        chosen = content[stage]["network"]
        if chosen not in names:
            allowed = ", ".join(names)
            raise InputError(f"{path}: {stage}.network = {chosen!r}: should be one of {allowed}")
        needed = set(names) & {chosen, BASELINE, *content["networks"].keys() - shared}
        for name in sorted(needed):
            read_block(path, f"networks.{name}", find_network(TRACKS[stage], name).Settings)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/check_params.lock")):
        check(Path("params.yaml"))
