"""Exercise 12: three small networks with different padding, and their error at the border."""

from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np
import torch
from checks.hints import NotYet, Unanswered, find, judge, judge_statements
from checks.training import fit
from skimage import data
from torch import Tensor, nn
from torch.nn import functional

from convlab.superres.layers import pixel_shuffle
from convlab.superres.patches import cut, make_pair

SCALE = 2
PATCH = 24
"""LR pixels on a side."""
BORDER = 2
"""HR pixels on each side of the outputs that are measured as the border."""
STEPS = 100
PADDINGS = ("zeros", "replicate", "none")
TRAINING, TEST = (data.camera, data.astronaut, data.coins), (data.chelsea, data.coffee)
STATEMENTS = {
    "a": (
        True,
        "what is the input of a convolution beyond the border, if zeros, which are black, are"
        " added there?",
    ),
    "b": (
        False,
        "without padding, every output pixel has all input pixels that it depends on; there are"
        " only fewer output pixels",
    ),
    "c": (
        True,
        "beyond the border of a photograph, is the next pixel more likely to be similar, or black?",
    ),
    "d": (
        False,
        "look at the error inside: the network without padding learns as well as the others",
    ),
    "e": (
        True,
        "each 3 x 3 convolution removes a pixel on each side: what adds it again?",
    ),
}


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    """Give the three convolutions of a network."""
    if not isinstance(network, nn.Module):
        raise NotYet(f"make_network gives {type(network).__name__}, should be an nn.Sequential")
    found = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    kernels = [layer.kernel_size for layer in found]
    if kernels != [(3, 3)] * 3:
        raise NotYet(f"make_network has convolutions with kernels {kernels}, should be 3 of (3, 3)")
    if (found[0].in_channels, found[-1].out_channels) != (1, SCALE**2):
        raise NotYet(
            "the first convolution takes 1 channel, luminance, and the last gives scale^2 = 4, for"
            " nn.PixelShuffle"
        )
    return found


def run(
    network: nn.Module,
    low: Tensor,
    padding: str,
    relus: tuple[bool, bool, bool] = (True, True, False),
) -> Tensor:
    """Upscale with a network's weights, but with this padding and these activations."""
    values = low
    for layer, relu in zip(convolutions(network), relus, strict=True):
        values = pad(values, 1, padding)
        values = functional.conv2d(values, layer.weight, layer.bias)
        values = values.relu() if relu else values
    return pixel_shuffle(values, SCALE)


def pad(values: Tensor, pixels: int, padding: str) -> Tensor:
    """Pad on all sides, or not at all."""
    if padding == "none":
        return values
    mode = "constant" if padding == "zeros" else padding
    return functional.pad(values, [pixels] * 4, mode)


def mistaken(change: Callable[[str], str]) -> Callable[..., Tensor]:
    """Make a function that uses another padding than its argument."""
    return lambda network, low, padding: run(network, low, change(padding))


OF_NETWORKS = [
    (
        lambda network, low, padding: functional.pixel_unshuffle(run(network, low, padding), 2),
        "nn.PixelShuffle(2) is missing: it rearranges the 4 channels into one image",
    ),
    (
        mistaken(lambda padding: "zeros"),
        "`padding` is ignored, and there are always zeros: see `padding` and `padding_mode` of"
        " nn.Conv2d",
    ),
    (
        mistaken(lambda padding: "none"),
        "nothing is padded: padding=1 keeps the size of an image under a 3 x 3 kernel",
    ),
    (
        mistaken(lambda padding: "zeros" if padding == "none" else padding),
        'without padding ("none") the output must be smaller: padding=0',
    ),
    (
        mistaken(lambda padding: "zeros" if padding == "replicate" else padding),
        '"replicate" pads with zeros: see `padding_mode` of nn.Conv2d',
    ),
    (
        mistaken(lambda padding: "reflect" if padding == "replicate" else padding),
        '"replicate" repeats the edge pixel: your network reflects the image',
    ),
    (
        lambda network, low, padding: run(network, pad(low, 3, padding), "none"),
        "the image is padded once, by 3: pad by 1 before each convolution",
    ),
    (
        lambda network, low, padding: run(network, low, padding, (True, True, True)),
        "there is a ReLU after the last convolution: remove it, because this output is the image",
    ),
    (
        lambda network, low, padding: run(network, low, padding, (False, False, False)),
        "there is no ReLU between the convolutions: three convolutions in a row are like one",
    ),
]
OF_MARGINS = [
    (
        lambda padding: 3 if padding == "none" else 0,
        "those are LR pixels: the output has twice as many on a side",
    ),
    (
        lambda padding: 12 if padding == "none" else 0,
        "this is what both sides lose together: give the number for one side",
    ),
    (
        lambda padding: 2 if padding == "none" else 0,
        "this is what one convolution removes: there are three",
    ),
    (
        lambda padding: 0,
        "without padding the output is smaller than twice the input: by how much, on each side?",
    ),
    (
        lambda padding: 6,
        "with padding nothing is missing",
    ),
]


def check(answer: ModuleType) -> str:
    """Check the networks, train and measure them, and compare the answers to the statements."""
    make_network = find(answer, "make_network")
    networks = {padding: make_network(padding) for padding in PADDINGS}
    for network in networks.values():
        convolutions(network)
    low = torch.rand(1, 1, 9, 8)

    def output(network: nn.Module, low: Tensor, _: str) -> Tensor:
        return network(low)

    cases = [(network, low, padding) for padding, network in networks.items()]
    judge(output, run, cases, OF_NETWORKS)
    margin = find(answer, "margin")
    judge(
        margin,
        lambda padding: 6 if padding == "none" else 0,
        [(padding,) for padding in PADDINGS],
        OF_MARGINS,
    )
    try:
        judge_statements(answer, STATEMENTS)
    except Unanswered as hint:
        hint.measured = train_and_measure(networks, margin)
        raise
    return train_and_measure(networks, margin)


def train_and_measure(networks: dict[str, nn.Module], margin: Callable[[str], int]) -> str:
    """Train each network for a short time, and give its errors at the border and inside."""
    (low, high), test = draw_patches(TRAINING), draw_patches(TEST)
    errors = []
    for padding, network in networks.items():
        targets, truths = (crop(images, margin(padding)) for images in (high, test[1]))
        fit(network, low, targets, functional.l1_loss, steps=STEPS, peak=0.01, batch_size=16)
        with torch.inference_mode():
            squared = (network(test[0]) - truths).square()
        inside = crop(squared, BORDER)
        border = (squared.sum() - inside.sum()) / (squared.numel() - inside.numel())
        at_border, within = (255 * float(mean.sqrt()) for mean in (border, inside.mean()))
        errors.append(f"{padding} {at_border:.1f} and {within:.1f}")
    return f"error at the border and inside, in grey levels: {', '.join(errors)}"


def draw_patches(photos: Sequence[Callable[[], np.ndarray]]) -> tuple[Tensor, Tensor]:
    """Cut photographs into pairs of patches, luminance / 255."""
    pairs = [make_pair(photo(), SCALE) for photo in photos]
    low, high = (
        np.concatenate([cut(plane, size, size) for plane in planes])
        for planes, size in zip(zip(*pairs, strict=True), (PATCH, SCALE * PATCH), strict=True)
    )
    return tuple(torch.from_numpy(part)[:, None].float() / 255 for part in (low, high))


def crop(images: Tensor, pixels: int) -> Tensor:
    """Crop a number of pixels on each side."""
    return images[..., pixels : images.shape[-2] - pixels, pixels : images.shape[-1] - pixels]
