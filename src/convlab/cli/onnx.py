"""Export networks as ONNX, and compare their outputs with torch."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from convlab.core.errors import InputError
from convlab.superres.layers import Upscaler

MAX_DIFFERENCE = 1 / 255
"""Largest difference allowed between ONNX Runtime and torch: one grey level."""


def export_superres(network: Upscaler, path: Path) -> float:
    """Write a super-resolution network as ONNX.

    Its input `low`, float32 of shape (batch, 1, height, width), is luminance
    (Y of BT.601 in studio range) divided by 255. Its output `high` is
    luminance, `scale` times as high and wide, not clipped. The file's metadata
    says so, too.

    Parameters
    ----------
    network : Upscaler
    path : Path

    Returns
    -------
    float
        The largest difference between ONNX Runtime and torch.

    Raises
    ------
    InputError
        If it exceeds `MAX_DIFFERENCE`.
    """
    metadata = {
        "scale": network.scale,
        "input": "low: float32 (batch, 1, height, width), luminance / 255",
        "output": "high: float32 (batch, 1, scale * height, scale * width), luminance / 255",
        "colour_range": "Y of ITU-R BT.601, studio range, 16 to 235; clip and round to 8 bits",
    }
    axes = {"low": {0: "batch", 2: "height", 3: "width"}}
    _export(network, path, (2, 1, 24, 32), axes=axes, outputs=["high"], metadata=metadata)
    return _compare(network, path, [(1, 1, 17, 40), (3, 1, 32, 9)])


def export_digits(network: nn.Module, path: Path) -> float:
    """Write a digit network as ONNX.

    Its input `digit`, float32 of shape (batch, 1, 28, 28), is grey levels
    divided by 255, 0 for paper and 1 for ink; its outputs are `logits`,
    (batch, 10), and `embedding`, (batch, width of the last layer).

    Parameters
    ----------
    network : Module
    path : Path

    Returns
    -------
    float
        The largest difference between ONNX Runtime and torch.

    Raises
    ------
    InputError
        If it exceeds `MAX_DIFFERENCE`.
    """
    metadata = {
        "input": "digit: float32 (batch, 1, 28, 28), grey levels / 255",
        "output": "logits: float32 (batch, 10); their softmax is the probabilities of 0 to 9",
        "colour_range": "0 (paper) to 1 (ink): bright on black, in a box of 20 x 20, centred",
    }
    outputs = ["logits", "embedding"]
    axes = {"digit": {0: "batch"}}
    _export(network, path, (2, 1, 28, 28), axes=axes, outputs=outputs, metadata=metadata)
    return _compare(network, path, [(1, 1, 28, 28), (7, 1, 28, 28)])


def _export(
    network: nn.Module,
    path: Path,
    shape: tuple[int, ...],
    *,
    axes: dict[str, dict[int, str]],
    outputs: list[str],
    metadata: dict[str, int | str],
) -> None:
    """Trace the network on an input of this shape, and write it; the sizes of `axes` may vary."""
    name = type(network).__module__.rpartition(".")[-1]  # name of the network's file
    try:
        program = torch.onnx.export(
            network,
            (torch.rand(shape),),
            dynamo=True,
            verbose=False,
            input_names=list(axes),
            output_names=outputs,
            dynamic_shapes=tuple(axes.values()),
        )
    except torch.onnx.OnnxExporterError as error:
        cause = next((line for line in str(error).splitlines() if line.startswith("<class")), error)
        raise InputError(
            f"the network '{name}' cannot be written as ONNX, where operations must not depend on"
            f" the values of tensors ({cause})"
        ) from error
    metadata = {"convlab": version("convlab"), "network": name} | metadata
    program.model.metadata_props.update({key: str(value) for key, value in metadata.items()})
    program.save(path)


def _compare(network: nn.Module, path: Path, shapes: list[tuple[int, ...]]) -> float:
    """Run ONNX Runtime and torch on random inputs; give the largest difference."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    generator, differences = torch.Generator().manual_seed(0), []
    for shape in shapes:
        example = torch.rand(shape, generator=generator)
        with torch.inference_mode():
            outputs = network(example)
        expected = [outputs] if isinstance(outputs, Tensor) else outputs
        actual = session.run(None, {name: example.numpy()})
        differences += [
            float(np.abs(theirs - ours.numpy()).max())
            for theirs, ours in zip(actual, expected, strict=True)
        ]
    if not max(differences) <= MAX_DIFFERENCE:  # also true for NaN
        raise InputError(f"ONNX Runtime differs from torch by {max(differences):.3g}: not written")
    return max(differences)
