"""Draw DVC's plots into one page that needs no internet, dvc_plots/index.html.

`dvc plots show` writes a page that loads its plotting library from the
internet; here the library is part of the page. Arguments after `--` are passed
to `dvc plots`, for instance: python src/tools/plots.py -- diff main
"""

from argparse import ArgumentParser
from pathlib import Path

import vl_convert

from convlab.core.script import script
from tools.commands import dvc

TEMPLATE = Path(".work/plots.html")


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", default=["show"], help="arguments of `dvc plots`")


def write_template(path: Path) -> None:
    """Write the page that DVC fills, with Vega, Vega-Lite and Vega-Embed in it."""
    library = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    library = library.replace("</script", "<\\/script")
    # DVC's scripts run before the module with the library, so their plots wait for it.
    page = (
        '<!DOCTYPE html><meta charset="utf-8"><title>DVC plots</title>'
        f'<script type="module">{library}\n'
        "for (const draw of window.waiting) draw();</script>"
        "<script>window.waiting = []; window.vegaEmbed = (...plot) =>"
        " window.waiting.push(() => window.vegaEmbed(...plot));</script>"
        "{plot_divs}"
    )
    path.parent.mkdir(exist_ok=True)
    path.write_text(page, encoding="utf-8")


def main(arguments: list[str]) -> None:
    write_template(TEMPLATE)
    dvc("plots", *arguments, "--html-template", str(TEMPLATE.absolute()), folder=Path())


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/plots.lock"), add_options=add_options) as options:
        main(options.arguments)
