"""One step of training, and the learning rate at that step."""

import math
from collections.abc import Iterable, Mapping

from torch import Tensor
from torch.optim import AdamW, Optimizer

from convlab.errors import InputError


def make_optimizer(weights: Iterable[Tensor], weight_decay: float = 0) -> AdamW:
    """AdamW over some weights.

    References
    ----------
    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """
    return AdamW(weights, weight_decay=weight_decay, fused=True)


def learning_rate(step: int, *, steps: int, peak: float, warmup_steps: int = 0) -> float:
    """Learning rate of a step: a linear rise to the peak, then half a cosine down.

    Parameters
    ----------
    step : int
        0 to `steps` - 1.
    steps : int
        Length of the whole training.
    peak : float
    warmup_steps : int
        Length of the rise.

    Returns
    -------
    float
        Above 0, at most `peak`.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm
    restarts", ICLR 2017, without the restarts.
    """
    if step < warmup_steps:
        return peak * (step + 1) / (warmup_steps + 1)
    progress = (step - warmup_steps) / max(1, steps - warmup_steps)
    return peak * (1 + math.cos(math.pi * progress)) / 2


def descend(loss: Tensor, rates: Mapping[Optimizer, float]) -> float:
    """Take one step down the gradient of a loss.

    Parameters
    ----------
    loss : Tensor, scalar
    rates : mapping of Optimizer to float
        Every optimizer's learning rate in this step.

    Returns
    -------
    float
        The loss before the step.

    Raises
    ------
    InputError
        If the loss is not finite.
    """
    value = loss.item()
    if not math.isfinite(value):
        raise InputError(
            f"the loss became {value}: training diverged: lower learning_rate (for train_sr,"
            " kernel_learning_rate too) in params.yaml, then run `dvc repro`"
        )
    for optimizer in rates:
        optimizer.zero_grad()
    loss.backward()
    for optimizer, rate in rates.items():
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
    return value
