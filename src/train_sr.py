"""Train the sub-pixel network to enlarge luminance images.

Reads data/patches, leaves the weights with the best validation PSNR, the
training curve and metrics/train_sr.json. Goes on from its last checkpoint if a
run before was broken off. Parameters: blocks train_sr and compute.
"""

from pathlib import Path

import torch
from dvclive import Live
from tqdm import tqdm

from convlab.checksums import output_files
from convlab.compute import Compute, prepare
from convlab.errors import InputError
from convlab.imaging.patches import read_pairs, read_patches
from convlab.nets.weights import save_network
from convlab.params import read_block
from convlab.script import script
from convlab.tables import write_csv, write_metrics
from convlab.training.checkpoint import Checkpoint, identity, loaded_sources
from convlab.training.superres import Point, Training, TrainSr

STAGE = Path("stages/train_sr")
OUTPUTS = (STAGE / "model.safetensors", STAGE / "curve.csv", Path("metrics/train_sr.json"))


def train(training: Training, checkpoint: Checkpoint) -> None:
    """Train to the end, from the checkpoint if it is this training's."""
    resumed = checkpoint.restore(training)
    steps = training.params.steps
    bar = tqdm(desc="train_sr", total=steps, initial=training.step, unit="step", disable=None)
    live = Live("logs/train_sr", resume=resumed, dvcyaml=False, save_dvc_exp=False)
    with bar, live:
        for loss in training.run():
            bar.update()
            bar.set_postfix(loss=f"{loss:.5f}", refresh=False)
            if training.curve and training.curve[-1].step == training.step:
                point = training.curve[-1]
                live.step = point.step
                live.log_metric("loss", point.loss)
                live.log_metric("validation_psnr", point.validation_psnr)
                bar.write(f"step {point.step}: validation PSNR {point.validation_psnr:.3f} dB")
                checkpoint.write(training)


def main() -> None:
    params = read_block(Path("params.yaml"), "train_sr", TrainSr)
    compute = read_block(Path("params.yaml"), "compute", Compute)
    patches = Path("data/patches") / f"x{params.scale}"
    if not patches.is_dir():
        raise InputError(f"{patches}: is missing: put {params.scale} into make_patches.scales")
    prepare(compute)
    training = Training(read_patches(patches), read_pairs(patches / "validation"), params)
    settings = [params.model_dump(), compute.model_dump(), torch.__version__]
    files = [Path(__file__), *loaded_sources(), *patches.rglob("*.*")]
    checkpoint = Checkpoint(Path(".work/checkpoints/train_sr"), identity(settings, files))
    with output_files(*OUTPUTS) as (model, curve, metrics):
        train(training, checkpoint)
        save_network(model, training.best_network(), "subpixel", **training.design)
        write_csv(curve, Point._fields, training.curve)
        write_metrics(metrics, training.metrics())
    checkpoint.remove()


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/train_sr.lock")):
        main()
