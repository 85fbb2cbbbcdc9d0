"""Training a super-resolution network; it can be broken off and taken up again."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from convlab.compute import Device, Precision, autocast, open_device
from convlab.imaging.measure import quality
from convlab.imaging.patches import Pair
from convlab.imaging.resize import upscale
from convlab.nets.edsr import EdsrSettings
from convlab.nets.espcn import EspcnSettings
from convlab.nets.fsrcnn import FsrcnnSettings
from convlab.nets.layers import bicubic
from convlab.nets.subpixel import SubPixelSettings
from convlab.nets.superres import NETWORKS, multiply_adds, upscale_luminance
from convlab.nets.upscaler import Upscaler
from convlab.nets.weights import count_parameters
from convlab.params import Params, Scale, Seed
from convlab.training.checkpoint import pack, unpack
from convlab.training.muon import Muon, split_weights
from convlab.training.optimisation import descend, learning_rate, make_optimizer


class TrainSr(Params):
    """How the super-resolution network is trained (block `train_sr`)."""

    scale: Scale
    model: Literal[tuple(NETWORKS)]
    fsrcnn: FsrcnnSettings
    espcn: EspcnSettings
    edsr: EdsrSettings
    subpixel: SubPixelSettings
    seed: Seed
    steps: Annotated[int, Field(ge=1, le=10**9)]
    batch_size: Annotated[int, Field(ge=1, le=1024)]
    detail: Annotated[float, Field(ge=0, le=2)]
    kernel_learning_rate: Annotated[float, Field(gt=0, le=1)]
    kernel_weight_decay: Annotated[float, Field(ge=0, le=1)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    warmup_steps: Annotated[int, Field(ge=0)]
    device: Device
    precision: Precision
    validate_every: Annotated[int, Field(ge=1)]

    @property
    def design(self) -> dict[str, int | str]:
        """What the model is built with: the scale, and what it leaves open."""
        settings = getattr(self, self.model, None)
        return {"scale": self.scale, **(settings.model_dump() if settings else {})}

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


class Point(NamedTuple):
    """A point of the training curve."""

    step: int
    """Steps taken."""
    loss: float
    """Mean absolute error since the point before; luminance in 0-1."""
    validation_psnr: float
    """Mean over the validation images, in dB."""
    bicubic_psnr: float
    """What bicubic interpolation reaches there, in dB."""


class Training:
    """A training: the network, where it stands, and the best weights so far.

    Every step draws its patches from a random generator of its own, seeded by
    the training's seed and the step's number, and the learning rate follows
    from the step: so a training that is taken up from `state` ends with the
    same weights, bit for bit, as one that was never broken off.

    Parameters
    ----------
    patches : Pair
        Training patches, uint8, (n, size, size) and (n, scale * size, scale * size).
    validation : list of Pair
        Whole luminance images, uint8.
    params : TrainSr
    """

    def __init__(self, patches: Pair, validation: list[Pair], params: TrainSr) -> None:
        torch.manual_seed(params.seed)
        self.params = params
        self.device = open_device(params.device)
        # All on the device as bytes: a mini-batch is picked and made float32 there.
        self.patches = Pair(*(torch.from_numpy(plane.copy()).to(self.device) for plane in patches))
        self.chances = chances(self.patches, params.detail)
        self.validation = validation
        self.network = self._build()
        self.optimizers = self._make_optimizers()
        self.bicubic_psnr = mean_psnr(
            validation, [upscale(pair.low, params.scale, "bicubic") for pair in validation]
        )
        self.curve: list[Point] = []
        self.best = self._weights()
        self.step = 0

    def run(self) -> Iterator[float]:
        """Train, a step each time the next loss is asked for.

        After every `validate_every` steps and the last one, `curve` has a new
        point and `best` the weights with the highest validation PSNR.

        Yields
        ------
        float
            The mini-batch's mean absolute error, luminance in 0-1.
        """
        params, losses = self.params, []
        while self.step < params.steps:
            seed = [params.seed, self.step]
            low, high = sample(self.patches, self.chances, params.batch_size, seed)
            with autocast(params.precision, self.device):
                loss = functional.l1_loss(self.network(low).float(), high)
            rates = {
                optimizer: learning_rate(
                    self.step, steps=params.steps, peak=peak, warmup_steps=params.warmup_steps
                )
                for optimizer, peak in self.optimizers.items()
            }
            value = descend(loss, rates)
            losses.append(value)
            self.step += 1
            if self.step % params.validate_every == 0 or self.step == params.steps:
                self._validate(float(np.mean(losses)))
                losses = []
            yield value

    def best_network(self) -> Upscaler:
        """The network with the weights of the highest validation PSNR."""
        network = self._build()
        network.load_state_dict(self.best)
        return network

    def metrics(self) -> dict[str, float]:
        """Where the training stands, in numbers for a metrics file."""
        return {
            "loss": round(self.curve[-1].loss, 6),
            "validation_psnr": round(max(point.validation_psnr for point in self.curve), 4),
            "parameters": count_parameters(self.network),
            "multiply_adds": multiply_adds(self.network),
            "steps": self.step,
        }

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What it takes to go on from a point of the curve: tensors and notes."""
        best = {f"best.{name}": tensor for name, tensor in self.best.items()}
        return pack(self.network, list(self.optimizers)) | best, {"curve": self.curve}

    def resume(self, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        unpack(tensors, self.network, list(self.optimizers))
        self.best = {
            name.removeprefix("best."): tensor
            for name, tensor in tensors.items()
            if name.startswith("best.")
        }
        self.curve = [Point(*point) for point in notes["curve"]]
        self.step = self.curve[-1].step

    def _build(self) -> Upscaler:
        network = NETWORKS[self.params.model](**self.params.design)
        # Convolutions on the CPU are a third faster with the channels last in memory.
        return network.to(self.device, memory_format=torch.channels_last)

    def _make_optimizers(self) -> dict[Optimizer, float]:
        """Muon for the kernels of the hidden convolutions, AdamW for all else; their peak rates."""
        params, (kernels, others) = self.params, split_weights(self.network)
        muon = Muon(kernels, weight_decay=params.kernel_weight_decay)
        return {make_optimizer(others): params.learning_rate, muon: params.kernel_learning_rate}

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self.network.state_dict().items()}

    def _validate(self, loss: float) -> None:
        best = max((point.validation_psnr for point in self.curve), default=-np.inf)
        upscaled = [upscale_luminance(self.network, pair.low) for pair in self.validation]
        psnr = mean_psnr(self.validation, upscaled)
        self.curve.append(Point(self.step, loss, psnr, self.bicubic_psnr))
        if psnr > best:
            self.best = self._weights()


def chances(patches: Pair, detail: float) -> np.ndarray:
    """Say how often to draw each patch: the more, the more bicubic interpolation lacks there.

    Parameters
    ----------
    patches : Pair of Tensor
        uint8, (n, size, size) and (n, scale * size, scale * size).
    detail : float
        Power of bicubic's root mean square error, in grey levels and 1 more, to which a patch's
        chance is proportional; 0: all alike.

    Returns
    -------
    ndarray of float64, shape (n,)
        The chance of each patch or one before it: ends with 1.
    """
    scale = patches.high.shape[-1] // patches.low.shape[-1]
    groups = zip(*(plane.unsqueeze(1).split(1000) for plane in patches), strict=True)
    errors = [
        (bicubic(low.float(), scale) - high).square().mean((1, 2, 3)).double().cpu()
        for low, high in groups
    ]
    sums = np.cumsum((1 + torch.cat(errors).numpy()) ** (detail / 2))
    return sums / sums[-1]


def sample(
    patches: Pair, chances: np.ndarray, count: int, seed: list[int]
) -> tuple[Tensor, Tensor]:
    """Draw patches, flipped and transposed at random.

    Parameters
    ----------
    patches : Pair of Tensor
        uint8, (n, size, size) and (n, scale * size, scale * size).
    chances : ndarray of float64, shape (n,)
        See `chances`.
    count : int
    seed : list of int
        The same seed gives the same patches.

    Returns
    -------
    low, high : Tensor of float32, shape (count, 1, side, side)
        Luminance / 255.
    """
    random = np.random.default_rng(seed)
    chosen = torch.from_numpy(np.searchsorted(chances, random.random(count), side="right"))
    down, right, diagonal = random.integers(2, size=3)
    tensors = []
    for plane in patches:
        batch = plane[chosen.to(plane.device)].unsqueeze(1).float().div_(255)
        batch = batch.flip([2] * down + [3] * right)
        tensors.append(batch.transpose(2, 3) if diagonal else batch)
    return tensors[0], tensors[1]


def mean_psnr(pairs: list[Pair], upscaled: list[np.ndarray]) -> float:
    """Mean PSNR in dB over whole images, as the test measures it.

    Parameters
    ----------
    pairs : list of Pair
        The truth, and the low resolution that was upscaled.
    upscaled : list of ndarray of uint8
        An image for each pair, of the size of its truth.
    """
    psnrs = [
        quality(pair.high, image, shave=len(pair.high) // len(pair.low)).psnr
        for pair, image in zip(pairs, upscaled, strict=True)
    ]
    return float(np.mean(psnrs))
