"""The training loop of both tracks, in one function."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from convlab.core.checkpoint import Checkpoint
from convlab.core.errors import InputError
from convlab.core.optimizers import learning_rate, match_memory_layout
from convlab.core.processes import agree, average, in_turn
from convlab.core.script import progress, rank

READ_LOSS_EVERY = 50
"""Steps between two readings of the loss: for each, the program waits until the GPU has finished
all steps so far."""
Curve = list[dict[str, float]]
"""What was measured during a training: `step`, `loss` and what the evaluation returned."""


class Evaluation(Protocol):
    """Measures a network during its training, and keeps what is needed after the training."""

    def __call__(self, network: nn.Module, step: int) -> dict[str, float]: ...  # noqa: D102
    def state_dict(self) -> dict[str, Any]: ...  # noqa: D102
    def load_state_dict(self, state: dict[str, Any]) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class Training:
    """What a track supplies to `train`."""

    network: nn.Module
    batches: Callable[[int], Iterator[Any]]
    """Gives the mini-batches from a step on. Each depends only on the number of its step."""
    loss: Callable[[nn.Module, Any], Tensor]
    """Gives the scalar to minimize."""
    optimizers: dict[Optimizer, float]
    """The optimizers with their peak learning rates."""
    evaluation: Evaluation
    evaluate_at: Callable[[int], bool]
    """Tells whether to evaluate, and to write a checkpoint, after a number of steps."""
    steps: int
    seed: int
    """Step n seeds torch's random numbers, such as those of Dropout, with seed + n."""
    warmup_steps: int = 0

    def names_trained_by(self, kind: type[Optimizer]) -> list[str]:
        """Name the weights that optimizers of one class change."""
        groups = [each.param_groups for each in self.optimizers if isinstance(each, kind)]
        trained = {id(weight) for group in chain(*groups) for weight in group["params"]}
        return [name for name, each in self.network.named_parameters() if id(each) in trained]

    def state_dict(self) -> dict[str, Any]:
        """Give what is needed to resume, except the step."""
        return {
            "network": self.network.state_dict(),
            "evaluation": self.evaluation.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.network.load_state_dict(state["network"])
        self.evaluation.load_state_dict(state["evaluation"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
            match_memory_layout(optimizer)


def train(training: Training, checkpoint: Checkpoint, *, name: str) -> Curve:
    """Train to the end, starting from the checkpoint if there is one.

    Several processes share each mini-batch; only the first process writes checkpoints.

    Parameters
    ----------
    training : Training
        Its network is changed.
    checkpoint : Checkpoint
        Written after each evaluation. It is not removed at the end.
    name : str
        For messages and the progress bar.

    Returns
    -------
    list of dict
        The curve: a point for every evaluation.

    Raises
    ------
    InputError
        If the loss is no longer finite.
    """
    step, curve = 0, []
    if state := in_turn(checkpoint.load):
        training.load_state_dict(state["training"])
        step, curve = state["step"], state["curve"]
        print(f"{name}: resumed at step {step}")
    network, losses, batches = training.network.train(), [], training.batches(step)
    with progress(desc=name, total=training.steps, initial=step, unit="step") as bar:
        while step < training.steps:
            losses.append(take_step(training, next(batches), step))
            step += 1
            bar.update()
            due = step == training.steps or training.evaluate_at(step)
            if due or len(losses) % READ_LOSS_EVERY == 0:
                mean = _read_mean(losses)
                bar.set_postfix(loss=f"{mean:.5f}", refresh=False)
            if due:
                agree(network)
                curve.append(
                    {"step": step, "loss": mean} | training.evaluation(network.eval(), step)
                )
                figures = ", ".join(f"{key} {value:.6g}" for key, value in curve[-1].items())
                bar.write(f"{name}: {figures}")
                if rank() == 0:
                    state = {"training": training.state_dict(), "step": step, "curve": curve}
                    checkpoint.save(state)
                network.train()
                losses = []
    network.eval()
    return curve


def take_step(training: Training, batch: Any, step: int) -> Tensor:
    """Change the weights by one step of gradient descent.

    Parameters
    ----------
    training : Training
    batch : Any
        The mini-batch, as `training.batches` gives it: a tuple of tensors, with an example in
        each row. If several processes train together, it is this process's share.
    step : int
        Steps taken before this one.

    Returns
    -------
    Tensor, scalar
        The loss of the whole mini-batch, before the step. It stays on the device,
        so that the program need not wait for it.
    """
    torch.manual_seed(training.seed + step)
    loss = training.loss(training.network, batch)
    for optimizer, peak in training.optimizers.items():
        optimizer.zero_grad()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, training.steps, peak, training.warmup_steps)
    loss.backward()
    loss = loss.detach()
    gradients = [weight.grad for weight in training.network.parameters()]
    average([loss, *(each for each in gradients if each is not None)], weight=len(batch[0]))
    for optimizer in training.optimizers:
        optimizer.step()
    return loss


def _read_mean(losses: list[Tensor]) -> float:
    mean = float(torch.stack(losses).double().mean())
    if not math.isfinite(mean):
        raise InputError(
            f"the loss became {mean}: the training diverged: lower its learning rates in"
            " params.yaml, then run `dvc repro`"
        )
    return mean
