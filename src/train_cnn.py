"""Train the CNN and an MLP of the same size to classify MNIST digits.

Reads data/raw/MNIST, leaves both networks, their training curves, the CNN's
embeddings at some steps and metrics/train_cnn.json. An interrupted training
is resumed from its last checkpoint. Parameters: blocks train_cnn, compute and
the networks' own.
"""

from pathlib import Path

from convlab.core.checkpoint import Checkpoint, fingerprint
from convlab.core.compute import Compute, prepare, set_seed
from convlab.core.loop import Training, train
from convlab.core.outputs import atomic_write, remove
from convlab.core.params import read_block
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


def train_network(
    key: str, name: str, file: Path, *, digits: Digits, test: Digits, params: TrainCnn
) -> tuple[Training, list[dict[str, float]]]:
    """Train one network and write it to a file; `key` names it in outputs."""
    module = find_network(NETWORKS, name)
    settings = read_block(PARAMS, f"networks.{name}", module.Settings)
    check_classifier(name, settings, params)
    set_seed(params.seed)
    network = module.Network(settings=settings)
    training = make_training(network, digits, test, params)
    compute = read_block(PARAMS, "compute", Compute)
    blocks = [block.model_dump() for block in (params, compute, settings)]
    sources = [Path(__file__), *(path for path in MNIST.rglob("*") if path.is_file())]
    checkpoint = Checkpoint(CHECKPOINTS[key], fingerprint(blocks, sources))
    with network_errors(name, "the training failed"):
        curve = train(training, checkpoint, name=key)
    save_network(file, network, name, {"settings": settings.model_dump()})
    return training, curve


def main() -> None:
    params = read_block(PARAMS, "train_cnn", TrainCnn)
    prepare(read_block(PARAMS, "compute", Compute))
    digits, test = (Digits(*read_digits(MNIST, split)) for split in ("train", "test"))
    outputs = [STAGE / name for name in ("cnn.safetensors", "mlp.safetensors", "curve.csv")]
    outputs += [STAGE / "snapshots.safetensors", Path("metrics/train_cnn.json")]
    with atomic_write(*outputs) as (cnn_file, mlp_file, curve_file, snapshots_file, metrics_file):
        same = {"digits": digits, "test": test, "params": params}
        cnn, cnn_curve = train_network("cnn", params.network, cnn_file, **same)
        mlp, mlp_curve = train_network("mlp", "mlp", mlp_file, **same)
        header = ("step", "cnn_loss", "cnn_accuracy", "mlp_loss", "mlp_accuracy")
        pairs = zip(cnn_curve, mlp_curve, strict=True)
        write_csv(curve_file, header, ((*a.values(), b["loss"], b["accuracy"]) for a, b in pairs))
        embeddings = cnn.evaluation.embeddings
        accuracies = [each["accuracy"] for each in cnn_curve if each["step"] in embeddings]
        kept = list(embeddings), accuracies, list(embeddings.values())
        write_snapshots(snapshots_file, *kept, test.labels[:EMBEDDED])
        metrics = {
            key: {
                "loss": round(curve[-1]["loss"], 6),
                "parameters": count_parameters(training.network),
            }
            for key, training, curve in (("cnn", cnn, cnn_curve), ("mlp", mlp, mlp_curve))
        }
        write_metrics(metrics_file, metrics)
    for path in CHECKPOINTS.values():
        remove(path)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/train_cnn.lock")):
        main()
