"""Evaluate the CNN and the MLP on the MNIST test digits, also on shifted ones.

Reads both networks and their curves from stages/train_cnn, and data/raw/MNIST.
Writes to stages/evaluate_cnn the CNN's predictions, the accuracies on shifted
digits, and pictures: misclassified digits, confusion matrix, accuracy against
shift, and training curves. Writes metrics/evaluate_cnn.json. Parameters: blocks
evaluate_cnn and compute.
"""

from pathlib import Path

from sklearn.metrics import confusion_matrix

from convlab.core.compute import Compute, prepare
from convlab.core.outputs import first_writes
from convlab.core.params import read_block
from convlab.core.processes import joined
from convlab.core.script import progress, script
from convlab.core.tables import read_columns, write_csv, write_metrics
from convlab.core.weights import load_network
from convlab.data.mnist import read_digits
from convlab.digits.evaluation import EvaluateCnn, evaluate
from convlab.digits.prediction import NETWORKS
from convlab.figures.canvas import write_png
from convlab.figures.curves import draw_shift_curve, draw_training_curves
from convlab.figures.predictions import draw_confusion, draw_misclassified

PARAMS, TRAINED, STAGE = Path("params.yaml"), Path("stages/train_cnn"), Path("stages/evaluate_cnn")
OUTPUTS = [STAGE / "predictions.csv", STAGE / "shift.csv", Path("metrics/evaluate_cnn.json")]
PICTURES = [STAGE / f"{name}.png" for name in ("confusion", "misclassified", "shift", "curve")]


def main() -> None:
    params = read_block(PARAMS, "evaluate_cnn", EvaluateCnn)
    prepare(read_block(PARAMS, "compute", Compute))
    images, labels = read_digits(Path("data/raw/MNIST"), "test")
    curve = read_columns(TRAINED / "curve.csv")
    networks = {
        name: load_network(TRAINED / f"{name}.safetensors", NETWORKS) for name in ("cnn", "mlp")
    }
    with first_writes(*OUTPUTS, *PICTURES) as drafts:
        with joined():
            evaluations = {
                name: evaluate(network, images, labels, max_shift=params.max_shift)
                for name, network in progress(networks.items(), desc="evaluate_cnn")
            }
        if not drafts:
            return
        predictions_file, shift_file, metrics_file, confusion, misclassified, shift, training = (
            drafts
        )
        predictions = evaluations["cnn"].predictions
        write_csv(predictions_file, ("actual", "predicted"), zip(labels, predictions, strict=True))
        shifts = range(params.max_shift + 1)
        by_shift = {name: each.accuracy_by_shift for name, each in evaluations.items()}
        write_csv(shift_file, ("shift", *by_shift), zip(shifts, *by_shift.values(), strict=True))
        write_metrics(metrics_file, {name: each.metrics() for name, each in evaluations.items()})
        write_png(
            confusion, draw_confusion(confusion_matrix(labels, predictions, labels=range(10)))
        )
        shown = {"limit": params.misclassified_shown}
        write_png(misclassified, draw_misclassified(images, labels, predictions, **shown))
        write_png(shift, draw_shift_curve(shifts, by_shift))
        write_png(training, draw_training_curves(curve))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/evaluate_cnn.lock")):
        main()
