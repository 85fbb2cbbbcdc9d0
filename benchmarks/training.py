"""For several benchmarks: a training that leaves no files."""

from pathlib import Path
from tempfile import TemporaryDirectory

from convlab.core.checkpoint import Checkpoint
from convlab.core.loop import Curve, Training, train


def train_once(training: Training, *, name: str) -> Curve:
    """Train from step 0 to the end, and keep no checkpoint.

    Returns
    -------
    list of dict
        The curve, see `convlab.core.loop.train`.
    """
    with TemporaryDirectory() as folder:
        return train(training, Checkpoint(Path(folder) / "state.safetensors", ""), name=name)
