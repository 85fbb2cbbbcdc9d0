"""What the README shows is what the repository holds."""

import re
import subprocess

import pytest

from conftest import ROOT
from convlab.errors import InputError
from render_readme import COMPARISON, replace_between, tables

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tables_hold_the_figures_of_the_metrics(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert replace_between(README, "results", tables()) == README


def test_the_comparison_is_the_one_that_was_made(monkeypatch):
    monkeypatch.chdir(ROOT)
    table = COMPARISON.read_text(encoding="utf-8").rstrip()
    assert replace_between(README, "comparison", table) == README


def test_every_local_link_and_picture_is_there():
    targets = re.findall(r"\]\(([^)#:]+)\)|src=\"([^\":]+)\"", README)
    paths = {path for pair in targets for path in pair if path}
    assert {path for path in paths if path.endswith(".png")}
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_make_help_is_shown_as_it_is():
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert f"$ make help\n{shown}```" in README


def test_a_readme_without_marks_is_refused():
    with pytest.raises(InputError, match="<!-- results -->"):
        replace_between("no marks", "results", "table")
