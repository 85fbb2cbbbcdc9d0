"""Exercise 4: the number of parameters of a layer."""


def conv2d_parameters(
    inputs: int, outputs: int, kernel: int, bias: bool = True, groups: int = 1
) -> int:
    """Count the parameters of `nn.Conv2d`.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel : int
        Rows of the kernel, and columns.
    bias : bool
    groups : int
        Input and output channels are split into so many groups of the same size; an output channel
        sees only the input channels of its own group.

    Returns
    -------
    int
    """
    weights = outputs * (inputs // groups) * kernel**2
    return weights + outputs if bias else weights


def linear_parameters(inputs: int, outputs: int, bias: bool = True) -> int:
    """Count the parameters of `nn.Linear`.

    Parameters
    ----------
    inputs, outputs : int
        Numbers that go in and come out.
    bias : bool

    Returns
    -------
    int
    """
    weights = outputs * inputs
    return weights + outputs if bias else weights
