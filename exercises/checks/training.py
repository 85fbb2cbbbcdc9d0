"""Short trainings of some seconds, to show the effect of an exercise."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def fit(
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    steps: int,
    peak: float,
    batch_size: int,
) -> None:
    """Train a network with AdamW and a learning rate that rises and falls once.

    Parameters
    ----------
    network : Module
        Its weights change in place; it is in evaluation mode afterwards.
    inputs, targets : Tensor, shape (n, ...)
    loss : callable
        Function of the network's output and the targets.
    steps : int
    peak : float
        Largest learning rate.
    batch_size : int
        Number of inputs that are drawn at every step.
    """
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=steps)
    network.train()
    for _ in range(steps):
        chosen = torch.randint(len(inputs), (batch_size,), generator=generator)
        optimizer.zero_grad()
        loss(network(inputs[chosen]), targets[chosen]).backward()
        optimizer.step()
        schedule.step()
    network.eval()
