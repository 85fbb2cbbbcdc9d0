"""What a network costs: multiply-adds, and the arithmetic of a training."""

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from convlab.superres.layers import Upscaler
from convlab.superres.training import TrainSr

LOW_SIDE = 24
"""LR pixels on a side of the image for which multiply-adds are counted."""
FLOATING_POINT_OPERATIONS = 6
"""Of a multiply-add in a training step: two operations each, forward once and backward twice."""


def multiply_adds(network: Upscaler) -> int:
    """Count the multiply-adds for one high-resolution pixel.

    Those of convolutions, matrix products and attention, as papers count them;
    of attention over the whole image, for one of 24 x 24 pixels.

    Parameters
    ----------
    network : Upscaler

    Returns
    -------
    int
        A megapixel needs a million times as many.
    """
    low = torch.zeros(1, 1, LOW_SIDE, LOW_SIDE, device=next(network.parameters()).device)
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        # As matrix products: the counter does not know the fast kernels of attention.
        with (
            torch.no_grad(),  # weight_norm computes its kernels as it goes
            sdpa_kernel(SDPBackend.MATH),
            FlopCounterMode(display=False) as counter,
        ):
            network(low)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return round(counter.get_total_flops() / 2 / (network.scale * LOW_SIDE) ** 2)


def training_pflop(multiply_adds: int, params: TrainSr, high_side: int) -> float:
    """Give the length of a training in arithmetic: minutes differ from machine to machine.

    Parameters
    ----------
    multiply_adds : int
        For one high-resolution pixel.
    params : TrainSr
    high_side : int
        HR pixels on a side of a patch.

    Returns
    -------
    float
        steps * batch_size * HR pixels of a patch * multiply-adds for each * 6 / 10^15.
    """
    operations = FLOATING_POINT_OPERATIONS * multiply_adds * high_side**2
    return params.steps * params.batch_size * operations / 10**15
