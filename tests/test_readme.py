"""What README.md and the other pages show is what the repository holds."""

import re
import subprocess

import pytest

from conftest import ROOT, git
from convlab.core.errors import InputError
from tools.metrics import read_metrics
from tools.render_readme import (
    BENCHMARKS,
    COMPARISON,
    README,
    replace_between,
    superresolution_table,
    tables,
)

PAGES = [ROOT / name for name in git(ROOT, "ls-files", "-z", "*.md").split("\0") if name]


def test_the_tables_hold_the_figures_of_the_metrics_in_git(monkeypatch):
    # Not those of the workspace: a run on another processor gives others.
    monkeypatch.chdir(ROOT)
    written = replace_between(README, "results", tables(read_metrics("HEAD")))
    assert written == README.read_text(encoding="utf-8")


def test_every_scale_that_was_run_has_its_rows():
    score = {"psnr": 30.126, "ssim": 0.81234}
    methods = {"bicubic": score, "network": score, "gain": score}
    metrics = {f"evaluate_sr_x{scale}": methods for scale in (4, 2)}
    metrics |= {f"train_sr_x{scale}": {"parameters": 1000 * scale} for scale in (4, 2)}
    assert superresolution_table(metrics).splitlines()[2:] == [
        "| x2 bicubic | 30.13 | 0.8123 |",
        "| x2 **network** (2,000 parameters) | 30.13 | 0.8123 |",
        "| x4 bicubic | 30.13 | 0.8123 |",
        "| x4 **network** (4,000 parameters) | 30.13 | 0.8123 |",
    ]


def test_metrics_of_a_stage_that_are_missing_are_named():
    with pytest.raises(InputError, match="metrics/ lacks 'evaluate_cnn': run `dvc repro`"):
        tables({"train_cnn": {}})
    with pytest.raises(InputError, match="metrics/ lacks 'evaluate_sr_x2': run `dvc repro`"):
        tables({"train_cnn": {}, "evaluate_cnn": {}, "train_sr_x2": {}})


def test_the_comparison_is_the_one_that_was_made(monkeypatch):
    monkeypatch.chdir(ROOT)
    table = COMPARISON.read_text(encoding="utf-8").rstrip()
    written = replace_between(BENCHMARKS, "comparison", table)
    assert written == BENCHMARKS.read_text(encoding="utf-8")


def anchor(heading: str) -> str:
    """Give the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_local_link_and_picture_is_there(page):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s:]+)\)|src=\"([^\":]+)\"", text)
    for target in filter(None, (target for pair in targets for target in pair)):
        path, _, place = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        if place:
            headings = re.findall(r"^#+ (.*)$", linked.read_text("utf-8"), re.MULTILINE)
            assert place in map(anchor, headings), target


def test_make_help_is_shown_as_it_is():
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    assert f"$ make help\n{shown}```" in page


def test_a_page_without_marks_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(InputError, match=r"page\.md: the lines <!-- results -->"):
        replace_between(page, "results", "table")


def test_the_front_page_is_one_page():
    assert len((ROOT / README).read_text(encoding="utf-8").splitlines()) <= 200
