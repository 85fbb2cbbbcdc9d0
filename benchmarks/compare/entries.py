"""The networks that are compared, and their published results."""

from typing import Any, NamedTuple

from convlab.core.weights import network_names
from convlab.superres.published import EDSR_BASELINE, FSRCNN, SRCNN, VDSR, Published
from convlab.superres.upscaling import NETWORKS

SCALE = 2


class Entry(NamedTuple):
    """A network of the comparison."""

    name: str
    network: str
    """Name of the network, as in `train_sr.network`."""
    settings: dict[str, Any]
    """Settings of the network that differ from params.yaml."""
    published: Published | None


KNOWN = [
    Entry("srcnn", "srcnn", {}, SRCNN),
    Entry("fsrcnn", "fsrcnn", {"upsampling": "transposed"}, FSRCNN),
    Entry("espcn", "espcn", {"upsampling": "pixel_shuffle"}, None),
    Entry("espcn, transposed", "espcn", {"upsampling": "transposed"}, None),
    Entry("espcn, resize", "espcn", {"upsampling": "resize"}, None),
    Entry("vdsr", "vdsr", {}, VDSR),
    Entry(
        "edsr, 16 x 64",
        "edsr",
        {"channels": 64, "blocks": 16, "upsampling": "pixel_shuffle"},
        EDSR_BASELINE,
    ),
    Entry("subpixel", "subpixel", {}, None),
]
"""ESPCN's paper has no figures for B100 at x2."""
LEFT_OUT = "student"
"""It is a starting point for other networks, and has only 25 multiply-adds per pixel."""
OTHERS = sorted({*network_names(NETWORKS)} - {LEFT_OUT, *(entry.network for entry in KNOWN)})
ENTRIES = KNOWN + [Entry(name, name, {}, None) for name in OTHERS]
"""Every other file of superres/networks is compared."""
