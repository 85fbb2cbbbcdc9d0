"""Exercise 12: padding, and the border of an image."""

from torch import nn


def make_network(padding: str) -> nn.Sequential:
    """Build a network that upscales luminance by 2, with three 3 x 3 convolutions.

    1 channel becomes 16, 16 become 16, and 16 become 4, with a ReLU after the first convolution
    and after the second. `nn.PixelShuffle` makes the 4 channels one image.

    Parameters
    ----------
    padding : {"zeros", "replicate", "none"}
        What is added around the input of every convolution, one pixel wide: zeros, the edge pixel
        repeated, or nothing.

    Returns
    -------
    Sequential
        Maps (batch, 1, h, w) to (batch, 1, 2 h, 2 w); with "none", to a smaller image.
    """
    pixels = 0 if padding == "none" else 1
    mode = "zeros" if padding == "none" else padding

    def convolution(inputs: int, outputs: int) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, kernel_size=3, padding=pixels, padding_mode=mode)

    return nn.Sequential(
        convolution(1, 16),
        nn.ReLU(),
        convolution(16, 16),
        nn.ReLU(),
        convolution(16, 4),
        nn.PixelShuffle(2),
    )


def margin(padding: str) -> int:
    """Give the number of HR pixels that are missing on each side of the network's output.

    Parameters
    ----------
    padding : {"zeros", "replicate", "none"}

    Returns
    -------
    int
        0 if the output is twice as high and as wide as the input.
    """
    return 6 if padding == "none" else 0


# The statements are in 12_padding.md. First run the check, then write True or False.
ANSWERS = {
    "a": True,
    "b": False,
    "c": True,
    "d": False,
    "e": True,
}
