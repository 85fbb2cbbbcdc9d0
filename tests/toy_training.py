"""A training of a network of a few weights, which takes milliseconds.

Programs that tests start import it: they need nothing of pytest, DVC or a browser.
"""

from itertools import count

import torch
from torch import nn

from convlab.core.loop import Training
from convlab.core.optimizers import make_adamw


def norm(network):
    return float(nn.utils.parameters_to_vector(network.parameters()).detach().norm())


class Norm:
    """An evaluation that keeps what it measured, and the mode that it found."""

    def __init__(self):
        self.seen = []

    def __call__(self, network, step):
        self.seen.append([step, network.training])
        return {"norm": norm(network)}

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, state):
        self.seen = state["seen"]


def network():
    torch.manual_seed(0)
    activation = nn.Sequential(nn.ReLU(), nn.Dropout(0.01))
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), activation, nn.Linear(8, 1))


def loss(network, batch):
    inputs, targets = batch
    return (network(inputs) - targets).square().mean()


def batches(first_step):
    for step in count(first_step):
        generator = torch.Generator().manual_seed(step)
        inputs = torch.rand(16, 3, generator=generator)
        yield inputs, inputs.sum(dim=1, keepdim=True)


def training(**changes):
    model = changes.pop("network", None) or network()
    settings = {"batches": batches, "loss": loss, "evaluation": Norm(), "steps": 23, "seed": 7}
    settings |= {"evaluate_at": lambda step: step % 5 == 0, "warmup_steps": 2}
    settings |= {"optimizers": {make_adamw(model.parameters()): 0.05}} | changes
    return Training(network=model, **settings)
