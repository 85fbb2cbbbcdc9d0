"""The report as one HTML file that asks for nothing else."""

import re
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import vl_convert
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from pydantic import Field

from convlab.errors import InputError
from convlab.params import Params

LARGEST = 8_000_000
"""Bytes of a page that can still be sent by mail."""
MOVING = {
    "digits": ("networks", "curve", "shift", "confusion", "maps", "fields"),
    "embedding": (
        *("width", "frames", "domain", "steps", "accuracies"),
        *("digits", "predicted", "sheet", "columns", "colours"),
    ),
    "photographs": ("scale", "loud", "curve", "rows", "gallery", "shuffle"),
}
"""What the page's script reads; the rest is in its text."""
_EXPOSED = "window.vegaEmbed = vegaEmbed;"


class Photographs(Params, extra="ignore"):
    """Where the photographs are from, of block `download_bsds`."""

    source: Literal["published", "bundled"]


class RenderReport(Params):
    """What the report shows (block `render_report`)."""

    wrong_shown: Annotated[int, Field(ge=1, le=200)]
    atlas_side: Annotated[int, Field(ge=2, le=20)]
    atlas_steps: Annotated[int, Field(ge=1, le=10_000)]
    photographs: Annotated[int, Field(ge=2, le=12)]
    part_size: Annotated[int, Field(ge=32, le=160)]
    quality: Annotated[int, Field(ge=1, le=100)]


def render_page(
    digits: dict[str, Any],
    embedding: dict[str, Any],
    photographs: dict[str, Any],
    making: dict[str, Any],
    *,
    published: bool,
) -> str:
    """Fill the template.

    Parameters
    ----------
    digits, embedding, photographs, making : dict
        What `tell_digits` and the others found, which the template and the
        page's script both read.
    published : bool
        Whether the photographs are BSDS500's, so that published figures may
        stand beside those of this run.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    InputError
        If the page gets larger than `LARGEST`.
    """
    told = {"digits": digits, "embedding": embedding, "photographs": photographs}
    here = files(__package__)
    style, script, template = (
        here.joinpath(name).read_text(encoding="utf-8")
        for name in ("page.css", "page.js", "page.html")
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["rows"] = lambda columns: zip(*columns.values(), strict=True)
    page = environment.from_string(template).render(
        **told,
        making=making,
        published=published,
        data={part: {name: told[part][name] for name in names} for part, names in MOVING.items()},
        style=Markup(style),  # noqa: S704
        script=_inline(script),
        libraries=_inline(_plotting_library()),
    )
    size = len(page.encode())
    if size > LARGEST:
        raise InputError(
            f"the page would have {size:,} bytes, more than {LARGEST:,}: lower"
            " render_report.quality, render_report.part_size or render_report.photographs"
        )
    return page


@cache
def _plotting_library() -> str:
    """Vega-Lite, Vega and Vega-Embed; bundling them takes seconds."""
    return vl_convert.javascript_bundle(_EXPOSED)


def _inline(script: str) -> Markup:
    """A script as it is, but for what would end or comment out its element, all in strings."""
    return Markup(re.sub(r"<(?=/script|!--)", r"\\x3c", script, flags=re.IGNORECASE))  # noqa: S704
