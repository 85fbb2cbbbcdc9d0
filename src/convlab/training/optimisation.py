"""One step of training, and the learning rate at that step."""

import math

from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW

from convlab.errors import InputError


def make_optimizer(network: nn.Module, weight_decay: float) -> AdamW:
    """AdamW over all parameters of a network.

    References
    ----------
    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """
    return AdamW(network.parameters(), weight_decay=weight_decay, fused=True)


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


def descend(
    optimizer: AdamW, loss: Tensor, rate: float, *, largest_gradient: float = math.inf
) -> float:
    """Take one step down the gradient of a loss.

    Parameters
    ----------
    optimizer : AdamW
    loss : Tensor, scalar
    rate : float
        Learning rate of this step.
    largest_gradient : float
        Euclidean norm to which a larger gradient, over all parameters, is scaled down.

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
        raise InputError(f"the loss became {value}: training diverged: lower the learning rate")
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()
    clip_grad_norm_(optimizer.param_groups[0]["params"], largest_gradient)
    optimizer.step()
    return value
