"""Train the CNN and an MLP of the same size to classify MNIST digits.

Reads data/raw/MNIST. Writes to stages/train_cnn both networks, their training
curves and the CNN's embeddings after some steps. Writes metrics/train_cnn.json.
An interrupted training is resumed from its last checkpoint. Parameters: blocks
train_cnn, compute and those of both networks.
"""

from pathlib import Path
from typing import NamedTuple

from convlab.core.checkpoint import Checkpoint
from convlab.core.compute import Compute, prepare, set_seed
from convlab.core.fingerprint import fingerprint
from convlab.core.loop import Curve, Training, train
from convlab.core.outputs import first_writes, remove
from convlab.core.params import Params, read_block
from convlab.core.processes import joined
from convlab.core.script import script
from convlab.core.tables import write_csv, write_metrics
from convlab.core.weights import (
    count_parameters,
    find_network,
    network_errors,
    save_network,
)
from convlab.data.mnist import read_digits
from convlab.digits.checks import check_classifier
from convlab.digits.prediction import NETWORKS
from convlab.digits.snapshots import write_snapshots
from convlab.digits.training import EMBEDDED, Digits, TrainCnn, make_training

PARAMS, MNIST, STAGE = Path("params.yaml"), Path("data/raw/MNIST"), Path("stages/train_cnn")
CHECKPOINTS = {key: Path(f".work/checkpoints/{key}.safetensors") for key in ("cnn", "mlp")}


class Prepared(NamedTuple):
    """A network before its training."""

    name: str
    settings: Params
    training: Training
    checkpoint: Checkpoint


def prepare_network(
    key: str, name: str, *, digits: Digits, test: Digits, params: TrainCnn
) -> Prepared:
    """Check and build one network; `key` is its name in outputs."""
    module = find_network(NETWORKS, name)
    settings = read_block(PARAMS, f"networks.{name}", module.Settings)
    check_classifier(name, settings, params)
    set_seed(params.seed)
    network = module.Network(settings=settings)
    training = make_training(network, digits, test, params)
    compute = read_block(PARAMS, "compute", Compute)
    used = compute.model_dump(exclude={"launch"})  # any number of processes can resume a training
    blocks = [params.model_dump(), used, settings.model_dump()]
    sources = [Path(__file__), *(path for path in MNIST.rglob("*") if path.is_file())]
    checkpoint = Checkpoint(CHECKPOINTS[key], fingerprint(blocks, sources))
    return Prepared(name, settings, training, checkpoint)


def train_network(key: str, prepared: Prepared) -> Curve:
    """Train one network."""
    with network_errors(prepared.name, "the training failed"):
        return train(prepared.training, prepared.checkpoint, name=key)


def main() -> None:
    params = read_block(PARAMS, "train_cnn", TrainCnn)
    prepare(read_block(PARAMS, "compute", Compute))
    digits, test = (Digits(*read_digits(MNIST, split)) for split in ("train", "test"))
    outputs = [STAGE / name for name in ("cnn.safetensors", "mlp.safetensors", "curve.csv")]
    outputs += [STAGE / "snapshots.safetensors", Path("metrics/train_cnn.json")]
    same = {"digits": digits, "test": test, "params": params}
    cnn = prepare_network("cnn", params.network, **same)
    mlp = prepare_network("mlp", "mlp", **same)
    with first_writes(*outputs) as drafts:
        with joined():
            cnn_curve, mlp_curve = train_network("cnn", cnn), train_network("mlp", mlp)
        if not drafts:
            return
        *network_files, curve_file, snapshots_file, metrics_file = drafts
        for file, (name, settings, training, _) in zip(network_files, (cnn, mlp), strict=True):
            save_network(file, training.network, name, {"settings": settings.model_dump()})
        header = ("step", "cnn_loss", "cnn_accuracy", "mlp_loss", "mlp_accuracy")
        pairs = zip(cnn_curve, mlp_curve, strict=True)
        write_csv(curve_file, header, ((*a.values(), b["loss"], b["accuracy"]) for a, b in pairs))
        embeddings = cnn.training.evaluation.embeddings
        accuracies = [each["accuracy"] for each in cnn_curve if each["step"] in embeddings]
        kept = list(embeddings), accuracies, list(embeddings.values())
        write_snapshots(snapshots_file, *kept, test.labels[:EMBEDDED])
        metrics = {
            key: {
                "loss": round(curve[-1]["loss"], 6),
                "parameters": count_parameters(prepared.training.network),
            }
            for key, prepared, curve in (("cnn", cnn, cnn_curve), ("mlp", mlp, mlp_curve))
        }
        write_metrics(metrics_file, metrics)
    for path in CHECKPOINTS.values():
        remove(path)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/train_cnn.lock")):
        main()
