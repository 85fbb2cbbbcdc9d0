"""Checks of a digit network before its training."""

from functools import partial

import numpy as np
import torch
from torch import nn

from convlab.core.checks import (
    build_network,
    check_forward,
    check_training,
    check_weights,
    tensors,
)
from convlab.core.errors import InputError
from convlab.core.loop import Training
from convlab.core.params import Params
from convlab.core.weights import find_network
from convlab.digits.prediction import NETWORKS
from convlab.digits.training import Digits, TrainCnn, make_training

BATCH_SIZE = 16
"""Largest number of digits in the mini-batches that a training is tried on."""
OUTPUTS = "logits of shape (batch, 10) and an embedding of shape (batch, width)"


def check_classifier(name: str, settings: Params, params: TrainCnn) -> None:
    """Check all that training and evaluation need from a digit network.

    Parameters
    ----------
    name : str
        Name of the network's file.
    settings : Params
        Settings of the network.
    params : TrainCnn

    Raises
    ------
    InputError
        Names the first fault.
    """
    build = partial(build_network, name, find_network(NETWORKS, name).Network, settings=settings)
    network = build()
    check_weights(name, network)
    for count in (1, 3):
        digits = torch.rand((count, 1, 28, 28), generator=torch.Generator().manual_seed(0))
        outputs = tensors(check_forward(name, network, digits))
        shapes = [tuple(output.shape) for output in outputs]
        if len(shapes) != 2 or shapes[0] != (count, 10) or len(shapes[1]) != 2:
            given = " and ".join(map(str, shapes))
            raise InputError(
                f"{name}: for {count} digits it gives {given}; `forward` must return two tensors:"
                f" {OUTPUTS}"
            )
    logits = outputs[0]
    if (logits >= 0).all() and torch.allclose(logits.sum(1), torch.ones(len(logits))):
        raise InputError(
            f"{name}: its logits are probabilities: remove the softmax, which is part of the"
            " cross-entropy loss"
        )
    small = params.model_copy(update={"batch_size": min(BATCH_SIZE, params.batch_size)})
    check_training(
        name,
        network,
        make=partial(try_training, build, small),
        package=NETWORKS,
        arguments={"settings": settings.model_dump()},
        example=digits,
    )


def try_training(build: partial[nn.Module], params: TrainCnn) -> Training:
    """Make a training on random noise instead of digits.

    Returns
    -------
    Training
    """
    torch.manual_seed(params.seed)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (params.batch_size, 28, 28), np.uint8)
    digits = Digits(images, (np.arange(params.batch_size) % 10).astype(np.uint8))
    return make_training(build(), digits, digits, params)
