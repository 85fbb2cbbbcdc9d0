"""The report as one HTML file that needs no other file and no network."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic import Field

from convlab.core.errors import InputError
from convlab.core.params import Params

MAX_PAGE_BYTES = 8_000_000
"""Size of a page that can still be sent by mail."""
SCRIPT_DATA = {
    "digits": ("curve", "shift", "confusion", "examples", "maps", "fields"),
    "embedding": (
        *("width", "frames", "domain", "steps", "accuracies"),
        *("labels", "predictions", "sheet", "columns", "colours"),
    ),
    "superres": ("curves", "scale", "error_gain", "rows", "gallery", "shuffle"),
    "live": ("kernel", "cnn", "mlp", "upscaler"),
}
"""Keys of each section that the page's script reads; the template reads all."""
WEB = Path(__file__).parent / "web"
"""Templates, styles and scripts."""
SCRIPTS = (
    *("page", "plots", "kernel", "resize", "network", "colour", "tiles"),
    *("draw", "digits", "convolution", "embedding"),
    *("explorer", "photo", "residual", "viewer", "photographs", "start"),
)
"""The modules of the page's script; each imports from those before it only."""
WORKER = ("kernel", "resize", "network", "colour", "tiles", "pixels", "worker")
"""Those of the script that upscales beside the page."""
STYLES = ("page", "draw", "digits", "convolution", "embedding", "photo", "residual", "explorer")
_EXPOSE_VEGA = "window.vegaEmbed = vegaEmbed;"


class RenderReport(Params):
    """How the report is made (block `render_report`)."""

    atlas_side: Annotated[int, Field(ge=2, le=20)]
    atlas_steps: Annotated[int, Field(ge=1, le=10_000)]
    quality: Annotated[int, Field(ge=1, le=100)]


def render_page(
    digits: dict[str, Any],
    embedding: dict[str, Any],
    superres: dict[str, Any],
    live: dict[str, Any],
    provenance: dict[str, Any],
    *,
    published: bool,
) -> str:
    """Fill the template.

    Parameters
    ----------
    digits, embedding, superres, live, provenance : dict
        From `digits_section` and the other functions of that kind.
    published : bool
        Whether the photographs are BSDS500's, so that published results may be
        shown beside those of this run.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    InputError
        If the page is larger than `MAX_PAGE_BYTES`.
    """
    sections = {"digits": digits, "embedding": embedding, "superres": superres, "live": live}
    environment = Environment(
        loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["rows"] = lambda columns: zip(*columns.values(), strict=True)
    page = environment.get_template("page.html").render(
        **sections,
        provenance=provenance,
        published=published,
        data={
            section: {key: sections[section][key] for key in keys}
            for section, keys in SCRIPT_DATA.items()
        },
        style=Markup("".join((WEB / f"{name}.css").read_text("utf-8") for name in STYLES)),  # noqa: S704
        script=_inline(bundle(SCRIPTS)),
        worker=_inline(bundle(WORKER)),
        libraries=_inline(_plotting_library()),
    )
    size = len(page.encode())
    if size > MAX_PAGE_BYTES:
        raise InputError(
            f"the page would have {size:,} bytes, more than {MAX_PAGE_BYTES:,}: lower"
            " render_report.quality, evaluate_sr.crop_size or evaluate_sr.gallery_images in"
            " params.yaml"
        )
    return page


def bundle(modules: Sequence[str]) -> str:
    """Make one script of JavaScript modules, without their imports and exports.

    Parameters
    ----------
    modules : sequence of str
        Names of files of `WEB`, without the suffix; each imports from those before it only, and
        no two give a name to different things.

    Returns
    -------
    str
    """
    texts = ((WEB / f"{name}.js").read_text(encoding="utf-8") for name in modules)
    return "".join(re.sub(r"^import .*\n|^export ", "", text, flags=re.MULTILINE) for text in texts)


@cache
def _plotting_library() -> str:
    """Vega-Lite, Vega and Vega-Embed; bundling them takes seconds."""
    return vl_convert.javascript_bundle(_EXPOSE_VEGA)


def _inline(script: str) -> Markup:
    """Escape what would end the script element; in a script it occurs in strings only."""
    return Markup(re.sub(r"<(?=/script|!--)", r"\\x3c", script, flags=re.IGNORECASE))  # noqa: S704
