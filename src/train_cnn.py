"""Train the CNN and its twin, the MLP, to read digits.

Reads data/raw/mnist, leaves both networks, the training curves, the CNN's
embedding of the first 500 test digits at chosen steps and
metrics/train_cnn.json. Goes on from its last checkpoint if a run before was
broken off. Parameters: blocks train_cnn and compute.
"""

from pathlib import Path

import torch
from dvclive import Live
from tqdm import tqdm

from convlab.checksums import output_files
from convlab.compute import Compute, prepare
from convlab.data.idx import read_digits
from convlab.data.snapshots import write_snapshots
from convlab.nets.cnn import Cnn
from convlab.nets.mlp import Mlp
from convlab.nets.weights import count_parameters, save_network
from convlab.params import read_block
from convlab.script import script
from convlab.tables import write_csv, write_metrics
from convlab.training.checkpoint import Checkpoint, identity, loaded_sources
from convlab.training.digits import Digits, TrainCnn, Training

MNIST = Path("data/raw/mnist")
EMBEDDED = 500  # test digits whose embedding the animation shows
DESIGNS = {"cnn": Cnn, "mlp": Mlp}
STAGE = Path("stages/train_cnn")
OUTPUTS = [STAGE / f"{name}.safetensors" for name in DESIGNS]
OUTPUTS += [STAGE / "curve.csv", STAGE / "snapshots.safetensors", Path("metrics/train_cnn.json")]
CHECKPOINTS = Path(".work/checkpoints")


def train(name: str, training: Training, checkpoint: Checkpoint) -> None:
    """Train one network to the end, from the checkpoint if it is this training's."""
    resumed = checkpoint.restore(training)
    steps = training.params.steps
    bar = tqdm(desc=name, total=steps, initial=training.step, unit="step", disable=None)
    live = Live(f"logs/train_cnn/{name}", resume=resumed, dvcyaml=False, save_dvc_exp=False)
    with bar, live:
        for _ in training.run():
            bar.update()
            if training.moments[-1].step == training.step:
                moment = training.moments[-1]
                live.step = moment.step
                live.log_metric("loss", moment.loss)
                live.log_metric("accuracy", moment.accuracy)
                bar.set_postfix(loss=f"{moment.loss:.4f}", accuracy=f"{moment.accuracy:.2%}")
                checkpoint.write(training)


def main() -> None:
    params = read_block(Path("params.yaml"), "train_cnn", TrainCnn)
    compute = read_block(Path("params.yaml"), "compute", Compute)
    prepare(compute)
    training, test = (Digits(*read_digits(MNIST, split)) for split in ("train", "test"))
    settings = [params.model_dump(), compute.model_dump(), torch.__version__]
    owner = identity(settings, [Path(__file__), *loaded_sources(), *MNIST.iterdir()])
    checkpoints = {name: Checkpoint(CHECKPOINTS / name, owner) for name in DESIGNS}
    seen, metrics = {}, {}
    with output_files(*OUTPUTS) as (cnn, mlp, curve, snapshots, metrics_file):
        for file, (name, design) in zip((cnn, mlp), DESIGNS.items(), strict=True):
            torch.manual_seed(params.seed)
            learning = Training(design(), training, test, params, embedded=EMBEDDED)
            train(name, learning, checkpoints[name])
            save_network(file, learning.network, name)
            seen[name] = learning.moments
            loss = round(seen[name][-1].loss, 6)
            metrics[name] = {"loss": loss, "parameters": count_parameters(learning.network)}
        header = ("step", "cnn_loss", "cnn_accuracy", "mlp_loss", "mlp_accuracy")
        pairs = zip(seen["cnn"], seen["mlp"], strict=True)
        write_csv(curve, header, ((*a[:3], *b[1:3]) for a, b in pairs))
        kept = [moment for moment in seen["cnn"] if moment.embedding is not None]
        chosen = [(moment.step, moment.accuracy, moment.embedding) for moment in kept]
        write_snapshots(snapshots, *zip(*chosen, strict=True), test.labels[:EMBEDDED])
        write_metrics(metrics_file, metrics)
    for checkpoint in checkpoints.values():
        checkpoint.remove()


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/train_cnn.lock")):
        main()
