"""Exercise 3: the receptive field of a stack of layers."""


def receptive_field(layers: list[tuple[int, int, int]]) -> int:
    """Compute the side of the receptive field of the last layer, in pixels of the image.

    Parameters
    ----------
    layers : list of tuple of int
        Kernel, stride and dilation of each layer; the input of the first layer is the image.

    Returns
    -------
    int
        1 without any layer.
    """
    raise NotImplementedError
