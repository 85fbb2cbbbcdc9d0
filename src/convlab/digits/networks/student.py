"""Your own network for digits: a starting point, simple on purpose.

What every class `Network` must do:

- It is built as `Network(settings=Settings())`.
- `forward` gets digits, a float32 tensor of shape (batch, 1, 28, 28), from 0 (paper) to 1 (ink).
- It returns two tensors: logits of shape (batch, 10), without softmax, which is part of the
  cross-entropy loss; and an embedding of shape (batch, width), with any width: the input of the
  last layer, which t-SNE and the activation atlas show.

Change this file, or copy it to `digits.py` beside it (any name that no super-resolution network
has), add the line `digits: {}` under `networks:` in params.yaml, and write `digits` for `student`:

    make check-network NETWORK=student                      faults? how large? how fast?
    dvc exp run -n first -S train_cnn.network=student       train it, measure it
    dvc exp show                                            compare it (shown as `cnn`) with `mlp`

Ideas, from small to large: more hidden units, a convolution before them, pooling, a second
convolution, Dropout, batch normalization, the mean of each feature map as embedding (does that help
with shifted digits?), residual blocks, attention over patches.
"""

from torch import Tensor, nn

from convlab.core.params import Params


class Settings(Params):
    """There are no settings yet.

    With `hidden: int = 16` here, and `settings.hidden` instead of 16 below, the
    number of units can be set in params.yaml: `networks: student: {hidden: 32}`.
    """


class Network(nn.Module):
    """One hidden layer of 16 units: 12,730 parameters.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        # Try nn.Conv2d(1, 8, kernel_size=5, padding=2) before this layer: it gives (b, 8, 28, 28),
        # and nn.MaxPool2d(2) after it (b, 8, 14, 14). This layer then has 8 * 14 * 14 inputs.
        self.hidden = nn.Linear(28 * 28, 16)
        self.relu = nn.ReLU()
        self.classify = nn.Linear(16, 10)

    def forward(self, digits: Tensor) -> tuple[Tensor, Tensor]:
        """Classify digits.

        Parameters
        ----------
        digits : Tensor, shape (batch, 1, 28, 28)
            Grey levels, 0 (paper) to 1 (ink).

        Returns
        -------
        logits : Tensor, shape (batch, 10)
        embedding : Tensor, shape (batch, 16)
        """
        pixels = digits.flatten(start_dim=1)  # (b, 784)
        embedding = self.relu(self.hidden(pixels))  # (b, 16)
        return self.classify(embedding), embedding
