"""Running a training to its end: progress, a log, checkpoints."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from dvclive import Live
from tqdm import tqdm

from convlab.training.checkpoint import Checkpoint, Resumable


class Watched(Resumable, Protocol):
    """A training that can be taken up again and shows how it does."""

    curve: list[Any]
    """Named tuples: `step`, and what was measured then."""

    def run(self) -> Iterator[float]:
        """Train, a step each time the next loss is asked for."""


def run_to_end(
    training: Watched, checkpoint: Checkpoint, *, name: str, steps: int, log: Path
) -> None:
    """Train to the end, from the checkpoint if it is this training's.

    At every new point of the curve a checkpoint is written.

    Parameters
    ----------
    training : Watched
    checkpoint : Checkpoint
    name : str
        Of the progress bar.
    steps : int
        Length of the whole training.
    log : Path
        Folder in which DVCLive writes down the curve while it grows.
    """
    checkpoint.restore(training)
    bar = tqdm(desc=name, total=steps, initial=training.step, unit="step", disable=None)
    # Not taken up again but written anew: a log that was cut short must not stop a training.
    live = Live(str(log), dvcyaml=False, save_dvc_exp=False)
    with bar, live:
        for point in training.curve:
            _log(live, point)
        for loss in training.run():
            bar.update()
            bar.set_postfix(loss=f"{loss:.5f}", refresh=False)
            if training.curve and training.curve[-1].step == training.step:
                point = training.curve[-1]
                bar.write(", ".join(f"{key} {value:.6g}" for key, value in _numbers(point).items()))
                _log(live, point)
                checkpoint.write(training)


def _log(live: Live, point: NamedTuple) -> None:
    numbers = _numbers(point)
    live.step = numbers.pop("step")
    for key, value in numbers.items():
        live.log_metric(key, value)


def _numbers(point: NamedTuple) -> dict[str, float]:
    return {key: value for key, value in point._asdict().items() if isinstance(value, int | float)}
