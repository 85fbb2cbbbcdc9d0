"""Look inside a super-resolution network, at the input of its pixel shuffle."""

import numpy as np
from torch import nn

from convlab.superres.layers import PixelShuffle, Upscaler
from convlab.superres.upscaling import upscale_luminance


def shuffled_features(network: Upscaler, low: np.ndarray) -> np.ndarray | None:
    """Give the channels that a network's pixel shuffle rearranges into its output.

    Parameters
    ----------
    network : Upscaler
    low : ndarray of uint8, shape (h, w)

    Returns
    -------
    ndarray of float32, shape (scale^2, h, w), or None
        None if the network has no pixel shuffle, several, or one that gives several channels.
    """
    inputs = []
    hooks = [
        layer.register_forward_hook(lambda _, arguments, __: inputs.append(arguments[0][0]))
        for layer in network.modules()
        if isinstance(layer, PixelShuffle | nn.PixelShuffle)
    ]
    try:
        upscale_luminance(network, low)
    finally:
        for hook in hooks:
            hook.remove()
    shape = (network.scale**2, *low.shape)
    if len(inputs) != 1 or inputs[0].shape != shape:
        return None
    return inputs[0].cpu().numpy()
