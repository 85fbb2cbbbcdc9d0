"""Train the CNN and its twin, the MLP, to read digits.

Reads data/raw/mnist, leaves both networks, the training curves, the CNN's
embedding of the first 500 test digits at chosen steps and
metrics/train_cnn.json. Goes on from its last checkpoint if a run before was
broken off. Parameters: blocks train_cnn and compute.
"""

from pathlib import Path

import torch

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
from convlab.training.run import run_to_end

MNIST = Path("data/raw/mnist")
EMBEDDED = 500  # test digits whose embedding the animation shows
DESIGNS = {"cnn": Cnn, "mlp": Mlp}
STAGE = Path("stages/train_cnn")
OUTPUTS = [STAGE / f"{name}.safetensors" for name in DESIGNS]
OUTPUTS += [STAGE / "curve.csv", STAGE / "snapshots.safetensors", Path("metrics/train_cnn.json")]
CHECKPOINTS = Path(".work/checkpoints")
LOGS = Path("logs/train_cnn")


def main() -> None:
    params = read_block(Path("params.yaml"), "train_cnn", TrainCnn)
    compute = read_block(Path("params.yaml"), "compute", Compute)
    prepare(compute)
    training, test = (Digits(*read_digits(MNIST, split)) for split in ("train", "test"))
    settings = [params.model_dump(), compute.model_dump()]
    owner = identity(settings, [Path(__file__), *loaded_sources(), *MNIST.iterdir()])
    checkpoints = {name: Checkpoint(CHECKPOINTS / name, owner) for name in DESIGNS}
    seen, metrics = {}, {}
    with output_files(*OUTPUTS) as (cnn, mlp, curve, snapshots, metrics_file):
        for file, (name, design) in zip((cnn, mlp), DESIGNS.items(), strict=True):
            torch.manual_seed(params.seed)
            learning = Training(design(), training, test, params, embedded=EMBEDDED)
            checkpoint, log = checkpoints[name], LOGS / name
            run_to_end(learning, checkpoint, name=name, steps=params.steps, log=log)
            save_network(file, learning.network, name)
            seen[name] = learning.curve
            loss = round(seen[name][-1].loss, 6)
            metrics[name] = {"loss": loss, "parameters": count_parameters(learning.network)}
        header = ("step", "cnn_loss", "cnn_accuracy", "mlp_loss", "mlp_accuracy")
        pairs = zip(seen["cnn"], seen["mlp"], strict=True)
        write_csv(curve, header, ((*a[:3], *b[1:3]) for a, b in pairs))
        kept = [point for point in seen["cnn"] if point.embedding is not None]
        chosen = [(point.step, point.accuracy, point.embedding) for point in kept]
        write_snapshots(snapshots, *zip(*chosen, strict=True), test.labels[:EMBEDDED])
        write_metrics(metrics_file, metrics)
    for checkpoint in checkpoints.values():
        checkpoint.remove()


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/train_cnn.lock")):
        main()
