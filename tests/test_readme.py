"""What the README shows is what the repository holds."""

import re
import subprocess

import pytest

from conftest import ROOT
from convlab.core.errors import InputError
from tools.metrics import read_metrics
from tools.render_readme import COMPARISON, replace_between, superresolution_table, tables

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tables_hold_the_figures_of_the_metrics_in_git(monkeypatch):
    # Not those of the workspace: a run on another processor gives others.
    monkeypatch.chdir(ROOT)
    assert replace_between(README, "results", tables(read_metrics("HEAD"))) == README


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
