"""Muon: momentum whose every step is orthogonal, for the kernels of hidden convolutions."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the polynomial a x + b x^3 + c x^5, by K. Jordan."""


class Muon(Optimizer):
    """Gradient descent with Nesterov momentum, each kernel's step made orthogonal.

    A kernel is taken as a matrix, outputs by all else. All directions in
    which its outputs can change are changed about equally, however small
    their part in the gradient: rare patterns are learned as fast as common
    ones. torch's own `Muon` takes matrices only, no kernels.

    Parameters
    ----------
    kernels : iterable of Tensor, shape (outputs, inputs, height, width)
    lr : float
        Learning rate: about the spectral norm of a step, of a kernel with no
        more outputs than it has inputs times taps.
    momentum : float
        Share of the former mean gradient in the new one, 0 to 1.
    weight_decay : float
        Share of every weight, times the rate, that each step takes from it.

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
        super().__init__(kernels, defaults)

    @torch.no_grad()
    def step(self) -> None:
        """Change every kernel that has a gradient."""
        for group in self.param_groups:
            rate, momentum = group["lr"], group["momentum"]
            for kernel in group["params"]:
                state = self.state[kernel]
                if not state:
                    state["mean"] = torch.zeros_like(kernel)
                mean = state["mean"].lerp_(kernel.grad, 1 - momentum)
                ahead = kernel.grad.lerp(mean, momentum).flatten(1)
                tall = max(1, ahead.shape[0] / ahead.shape[1]) ** 0.5
                kernel.mul_(1 - rate * group["weight_decay"])
                kernel.sub_(orthogonal(ahead).view_as(kernel), alpha=rate * tall)


def split_weights(network: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """Take a network's weights apart: kernels of hidden convolutions, and all else.

    The first and the last convolution are not hidden: pixels go into the one
    and come out of the other, so that their steps need not be balanced.

    Returns
    -------
    kernels, others : list of Tensor
    """
    weights = list(network.parameters())
    hidden = {id(kernel) for kernel in [each for each in weights if each.ndim == 4][1:-1]}
    return (
        [each for each in weights if id(each) in hidden],
        [each for each in weights if id(each) not in hidden],
    )


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """Set all singular values of a matrix to about 1, by Newton-Schulz iteration.

    Parameters
    ----------
    matrix : Tensor, shape (rows, columns)
    steps : int
        After 5, what was at least 0.01 of the norm is between 0.6 and 1.3.

    Returns
    -------
    Tensor, shape (rows, columns)
    """
    a, b, c = NEWTON_SCHULZ
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(steps):
        square = wide @ wide.T
        wide = a * wide + (b * square + c * square @ square) @ wide
    return wide.T if matrix.shape[0] > matrix.shape[1] else wide
