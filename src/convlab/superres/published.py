"""Published results on B100, to be compared with what is measured here."""

from typing import NamedTuple

from convlab.superres.metrics import Quality


class Published(NamedTuple):
    """A network's results, and how it was trained."""

    name: str
    year: int
    parameters: dict[int, str]
    """Number of parameters by scale, in thousands (K) or millions (M)."""
    training: str
    """What it was trained on, and for how long."""
    paper: str
    """URL of the paper."""
    quality: dict[int, Quality]
    """PSNR and SSIM on B100, by scale."""


SRCNN = Published(
    name="SRCNN",
    year=2016,
    parameters=dict.fromkeys((2, 3, 4), "57 K"),
    training="ImageNet, for days",
    paper="https://arxiv.org/abs/1501.00092",
    quality={2: Quality(31.36, 0.8879), 3: Quality(28.41, 0.7863), 4: Quality(26.90, 0.7101)},
)
FSRCNN = Published(
    name="FSRCNN",
    year=2016,
    parameters=dict.fromkeys((2, 3, 4), "12 K"),
    training="91 images, then with General-100, for days",
    paper="https://arxiv.org/abs/1608.00367",
    quality={2: Quality(31.53, 0.8920), 3: Quality(28.53, 0.7910), 4: Quality(26.98, 0.7150)},
)
VDSR = Published(
    name="VDSR",
    year=2016,
    parameters=dict.fromkeys((2, 3, 4), "665 K"),
    training="291 images at three scales, 4 h on a GPU",
    paper="https://arxiv.org/abs/1511.04587",
    quality={2: Quality(31.90, 0.8960), 3: Quality(28.82, 0.7976), 4: Quality(27.29, 0.7251)},
)
MEMNET = Published(
    name="MemNet",
    year=2017,
    parameters=dict.fromkeys((2, 3, 4), "677 K"),
    training="291 images at three scales, 5 days on a GPU",
    paper="https://arxiv.org/abs/1708.02209",
    quality={2: Quality(32.08, 0.8978), 3: Quality(28.96, 0.8001), 4: Quality(27.40, 0.7281)},
)
IMDN = Published(
    name="IMDN",
    year=2019,
    parameters={2: "694 K", 3: "703 K", 4: "715 K"},
    training="DIV2K (800 photographs of 2K)",
    paper="https://arxiv.org/abs/1909.11856",
    quality={2: Quality(32.19, 0.8996), 3: Quality(29.09, 0.8046), 4: Quality(27.56, 0.7353)},
)
EDSR_BASELINE = Published(
    name="EDSR baseline",
    year=2017,
    parameters={2: "1.37 M", 3: "1.55 M", 4: "1.52 M"},
    training="DIV2K (800 photographs of 2K), 300,000 steps on a GPU",
    paper="https://arxiv.org/abs/1707.02921",
    quality={2: Quality(32.16, 0.8994), 3: Quality(29.09, 0.8052), 4: Quality(27.57, 0.7357)},
)
EDSR = Published(
    name="EDSR",
    year=2017,
    parameters={2: "40.7 M", 3: "43.7 M", 4: "43.1 M"},
    training="DIV2K, 8 days on a GPU",
    paper="https://arxiv.org/abs/1707.02921",
    quality={2: Quality(32.32, 0.9013), 3: Quality(29.25, 0.8093), 4: Quality(27.71, 0.7420)},
)
PUBLISHED = (SRCNN, FSRCNN, VDSR, MEMNET, IMDN, EDSR_BASELINE, EDSR)
"""Qualities as cited in later papers: N. Ahn et al., "Fast, accurate, and lightweight
super-resolution with cascading residual network", ECCV 2018, table 1; IMDN and EDSR's baseline:
Z. Hui et al.,
"Lightweight image super-resolution with information multi-distillation network", ACM Multimedia
2019; EDSR: Y. Zhang et al., "Residual dense network for image super-resolution", CVPR 2018."""
