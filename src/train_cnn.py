"""Train the CNN and its twin, the MLP, to read digits.

Reads data/raw/mnist, leaves both networks, the training curves, the CNN's
embedding of the first 500 test digits at chosen steps and
metrics/train_cnn.json. Parameters: blocks train_cnn and compute.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from dvclive import Live
from tqdm import tqdm

from convlab.compute import Compute, prepare
from convlab.data.idx import read_digits
from convlab.data.snapshots import write_snapshots
from convlab.files import staged
from convlab.nets.cnn import Cnn
from convlab.nets.mlp import Mlp
from convlab.nets.weights import count_parameters, save_network
from convlab.params import read_block
from convlab.script import script
from convlab.tables import write_csv, write_metrics
from convlab.training.digits import Digits, Moment, TrainCnn, watch

MNIST = Path("data/raw/mnist")
EMBEDDED = 500  # test digits whose embedding the animation shows
OUTPUTS = [Path("stages/train_cnn") / name for name in ("cnn.safetensors", "mlp.safetensors")]
OUTPUTS += [Path("stages/train_cnn/curve.csv"), Path("stages/train_cnn/snapshots.npz")]
OUTPUTS += [Path("metrics/train_cnn.json")]


def train(name: str, moments: Iterator[Moment], steps: int) -> list[Moment]:
    """Train one network, showing and logging how it does."""
    seen = []
    with (
        Live(f"logs/train_cnn/{name}", dvcyaml=False, save_dvc_exp=False) as live,
        tqdm(total=steps, desc=name, unit="step", disable=None) as bar,
    ):
        for moment in moments:
            seen.append(moment)
            live.step = moment.step
            live.log_metric("loss", moment.loss)
            live.log_metric("accuracy", moment.accuracy)
            bar.set_postfix(loss=f"{moment.loss:.4f}", accuracy=f"{moment.accuracy:.2%}")
            bar.update(moment.step - bar.n)
    return seen


def main() -> None:
    params = read_block(Path("params.yaml"), "train_cnn", TrainCnn)
    prepare(read_block(Path("params.yaml"), "compute", Compute))
    training, test = (Digits(*read_digits(MNIST, split)) for split in ("train", "test"))
    seen, metrics = {}, {}
    with staged(*OUTPUTS) as (cnn, mlp, curve, snapshots, metrics_file):
        for name, design, file in (("cnn", Cnn, cnn), ("mlp", Mlp, mlp)):
            torch.manual_seed(params.seed)
            network = design()
            moments = watch(network, training, test, params, embedded=EMBEDDED)
            seen[name] = train(name, moments, params.steps)
            save_network(file, network, name)
            loss = round(seen[name][-1].loss, 6)
            metrics[name] = {"loss": loss, "parameters": count_parameters(network)}
        header = ("step", "cnn_loss", "cnn_accuracy", "mlp_loss", "mlp_accuracy")
        pairs = zip(seen["cnn"], seen["mlp"], strict=True)
        write_csv(curve, header, ((*a[:3], *b[1:3]) for a, b in pairs))
        kept = [moment for moment in seen["cnn"] if moment.embedding is not None]
        chosen = [(moment.step, moment.accuracy, moment.embedding) for moment in kept]
        write_snapshots(snapshots, *zip(*chosen, strict=True), test.labels[:EMBEDDED])
        write_metrics(metrics_file, metrics)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/train_cnn.lock")):
        main()
