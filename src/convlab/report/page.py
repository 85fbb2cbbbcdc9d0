"""Write the report as one HTML file that needs no other file and no internet."""

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
    "digits": ("curve", "shift", "confused", "examples", "maps", "fields"),
    "embedding": (
        *("width", "frames", "domain", "plane", "steps", "accuracies"),
        *("labels", "predictions", "sheet", "columns", "colours", "atlas", "same_class"),
    ),
    "superres": ("curves", "scale", "error_colours", "photographs", "residual"),
    "live": ("kernel", "cnn", "mlp", "upscaler"),
}
"""Keys of each section that the page's script reads; the template reads all keys."""
WEB = Path(__file__).parent / "web"
"""Templates, styles and scripts."""
SCRIPTS = (
    *("page", "plots", "kernel", "resize", "network", "colour", "tiles", "cells"),
    *("mnist", "idle", "pad", "maps", "shifts", "neighbours", "draw"),
    *("digits", "convolution", "plane", "embedding"),
    *("superres", "viewport", "gestures", "pictures", "gains", "explorer"),
    *("photo", "shuffle", "residual", "start"),
)
"""The modules of the page's script; each imports only from those before it."""
WORKER = ("kernel", "resize", "network", "colour", "tiles", "pixels", "upscale", "worker")
"""The modules of the script of the worker, which upscales photographs."""
STYLES = (
    *("page", "architecture", "draw", "digits", "convolution", "embedding"),
    *("photo", "residual", "explorer"),
)
_EXPOSE_VEGA = "window.vegaEmbed = vegaEmbed;"


class RenderReport(Params):
    """How the report is made (block `render_report`)."""

    atlas_side: Annotated[int, Field(ge=2, le=20)]
    atlas_steps: Annotated[int, Field(ge=1, le=10_000)]
    part_size: Annotated[int, Field(ge=32, le=160)]


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
        The results of `digits_section` and the functions of the other sections.
    published : bool
        Whether the photographs are those of BSDS500, so that published results
        can be compared with those of this run.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    InputError
        If the page is larger than `MAX_PAGE_BYTES`.
    """
    if "unknown" not in live["cnn"]:
        digits = digits | {"maps": []}  # the page computes feature maps of the drawing itself
    sections = {"digits": digits, "embedding": embedding, "superres": superres, "live": live}
    environment = Environment(
        loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["anchors"] = link_headings
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
        theme=_inline(bundle(["theme"])),
        script=_inline(bundle(SCRIPTS)),
        worker=_inline(bundle(WORKER)),
        libraries=_inline(_plotting_library()),
    )
    size = len(page.encode())
    if size > MAX_PAGE_BYTES:
        raise InputError(
            f"the page would have {size:,} bytes, more than {MAX_PAGE_BYTES:,}: lower"
            " render_report.part_size or evaluate_sr.gallery_images in params.yaml"
        )
    return page


def link_headings(text: str) -> Markup:
    """Make each heading below the page's title a link to itself.

    The link of a section's own heading (h2) is the section's `id`. Headings below get an `id` of
    the section's and their words, such as "digits-training".

    Parameters
    ----------
    text : str
        HTML whose headings are in sections with an `id`.

    Returns
    -------
    Markup
    """
    section, used = "", set(re.findall(r'\bid="([^"]+)"', text))

    def link(found: re.Match[str]) -> str:
        nonlocal section
        if found["section"]:
            section = found["section"]
            return found[0]
        level, words = found["level"], found["words"]
        if level == "2":
            return f'<h2><a href="#{section}">{words}</a></h2>'
        plain = re.sub(r"<[^>]+>|[^a-z0-9]+", "-", words.lower()).strip("-")
        names = (f"{section}-{plain}{number}" for number in ("", *range(2, 1000)))
        name = next(each for each in names if each not in used)
        used.add(name)
        return f'<h{level} id="{name}"><a href="#{name}">{words}</a></h{level}>'

    parts = r'<section id="(?P<section>[^"]+)"|<h(?P<level>[234])>(?P<words>.*?)</h(?P=level)>'
    return Markup(re.sub(parts, link, text, flags=re.DOTALL))  # noqa: S704


def bundle(modules: Sequence[str]) -> str:
    """Join JavaScript modules into one script; each becomes a function that returns its exports.

    Parameters
    ----------
    modules : sequence of str
        Names of files in `WEB`, without suffix; each imports only from those before it.

    Returns
    -------
    str
    """
    return "".join(map(_wrapped, modules))


def _wrapped(module: str) -> str:
    script = (WEB / f"{module}.js").read_text(encoding="utf-8")
    script = re.sub(
        r'^import (.*) from "\./(\w+)\.js"', r"const \1 = $\2", script, flags=re.MULTILINE
    )
    exported = ", ".join(re.findall(r"^export (?:async )?\w+ (\w+)", script, re.MULTILINE))
    script = re.sub(r"^export ", "", script, flags=re.MULTILINE)
    return f"const ${module} = (() => {{\n{script}return {{ {exported} }};\n}})();\n"


@cache
def _plotting_library() -> str:
    """Bundle Vega-Lite, Vega and Vega-Embed, which takes seconds."""
    return vl_convert.javascript_bundle(_EXPOSE_VEGA)


def _inline(script: str) -> Markup:
    """Escape tags that would end the script element; in a script they occur only in strings."""
    return Markup(re.sub(r"<(?=/script|!--)", r"\\x3c", script, flags=re.IGNORECASE))  # noqa: S704
