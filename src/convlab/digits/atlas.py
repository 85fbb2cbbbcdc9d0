"""A small activation atlas: inputs that maximize the mean embeddings of similar digits."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

LEARNING_RATE = 0.1
"""Learning rate of Adam, which changes the logits of the pixels."""
MIN_COSINE = 0.1
"""Lower bound of the cosine: the product of a negative cosine and a negative e·t would be
positive."""
TOTAL_VARIATION_WEIGHT = 0.01
"""Without the total variation, pictures are speckled; with ten times this weight, they are grey."""


def cells(points: np.ndarray, side: int, *, least: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """Cut the square around points into a grid, and group the points by cell.

    Parameters
    ----------
    points : ndarray of float, shape (n, 2)
        x increases to the right, y upwards.
    side : int
        Number of cells on a side of the grid.
    least : int
        Cells with fewer points are omitted.

    Yields
    ------
    row, column : int
        Position of the cell, counted from the top and from the left.
    members : ndarray of int
        Indices of the points in that cell.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max()) or 1.0
    corner = (low + high - extent) / 2
    place = np.clip(((points - corner) / extent * side).astype(int), 0, side - 1)
    for row in range(side):
        for column in range(side):
            members = np.flatnonzero((place[:, 0] == column) & (place[:, 1] == side - 1 - row))
            if len(members) >= least:
                yield row, column, members


def maximize_activation(network: nn.Module, targets: np.ndarray, *, steps: int) -> np.ndarray:
    """Find pictures whose embeddings are large in given directions.

    Starting from grey pictures, Adam maximizes e·t max(cos(e, t), 0.1) - 0.01 TV
    for each of them, where e is its embedding, t the target scaled to length 1
    and TV the total variation, which keeps the picture smooth.

    Parameters
    ----------
    network : Module
        Maps pictures to logits and embeddings.
    targets : ndarray of float, shape (n, width of the embedding)
        Directions, such as mean embeddings; their lengths have no effect.
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
    directions = functional.normalize(torch.from_numpy(targets).float(), dim=1)
    logits = torch.zeros(len(directions), 1, 28, 28, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=LEARNING_RATE)
    for _ in range(steps):
        pictures = logits.sigmoid()
        _, embedding = network(pictures)
        product = (embedding * directions).sum(dim=1)
        cosine = functional.cosine_similarity(embedding, directions)
        activation = (product * cosine.clamp(min=MIN_COSINE)).sum()
        loss = TOTAL_VARIATION_WEIGHT * _total_variation(pictures) - activation
        (logits.grad,) = torch.autograd.grad(loss, logits)
        optimizer.step()
    return logits.detach().sigmoid().mul(255).round().byte().squeeze(1).numpy()


def _total_variation(pictures: Tensor) -> Tensor:
    """Sum the absolute differences between neighbouring pixels."""
    return pictures.diff(dim=2).abs().sum() + pictures.diff(dim=3).abs().sum()
