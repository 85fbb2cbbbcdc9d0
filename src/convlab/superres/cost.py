"""What a network costs: multiply-adds, and the arithmetic of a training."""

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from convlab.superres.layers import Upscaler
from convlab.superres.training import TrainSr

LOW_SIDE = 24
"""LR pixels on a side of the image for which multiply-adds are counted."""
FLOATING_POINT_OPERATIONS = 6
"""Per multiply-add in a training step: two operations, once forward and twice backward."""


def multiply_adds(network: Upscaler) -> int:
    """Count the multiply-adds for one high-resolution pixel.

    Counts convolutions, matrix products and attention, as papers do. Attention
    over the whole image is counted for an image of 24 x 24 pixels.

    Parameters
    ----------
    network : Upscaler

    Returns
    -------
    int
        One megapixel of output takes a million times as many.
    """
    low = torch.zeros(1, 1, LOW_SIDE, LOW_SIDE, device=next(network.parameters()).device)
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        # Attention as matrix products, because the counter does not know its fast kernels.
        with (
            torch.no_grad(),  # not inference_mode: weight_norm computes its kernels in the pass
            sdpa_kernel(SDPBackend.MATH),
            FlopCounterMode(display=False) as counter,
        ):
            network(low)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return round(counter.get_total_flops() / 2 / (network.scale * LOW_SIDE) ** 2)


def training_pflop(multiply_adds: int, params: TrainSr, high_side: int) -> float:
    """Give the length of a training in arithmetic, because minutes differ between machines.

    Parameters
    ----------
    multiply_adds : int
        Multiply-adds for one high-resolution pixel.
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
