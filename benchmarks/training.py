"""What the benchmarks share: a training that leaves nothing behind."""

from pathlib import Path
from tempfile import TemporaryDirectory

from convlab.core.checkpoint import Checkpoint
from convlab.core.loop import Curve, Training, train


def train_once(training: Training, *, name: str) -> Curve:
    """Train from step 0 to the end, without a checkpoint that outlives it.

    Returns
    -------
    list of dict
        The curve, see `convlab.core.loop.train`.
    """
    with TemporaryDirectory() as folder:
        return train(training, Checkpoint(Path(folder) / "state.safetensors", ""), name=name)
