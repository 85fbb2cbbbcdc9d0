"""An activation atlas in small: what a network wants to see, all over a layout of what it saw."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from convlab.nets.cnn import Cnn

RATE = 0.1
"""Of Adam, on the pixels' logits."""
ROUGHNESS = 0.01
"""Weight of the total variation: without it, pictures are speckled; with ten times it, grey."""


def cells(points: np.ndarray, side: int, *, least: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """Cut the square around some points into a grid, and say who is where.

    Parameters
    ----------
    points : ndarray of float, shape (n, 2)
        Right and up.
    side : int
        Cells on a side of the grid.
    least : int
        Cells with fewer points are left out.

    Yields
    ------
    row, column : int
        From the top and from the left.
    members : ndarray of int
        Indices of the points in that cell.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    reach = float((high - low).max()) or 1.0
    corner = (low + high - reach) / 2
    place = np.clip(((points - corner) / reach * side).astype(int), 0, side - 1)
    for row in range(side):
        for column in range(side):
            members = np.flatnonzero((place[:, 0] == column) & (place[:, 1] == side - 1 - row))
            if len(members) >= least:
                yield row, column, members


def excite(network: Cnn, targets: np.ndarray, *, steps: int) -> np.ndarray:
    """Find inputs that excite a CNN's embedding in given directions.

    Starting from grey, pixels climb the gradient of the embedding's product
    with the target, whose length does not count, times the cosine of their
    angle, less the total variation, which keeps pictures smooth. The cosine
    counts as 0.1 at least: below zero, the product of both would grow again.

    Parameters
    ----------
    network : Cnn
    targets : ndarray of float, shape (n, width of the embedding)
        Mean activations, say.
    steps : int

    Returns
    -------
    ndarray of uint8, shape (n, 28, 28)

    References
    ----------
    S. Carter et al., "Exploring neural networks with activation atlases",
    Distill, 2019. C. Olah, A. Mordvintsev, L. Schubert, "Feature
    visualization", Distill, 2017.
    """
    wanted = functional.normalize(torch.from_numpy(targets).float(), dim=1)
    logits = torch.zeros(len(wanted), 1, 28, 28, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=RATE)
    for _ in range(steps):
        pictures = logits.sigmoid()
        _, embedding = network(pictures)
        product = (embedding * wanted).sum(dim=1)
        cosine = functional.cosine_similarity(embedding, wanted)
        loss = -(product * cosine.clamp(min=0.1)).sum() + ROUGHNESS * _total_variation(pictures)
        (logits.grad,) = torch.autograd.grad(loss, logits)
        optimizer.step()
    return logits.detach().sigmoid().mul(255).round().byte().squeeze(1).numpy()


def _total_variation(pictures: Tensor) -> Tensor:
    """Sum of absolute differences between neighbouring pixels."""
    down = pictures.diff(dim=2).abs().sum()
    return down + pictures.diff(dim=3).abs().sum()
