"""Pages with a single part of the report, which open at once."""

import base64
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image
from playwright.sync_api import Browser, Locator, Page

from convlab.report.live import KERNEL
from convlab.report.page import SCRIPTS, STYLES, WEB, bundle

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><script>{theme}</script>
<style>{style}</style>
<select id="theme"><option value="auto"></select><main>{body}</main>
<script type="application/json" id="data">{data}</script>
<script type="module">{script}</script></html>"""


def with_imports(module: str) -> list[str]:
    """Name the modules of the page's script that one needs, in their order, and what starts it."""
    wanted, found = [module, "start"], set()
    while wanted:
        found.add(name := wanted.pop())
        script = (WEB / f"{name}.js").read_text("utf-8")
        wanted += set(re.findall(r'^import .* from "\./(\w+)\.js"', script, re.MULTILINE)) - found
    return [each for each in SCRIPTS if each in found]


def leave(report: str, module: str) -> str:
    """Keep only those of the report's scripts that one module needs; nothing is plotted."""
    start = report.index('<script type="module">')
    return f'{report[:start]}<script type="module">{bundle(with_imports(module))}</script></html>'


@contextmanager
def open_section(
    browser: Browser, template: str, sections: dict[str, Any], **options: Any
) -> Iterator[Page]:
    """Open a page with one template, filled with these sections; it must log nothing.

    `options` are those of a browser's context.
    """
    sections["live"]["kernel"] = base64.b64encode(KERNEL.read_bytes()).decode()
    environment = Environment(
        loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined
    )
    text = PAGE.format(
        theme=bundle(["theme"]),
        style="".join((WEB / f"{name}.css").read_text("utf-8") for name in STYLES),
        body=environment.get_template(f"{template}.html").render(**sections),
        data=json.dumps(sections).replace("<", "\\u003c"),
        script=bundle(with_imports(template)),
    )
    logged = []
    with TemporaryDirectory() as folder, browser.new_context(**options) as context:
        file = Path(folder) / "section.html"
        file.write_text(text, "utf-8")
        page = context.new_page()
        page.on("console", lambda message: logged.append(message.text))
        page.on("pageerror", lambda error: logged.append(str(error)))
        page.goto(file.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready=yes]")
        yield page
    assert logged == []


def canvas_colours(page: Page, selector: str) -> np.ndarray:
    """Give the colours of a canvas, uint8, shape (height, width, 3)."""
    uri = page.eval_on_selector(selector, "canvas => canvas.toDataURL()")
    picture = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
    return np.asarray(picture.convert("RGB"))


def digit_shown(sprite: Locator) -> np.ndarray:
    """Give the digit that a sprite shows, range 0 to 255, shape (28, 28).

    A place between two pixels lets the ground show at the edge of a screenshot, so that is cut off.
    """
    shown = Image.open(io.BytesIO(sprite.screenshot())).convert("L")
    width, height = shown.size
    inside = shown.crop((1, 1, width - 1, height - 1))
    return np.asarray(inside.resize((28, 28), Image.Resampling.BOX), float)
