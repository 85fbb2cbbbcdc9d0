"""For several benchmarks: measure the test images, B100."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np

from convlab.data.photos import read_rgb, split_photos
from convlab.superres.metrics import Quality, quality
from convlab.superres.patches import Pair, make_pair


def read_b100(scale: int) -> list[Pair]:
    """Read the test images of data/raw/bsds500, and downscale them.

    Returns
    -------
    list of Pair
    """
    _, _, photos = split_photos(Path("data/raw/bsds500"))
    return [make_pair(read_rgb(photo), scale) for photo in photos]


def mean_quality(pairs: Sequence[Pair], upscaled: Sequence[np.ndarray], scale: int) -> Quality:
    """Measure upscaled images against the ground truth.

    Returns
    -------
    Quality
        The means over the images.
    """
    each = [
        quality(pair.high, image, crop_border=scale)
        for pair, image in zip(pairs, upscaled, strict=True)
    ]
    return Quality(*map(fmean, zip(*each, strict=True)))
