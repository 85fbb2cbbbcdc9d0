"""Train a network to enlarge luminance images.

Reads data/patches, leaves the weights with the best validation PSNR, the
training curve and metrics/train_sr.json. Goes on from its last checkpoint if a
run before was broken off. Parameters: blocks train_sr and compute.
"""

from pathlib import Path

from convlab.checksums import output_files
from convlab.compute import Compute, prepare
from convlab.errors import InputError
from convlab.imaging.patches import read_pairs, read_patches
from convlab.nets.weights import save_network
from convlab.params import read_block
from convlab.script import script
from convlab.tables import write_csv, write_metrics
from convlab.training.checkpoint import Checkpoint, identity, loaded_sources
from convlab.training.run import run_to_end
from convlab.training.superres import Point, Training, TrainSr

STAGE = Path("stages/train_sr")
LOG = Path("logs/train_sr")
OUTPUTS = (STAGE / "model.safetensors", STAGE / "curve.csv", Path("metrics/train_sr.json"))


def main() -> None:
    params = read_block(Path("params.yaml"), "train_sr", TrainSr)
    compute = read_block(Path("params.yaml"), "compute", Compute)
    patches = Path("data/patches") / f"x{params.scale}"
    if not patches.is_dir():
        raise InputError(
            f"{patches}: is missing: put {params.scale} into make_patches.scales in params.yaml,"
            " then run `dvc repro`"
        )
    prepare(compute)
    training = Training(read_patches(patches), read_pairs(patches / "validation"), params)
    settings = [params.model_dump(), compute.model_dump()]
    files = [Path(__file__), *loaded_sources(), *patches.rglob("*.*")]
    checkpoint = Checkpoint(Path(".work/checkpoints/train_sr"), identity(settings, files))
    with output_files(*OUTPUTS) as (model, curve, metrics):
        run_to_end(training, checkpoint, name="train_sr", steps=params.steps, log=LOG)
        save_network(model, training.best_network(), params.model, **params.design)
        write_csv(curve, Point._fields, training.curve)
        write_metrics(metrics, training.metrics())
    checkpoint.remove()


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/train_sr.lock")):
        main()
