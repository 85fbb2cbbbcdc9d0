"""Optimizers and the learning-rate schedule: AdamW, Muon, linear warm-up and cosine decay."""

import math
from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from convlab.core.hidden import hidden_weights
from convlab.core.processes import spread

NEWTON_SCHULZ_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""a, b and c of the polynomial a x + b x^3 + c x^5, chosen by K. Jordan (see `Muon`)."""


def make_adamw(weights: Iterable[Tensor], *, weight_decay: float = 0) -> AdamW:
    """Make an AdamW optimizer; the training loop sets its learning rate at every step.

    Parameters
    ----------
    weights : iterable of Tensor
    weight_decay : float
        At each step, every weight is reduced by this fraction times the learning rate.

    Returns
    -------
    AdamW

    References
    ----------
    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """
    return AdamW(weights, weight_decay=weight_decay, fused=True)


def match_memory_layout(optimizer: Optimizer) -> None:
    """Give loaded moments the memory layout of their weights, which the fused AdamW needs.

    Parameters
    ----------
    optimizer : Optimizer
        Its state is changed.
    """
    for weight, moments in optimizer.state.items():
        for name, moment in moments.items():
            if moment.shape == weight.shape:
                moments[name] = torch.empty_like(weight).copy_(moment)


def learning_rate(step: int, steps: int, peak: float, warmup_steps: int = 0) -> float:
    """Learning rate of a step: a linear warm-up to the peak, then a cosine decay to 0.

    Parameters
    ----------
    step : int
        0 to `steps` - 1.
    steps : int
        Number of steps of the whole training.
    peak : float
    warmup_steps : int
        Number of steps of the warm-up.

    Returns
    -------
    float
        peak (step + 1) / (warmup_steps + 1) during the warm-up, then
        peak (1 + cos(pi t)) / 2, where t rises from 0 to 1.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm
    restarts", ICLR 2017, without the restarts.
    """
    if step < warmup_steps:
        return peak * (step + 1) / (warmup_steps + 1)
    progress = (step - warmup_steps) / max(1, steps - warmup_steps)
    return peak * (1 + math.cos(math.pi * progress)) / 2


class Muon(Optimizer):
    """Nesterov momentum, with the update of each hidden weight made orthogonal.

    A kernel is treated as the matrix (outputs, inputs * height * width). With
    gradient G, momentum mu, learning rate eta and weight decay lambda:

        M <- mu M + (1 - mu) G
        U  = orthogonalize((1 - mu) G + mu M)
        W <- (1 - eta lambda) W - eta sqrt(max(1, rows / columns)) U

    The update then has about the same size in all directions, also in those
    that have a small part in the gradient, so that rare patterns are learned
    as fast as common ones. `torch.optim.Muon` takes matrices only, not kernels.

    Parameters
    ----------
    kernels : iterable of Tensor, shape (outputs, inputs) or (outputs, inputs, height, width)
        May be empty. Not the weights of a transposed convolution, whose first
        two axes are exchanged.
    lr : float
        Learning rate eta.
    momentum : float
        mu, 0 to 1.
    weight_decay : float
        lambda, 0 or more.

    References
    ----------
    K. Jordan et al., "Muon: an optimizer for hidden layers in neural
    networks", 2024, https://kellerjordan.github.io/posts/muon/.
    """

    def __init__(
        self,
        kernels: Iterable[Tensor],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__([{"params": list(kernels)}], defaults)

    @torch.no_grad()
    def step(self) -> None:
        """Update every kernel that has a gradient."""
        for group in self.param_groups:
            same_shape = defaultdict(list)
            for kernel in group["params"]:
                if kernel.grad is not None:
                    same_shape[kernel.flatten(1).shape].append(kernel)
            for kernels in same_shape.values():
                self._update(kernels, group["lr"], group["momentum"], group["weight_decay"])

    def _update(
        self, kernels: list[Tensor], rate: float, momentum: float, weight_decay: float
    ) -> None:
        """Update kernels that are matrices of one shape, all at once because they are small."""
        matrices = torch.stack([self._direction(kernel, momentum) for kernel in kernels])
        factor = max(1, matrices.shape[1] / matrices.shape[2]) ** 0.5
        changes = spread(orthogonalize, matrices)
        for kernel, change in zip(kernels, changes, strict=True):
            kernel.mul_(1 - rate * weight_decay)
            kernel.sub_(change.view(kernel.shape), alpha=rate * factor)

    def _direction(self, kernel: Tensor, momentum: float) -> Tensor:
        state = self.state[kernel]
        if not state:
            state["momentum"] = torch.zeros_like(kernel)
        mean = state["momentum"].lerp_(kernel.grad, 1 - momentum)
        return kernel.grad.lerp(mean, momentum).flatten(1)


def split_weights(network: nn.Module, example: Tensor | None) -> tuple[list[Tensor], list[Tensor]]:
    """Split the trainable weights into the hidden ones and all others.

    Parameters
    ----------
    network : Module
    example : Tensor or None
        An input of the network, see `hidden_weights`. If None, AdamW trains all weights.

    Returns
    -------
    hidden, others : list of Tensor
        For Muon and for AdamW.
    """
    hidden = [] if example is None else hidden_weights(network, example)
    found = {id(weight) for weight in hidden}
    trainable = [weight for weight in network.parameters() if weight.requires_grad]
    return hidden, [weight for weight in trainable if id(weight) not in found]


def orthogonalize(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Set all singular values of matrices to about 1, by Newton-Schulz iteration.

    Parameters
    ----------
    matrices : Tensor, shape (..., rows, columns)
    iterations : int
        After 5, singular values of at least 0.01 of the norm lie between 0.6 and 1.3.

    Returns
    -------
    Tensor, shape (..., rows, columns)
    """
    a, b, c = NEWTON_SCHULZ_COEFFICIENTS
    upright = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if upright else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(iterations):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if upright else x
