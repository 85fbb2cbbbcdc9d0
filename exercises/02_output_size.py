"""Exercise 2: the size of a convolution's output."""


def output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Compute how many pixels a convolution gives along one axis.

    Parameters
    ----------
    size : int
        Pixels of the input along this axis.
    kernel : int
        Taps of the kernel.
    stride : int
        Pixels from one position of the window to the next.
    padding : int
        Pixels added on each of the two sides.
    dilation : int
        Pixels from one tap to the next: 1 if they are neighbours.

    Returns
    -------
    int
    """
    raise NotImplementedError
