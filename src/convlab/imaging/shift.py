"""Moving images sideways, to see who minds."""

from typing import Annotated

import numpy as np
from pydantic import Field

from convlab.params import Params

DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))
"""One pixel (down, right): to the right, left, down, up."""


class EvaluateCnn(Params):
    """How the digit networks are measured (block `evaluate_cnn`)."""

    max_shift: Annotated[int, Field(ge=2, le=14)]
    wrong_shown: Annotated[int, Field(ge=1, le=200)]


def shift(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Move images; what leaves is lost, what comes in is 0.

    Parameters
    ----------
    images : ndarray, shape (n, height, width)
    down, right : int
        Pixels; negative ones move up and left.

    Returns
    -------
    ndarray, shape (n, height, width)
    """
    _, height, width = images.shape
    moved = np.zeros_like(images)
    moved[:, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = images[
        :, max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return moved
