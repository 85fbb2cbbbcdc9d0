"""Who takes part, and what was published about them."""

from typing import Any, NamedTuple

SCALE = 2


class Published(NamedTuple):
    """A paper's figures on B100 at x2, and how they came about."""

    psnr: float
    """dB."""
    ssim: float
    training: str


class Entry(NamedTuple):
    """A network of the comparison."""

    name: str
    model: str
    """As `train_sr.model`."""
    settings: dict[str, Any]
    """What is open in that model, where it differs from params.yaml."""
    published: Published | None


ENTRIES = [
    Entry("srcnn", "srcnn", {}, Published(31.36, 0.8879, "ImageNet, for days")),
    Entry(
        "fsrcnn",
        "fsrcnn",
        {"upsampling": "transposed"},
        Published(31.53, 0.8920, "91 images, then with General-100, for days"),
    ),
    Entry("espcn", "espcn", {"upsampling": "pixel_shuffle"}, None),
    Entry("espcn, transposed", "espcn", {"upsampling": "transposed"}, None),
    Entry("espcn, resize", "espcn", {"upsampling": "resize"}, None),
    Entry(
        "vdsr",
        "vdsr",
        {},
        Published(31.90, 0.8960, "291 images at three scales, 4 h on a GPU"),
    ),
    Entry(
        "edsr, 16 x 64",
        "edsr",
        {"channels": 64, "blocks": 16, "upsampling": "pixel_shuffle"},
        Published(32.16, 0.8994, "DIV2K (800 photographs of 2K), 300,000 steps on a GPU"),
    ),
    Entry("subpixel", "subpixel", {}, None),
]
"""The published figures are those that later papers repeat: N. Ahn et al., "Fast, accurate, and
lightweight super-resolution with cascading residual network", ECCV 2018, table 1; of EDSR's
baseline Z. Hui et al., "Lightweight image super-resolution with information multi-distillation
network", ACM Multimedia 2019. ESPCN's paper has none for B100 at x2."""
