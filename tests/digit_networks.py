"""Digit networks as students write them, without the parts that the project's own have."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Functional(nn.Module):
    """ReLU as a function; dilation, stride, weight normalization, BatchNorm and Dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 10)  # built first, called last
        self.wide = nn.Conv2d(1, 4, kernel_size=(3, 5), padding=2, dilation=2)  # (b, 4, 28, 24)
        self.norm = nn.BatchNorm2d(4)
        down = nn.Conv2d(4, 4, kernel_size=1, stride=2)  # (b, 4, 14, 12)
        self.down = nn.utils.parametrizations.weight_norm(down)
        self.drop = nn.Dropout(0.5)

    def forward(self, digits: Tensor) -> tuple[Tensor, Tensor]:
        maps = functional.relu(self.down(self.norm(self.wide(digits))))
        embedding = self.drop(maps).mean(dim=(2, 3))
        return self.last(embedding), embedding


class Attention(nn.Module):
    """Attention over the 16 patches of 7 x 7 pixels, with learned positions, called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(16, 8))
        self.embed = nn.Conv2d(1, 8, kernel_size=7, stride=7)  # (b, 8, 4, 4)
        self.attention = nn.MultiheadAttention(8, num_heads=2, batch_first=True)
        self.last = nn.Linear(8, 10)

    def forward(self, digits: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.embed(digits).flatten(start_dim=2).mT + self.positions  # (b, 16, 8)
        for _ in range(2):
            tokens = tokens + self.attention(tokens, tokens, tokens)[0]
        embedding = tokens.mean(dim=1)
        return self.last(embedding), embedding


class Narrow(nn.Module):
    """An embedding of one number."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 1, kernel_size=28, bias=False)
        self.last = nn.Linear(1, 10)

    def forward(self, digits: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.first(digits).flatten(start_dim=1)
        return self.last(embedding), embedding
