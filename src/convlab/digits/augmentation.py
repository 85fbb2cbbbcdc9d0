"""Augmentation: turn, resize, slant and shift digits a little, at random."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

ROTATION = np.deg2rad(10)
"""Largest rotation in radians, in both directions."""
RESIZING = 0.1
"""The result shows a part of the plane with 1 - RESIZING to 1 + RESIZING times the image's side."""
SLANT = 0.1
"""Largest shift, in columns, of a row against the next one."""
SHIFT = 2
"""Largest shift in pixels, in each direction."""


def random_affine(digits: Tensor, seed: list[int]) -> Tensor:
    """Apply a different random affine transformation to each digit.

    Outside of the image is background, 0.

    Parameters
    ----------
    digits : Tensor, shape (batch, 1, height, width)
    seed : list of int
        The same seed gives the same transformations.

    Returns
    -------
    Tensor of the same shape
        Interpolated bilinearly.

    References
    ----------
    P. Simard, D. Steinkraus, J. Platt, "Best practices for convolutional
    neural networks applied to visual document analysis", ICDAR 2003.
    """
    count, _, height, width = digits.shape
    rotation, resizing, slant, down, right = np.random.default_rng(seed).uniform(-1, 1, (5, count))
    sine, cosine = np.sin(ROTATION * rotation), np.cos(ROTATION * rotation)
    scale, slant = 1 + RESIZING * resizing, SLANT * slant
    # They map each pixel of the result to the place it is taken from; coordinates are -1 to 1.
    rows = [
        [scale * cosine, scale * (slant * cosine - sine), 2 * SHIFT * right / width],
        [scale * sine, scale * (slant * sine + cosine), 2 * SHIFT * down / height],
    ]
    matrices = torch.from_numpy(np.moveaxis(np.array(rows), -1, 0)).to(digits.dtype)
    grid = functional.affine_grid(matrices, list(digits.shape), align_corners=False)
    return functional.grid_sample(digits, grid, align_corners=False)
