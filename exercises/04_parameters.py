"""Exercise 4: the number of parameters of a layer."""


def conv2d_parameters(
    inputs: int, outputs: int, kernel: int, bias: bool = True, groups: int = 1
) -> int:
    """Count the parameters of `nn.Conv2d`.

    Parameters
    ----------
    inputs, outputs : int
        Numbers of channels.
    kernel : int
        Number of rows of the kernel, and of columns.
    bias : bool
    groups : int
        Input and output channels are split into so many groups of the same size; an output channel
        depends only on the input channels of its own group.

    Returns
    -------
    int
    """
    raise NotImplementedError


def linear_parameters(inputs: int, outputs: int, bias: bool = True) -> int:
    """Count the parameters of `nn.Linear`.

    Parameters
    ----------
    inputs, outputs : int
        How many numbers the layer gets and gives.
    bias : bool

    Returns
    -------
    int
    """
    raise NotImplementedError
