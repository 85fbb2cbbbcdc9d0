"""Examine the CNN and the MLP on the MNIST test digits, also on shifted ones.

Reads both networks, their curves and data/raw/mnist, leaves the CNN's answers,
pictures of its wrong ones, of the confusion matrix, the curves and the shifts,
and metrics/evaluate_cnn.json. Parameters: blocks evaluate_cnn and compute.
"""

from pathlib import Path

from sklearn.metrics import confusion_matrix
from tqdm import tqdm

from convlab.checksums import output_files
from convlab.compute import Compute, prepare
from convlab.data.idx import read_digits
from convlab.figures.canvas import write_png
from convlab.figures.curves import draw_shift_curve, draw_training_curves
from convlab.figures.digits import draw_confusion, draw_wrong
from convlab.imaging.shift import EvaluateCnn
from convlab.nets.cnn import Cnn
from convlab.nets.digits import recognise, score
from convlab.nets.mlp import Mlp
from convlab.nets.robustness import shifted_accuracy
from convlab.nets.weights import load_network
from convlab.params import read_block
from convlab.script import script
from convlab.tables import read_columns, write_csv, write_metrics

TRAINED = Path("stages/train_cnn")
DESIGNS = {"cnn": Cnn, "mlp": Mlp}
STAGE = Path("stages/evaluate_cnn")
TABLES = [STAGE / "predictions.csv", STAGE / "shift.csv"]
PICTURES = [STAGE / f"{name}.png" for name in ("confusion", "wrong", "shift", "curve")]
METRICS = Path("metrics/evaluate_cnn.json")


def examine(network, images, labels, shifts):
    """A network's answers, its accuracy at every shift, and its metrics."""
    logits = recognise(network, images).logits
    plain = score(logits, labels)
    by_shift = [plain.accuracy]
    by_shift += [shifted_accuracy(network, images, labels, pixels) for pixels in shifts[1:]]
    metrics = plain._asdict() | {"accuracy_shifted_2px": by_shift[2]}
    return logits.argmax(axis=1), by_shift, {key: round(metrics[key], 6) for key in metrics}


def main() -> None:
    params = read_block(Path("params.yaml"), "evaluate_cnn", EvaluateCnn)
    prepare(read_block(Path("params.yaml"), "compute", Compute))
    images, labels = read_digits(Path("data/raw/mnist"), "test")
    curve = read_columns(TRAINED / "curve.csv")
    networks = {
        name: load_network(TRAINED / f"{name}.safetensors", {name: design})
        for name, design in DESIGNS.items()
    }
    shifts = range(params.max_shift + 1)
    answers, by_shift, metrics = {}, {}, {}
    with output_files(*TABLES, *PICTURES, METRICS) as drafts:
        for name, network in tqdm(networks.items(), desc="evaluate_cnn", disable=None):
            answers[name], by_shift[name], metrics[name] = examine(network, images, labels, shifts)
        predictions, shift_table, confusion, wrong, shift, training, metrics_file = drafts
        write_csv(predictions, ("actual", "predicted"), zip(labels, answers["cnn"], strict=True))
        rows = zip(shifts, *by_shift.values(), strict=True)
        write_csv(shift_table, ("shift", *by_shift), rows)
        counts = confusion_matrix(labels, answers["cnn"], labels=range(10))
        write_png(confusion, draw_confusion(counts))
        write_png(wrong, draw_wrong(images, labels, answers["cnn"], limit=params.wrong_shown))
        write_png(shift, draw_shift_curve(shifts, by_shift))
        write_png(training, draw_training_curves(curve))
        write_metrics(metrics_file, metrics)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/evaluate_cnn.lock")):
        main()
