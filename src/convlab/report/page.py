"""The report as one HTML file that asks for nothing else."""

from importlib.resources import files
from typing import Annotated, Any

import vl_convert
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from pydantic import Field

from convlab.errors import InputError
from convlab.params import Params

LARGEST = 8_000_000
"""Characters of a page that can still be sent by mail."""
_EXPOSED = "window.vegaEmbed = vegaEmbed;"


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

    Raises
    ------
    InputError
        If the page gets larger than `LARGEST`.
    """
    here = files(__package__)
    style, script, template = (
        here.joinpath(name).read_text(encoding="utf-8")
        for name in ("page.css", "page.js", "page.html")
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page = environment.from_string(template).render(
        digits=digits,
        embedding=embedding,
        photographs=photographs,
        making=making,
        published=published,
        data={"digits": digits, "embedding": embedding, "photographs": photographs},
        style=_verbatim(style),
        script=_verbatim(script),
        libraries=_verbatim(vl_convert.javascript_bundle(_EXPOSED)),
    )
    if len(page) > LARGEST:
        raise InputError(
            f"the page would have {len(page):,} characters, more than {LARGEST:,}: lower"
            " render_report.quality, render_report.part_size or render_report.photographs"
        )
    return page


def _verbatim(text: str) -> Markup:
    """A style or a script as it is, but for what would end or comment out its element."""
    return Markup(text.replace("</script", r"<\/script").replace("<!--", r"<\!--"))  # noqa: S704
