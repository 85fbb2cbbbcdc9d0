"""Training a super-resolution network."""

from collections.abc import Iterator
from functools import partial
from itertools import count, repeat
from typing import Annotated, Any, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from convlab.core.compute import Device, Precision, autocast, open_device, to_channels_last
from convlab.core.loop import Training
from convlab.core.optimizers import Muon, make_adamw, split_weights
from convlab.core.params import Params, Seed
from convlab.core.processes import share, shared
from convlab.imaging.resize import upscale
from convlab.superres.layers import Upscaler, bicubic
from convlab.superres.metrics import mean_psnr
from convlab.superres.patches import Pair
from convlab.superres.upscaling import upscale_luminance
from convlab.superres.windows import Windows


class TrainSr(Params):
    """How a super-resolution network is trained (block `train_sr`)."""

    network: str
    seed: Seed
    steps: Annotated[int, Field(ge=1, le=10**9)]
    batch_size: Annotated[int, Field(ge=1, le=1024)]
    hard_patch_exponent: Annotated[float, Field(ge=0, le=2)]
    muon_learning_rate: Annotated[float, Field(ge=0, le=1)]
    muon_weight_decay: Annotated[float, Field(ge=0, le=1)]
    adamw_learning_rate: Annotated[float, Field(gt=0, le=1)]
    warmup_steps: Annotated[int, Field(ge=0)]
    device: Device
    precision: Precision
    validate_every: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _fits_into_its_steps(self) -> Self:
        if self.warmup_steps >= self.steps:
            raise ValueError(
                f"warmup_steps = {self.warmup_steps} must be below steps = {self.steps}"
            )
        if self.validate_every > self.steps:
            raise ValueError(
                f"validate_every = {self.validate_every} must be at most steps = {self.steps}"
            )
        return self


class PsnrEvaluation:
    """Measures PSNR on the validation images, and keeps the weights with the highest PSNR.

    Parameters
    ----------
    validation : list of Pair
        Whole luminance images, uint8.
    scale : int
    """

    def __init__(self, validation: list[Pair], scale: int) -> None:
        self.low = [pair.low for pair in validation]
        self.high = [pair.high for pair in validation]
        self.scale = scale
        self.bicubic_psnr = self._mean_psnr([upscale(low, scale, "bicubic") for low in self.low])
        self.best_psnr = -np.inf
        self.best_weights: dict[str, Tensor] = {}

    def __call__(self, network: Upscaler, step: int) -> dict[str, float]:
        """Give `validation_psnr` and `bicubic_psnr`, the means over the images, in dB."""
        psnr = self._mean_psnr(list(shared(partial(upscale_luminance, network), self.low)))
        if psnr > self.best_psnr:
            self.best_psnr = psnr
            self.best_weights = {name: each.clone() for name, each in network.state_dict().items()}
        return {"validation_psnr": psnr, "bicubic_psnr": self.bicubic_psnr}

    def state_dict(self) -> dict[str, Any]:
        """Give the best PSNR so far and its weights."""
        return {"best_psnr": self.best_psnr, "best_weights": self.best_weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.best_psnr, self.best_weights = state["best_psnr"], state["best_weights"]

    def _mean_psnr(self, upscaled: list[np.ndarray]) -> float:
        return mean_psnr(self.high, upscaled, crop_border=self.scale)


def make_training(
    network: Upscaler, patches: Pair | Windows, validation: list[Pair], params: TrainSr
) -> Training:
    """Put together what the training loop needs.

    Parameters
    ----------
    network : Upscaler
        It is moved to the device; training changes its weights in place.
    patches : Pair or Windows
        Training patches, uint8, (n, size, size) and (n, scale * size, scale * size): all of them
        in memory, or windows that are read when they are needed.
    validation : list of Pair
        Whole luminance images, uint8.
    params : TrainSr

    Returns
    -------
    Training
        Its `evaluation` is a `PsnrEvaluation`.
    """
    device = open_device(params.device)
    to_channels_last(network.to(device))

    def prepare(some: Pair) -> tuple[Pair, np.ndarray]:
        # Patches stay on the device as bytes; each mini-batch is converted to float32 there.
        on_device = Pair(*(torch.from_numpy(plane).to(device) for plane in some))
        return on_device, cumulative_probabilities(on_device, params.hard_patch_exponent)

    if isinstance(patches, Windows):
        low_side = patches.shards.low_side
        ends = {"last_step": params.steps, "batch_size": params.batch_size}
        parts = partial(patches.parts, prepare=prepare, **ends)
    else:
        low_side, everything = patches.low.shape[-1], prepare(patches)

        def parts(_: int) -> Iterator[tuple[Pair, np.ndarray]]:
            return repeat(everything)

    def batches(first_step: int) -> Iterator[tuple[Tensor, Tensor]]:
        for step, part in zip(count(first_step), parts(first_step), strict=False):
            yield sample(*part, params.batch_size, [params.seed, step])

    def mean_absolute_error(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        low, high = batch
        with autocast(params.precision, device):
            return functional.l1_loss(network(low).float(), high)

    example = torch.zeros(1, 1, low_side, low_side, device=device)
    hidden, others = split_weights(network, example if params.muon_learning_rate else None)
    return Training(
        network=network,
        batches=batches,
        loss=mean_absolute_error,
        optimizers={
            make_adamw(others): params.adamw_learning_rate,
            Muon(hidden, weight_decay=params.muon_weight_decay): params.muon_learning_rate,
        },
        evaluation=PsnrEvaluation(validation, network.scale),
        evaluate_at=lambda step: step % params.validate_every == 0,
        steps=params.steps,
        seed=params.seed,
        warmup_steps=params.warmup_steps,
    )


def cumulative_probabilities(patches: Pair, exponent: float) -> np.ndarray:
    """Cumulative probabilities of drawing patches; those hard for bicubic are drawn more often.

    The sampling weight of a patch is (1 + e^2)^(exponent / 2), where e is the
    root mean square error of bicubic interpolation on it, in grey levels.

    Parameters
    ----------
    patches : Pair of Tensor
        uint8, (n, size, size) and (n, scale * size, scale * size).
    exponent : float
        0 draws all patches equally often.

    Returns
    -------
    ndarray of float64, shape (n,)
        Increasing to 1.
    """
    scale = patches.high.shape[-1] // patches.low.shape[-1]
    squared_errors = np.empty(len(patches.low))  # one array: small ones would fragment the memory
    for start in range(0, len(squared_errors), 1000):
        low, high = (plane[start : start + 1000].unsqueeze(1) for plane in patches)
        error = (bicubic(low.float(), scale) - high).square().mean((1, 2, 3))
        squared_errors[start : start + 1000] = error.cpu()
    weights = (1 + squared_errors) ** (exponent / 2)
    sums = np.cumsum(weights)
    return sums / sums[-1]


def sample(
    patches: Pair, cumulative: np.ndarray, batch_size: int, seed: list[int]
) -> tuple[Tensor, Tensor]:
    """Draw this process's share of a mini-batch, flipped and transposed at random.

    Parameters
    ----------
    patches : Pair of Tensor
        uint8, (n, size, size) and (n, scale * size, scale * size).
    cumulative : ndarray of float64, shape (n,)
        See `cumulative_probabilities`.
    batch_size : int
    seed : list of int
        The same seed gives the same mini-batch.

    Returns
    -------
    low, high : Tensor of float32, shape (share of batch_size, 1, side, side)
        Luminance / 255.
    """
    random = np.random.default_rng(seed)
    drawn = random.random(batch_size)[share(batch_size)]
    chosen = torch.from_numpy(np.searchsorted(cumulative, drawn, side="right"))
    flip_rows, flip_columns, transpose = random.integers(2, size=3)
    tensors = []
    for plane in patches:
        batch = plane[chosen.to(plane.device)].unsqueeze(1).float().div_(255)
        batch = batch.flip([2] * flip_rows + [3] * flip_columns)
        tensors.append(batch.transpose(2, 3) if transpose else batch)
    return tensors[0], tensors[1]
