"""Metrics beside metrics, by rules; `tools/regression.py` on two revisions."""

import json
import math
import re
from argparse import ArgumentParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import toy
from conftest import ROOT, git, run
from convlab.core.errors import InputError
from convlab.core.params import check_block, read_block
from convlab.core.tables import flatten
from tools import regression
from tools.commands import resolve
from tools.metrics import REGRESSIONS, Change, Regression, Rule, compare, read_metrics

NUMBERS = st.integers(-1000, 1000) | st.floats(-1000, 1000)
KEYS = st.sampled_from(["x2", "cnn", "loss", "psnr"])
NESTED = st.dictionaries(KEYS, NUMBERS | st.dictionaries(KEYS, NUMBERS))
HIGHER = Rule(better="higher", tolerance=1000.0)


def declared():
    return read_block(ROOT / "params.yaml", "regression", Regression)


@given(NESTED, NESTED)
def test_every_metric_of_either_side_is_compared(before, after):
    old, new = dict(flatten(before)), dict(flatten(after))
    changes = compare(before, after, Regression({"*": HIGHER}))
    assert [change.metric for change in changes] == sorted(old | new)
    assert {change.metric: change.before for change in changes if change.metric in old} == old
    assert {change.metric: change.after for change in changes if change.metric in new} == new
    same = compare(before, before, Regression({}))
    assert {(change.repetition, change.progress) for change in same} <= {("identical",) * 2}


@given(NUMBERS, NUMBERS, st.floats(0, 1000))
def test_small_changes_pass_and_the_rule_says_which_direction_is_better(before, after, tolerance):
    changes = {
        better: Change("psnr", before, after, Rule(better=better, tolerance=tolerance))
        for better in ("higher", "lower", "unchanged", "either")
    }
    if abs(before - after) <= tolerance:
        verdict = "identical" if before == after else "within tolerance"
        assert {(each.repetition, each.progress) for each in changes.values()} == {(verdict,) * 2}
        return
    assert {each.repetition for each in changes.values()} == {"differs"}
    rises = after > before
    assert {better: each.progress for better, each in changes.items()} == {
        "higher": "better" if rises else "worse",
        "lower": "worse" if rises else "better",
        "unchanged": "worse",
        "either": "changed",
    }


@pytest.mark.parametrize(
    ("before", "after", "rule", "verdict"),
    [
        (1.0, None, HIGHER, "vanished"),
        (None, 1.0, HIGHER, "new"),
        (None, 1.0, None, "no rule"),
        (1.0, 1.5, None, "no rule"),
        (1.0, math.nan, HIGHER, "not a number"),
        (math.nan, math.nan, HIGHER, "not a number"),
        (1.0, "fine", HIGHER, "not a number"),
        (0, True, HIGHER, "not a number"),
        (1.0, 10**400, HIGHER, "not a number"),
        (10**10, 10**10 + 1, Rule(better="lower", tolerance=0.0), "worse"),
    ],
)
def test_what_cannot_be_compared_is_said(before, after, rule, verdict):
    change = Change("psnr", before, after, rule)
    assert change.progress == verdict
    assert change.repetition == "differs"
    assert (verdict in REGRESSIONS) == (verdict != "new")


def test_the_first_pattern_that_fits_counts():
    rules = {"*.steps": 0.0, "train.*": 1.0, "*": 5.0}
    rules = Regression(
        {name: HIGHER.model_copy(update={"tolerance": t}) for name, t in rules.items()}
    )
    names = ("train.steps", "train.loss", "TRAIN.loss")
    assert [rules.rule(name).tolerance for name in names] == [0.0, 1.0, 5.0]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"better": "up", "tolerance": 0}, "regression.*.better = 'up': should be 'higher'"),
        ({"better": "lower"}, "regression.*.tolerance: is missing"),
        ({"better": "lower", "tolerance": -1}, "(allowed: 0 or more)"),
        ({"better": "lower", "tolerance": math.nan}, "regression.*.tolerance = nan"),
        (0.5, "regression.*: must have these keys indented below it: better, tolerance"),
    ],
)
def test_a_bad_rule_is_named_with_what_is_allowed(tmp_path, rule, message):
    with pytest.raises(InputError) as caught:
        check_block(tmp_path / "params.yaml", "regression", {"*": rule}, Regression)
    assert message in str(caught.value)


@pytest.mark.parametrize("method", ["network", "network_ensemble", "gain"])
@pytest.mark.parametrize("name", ["psnr", "ssim"])
def test_an_improvement_of_the_network_passes_and_a_loss_does_not(method, name):
    metric = f"evaluate_sr_x3.{method}.{name}"
    assert Change(metric, 0.8, 0.9, declared().rule(metric)).progress == "better"
    assert Change(metric, 0.9, 0.8, declared().rule(metric)).progress == "worse"


def test_every_metric_in_git_has_a_rule_and_every_rule_a_metric(monkeypatch):
    monkeypatch.chdir(ROOT)
    metrics, rules = dict(flatten(read_metrics("HEAD"))), declared()
    used = {metric: rules.rule(metric) for metric in metrics}
    assert None not in used.values(), used
    # A rule that fits none has a typo in its pattern.
    assert all(any(rule is one for one in used.values()) for rule in rules.root.values())


@pytest.fixture(scope="module")
def branches(tmp_path_factory):
    """Give a repository whose branch `worse` has a lower accuracy than `main`."""
    folder = tmp_path_factory.mktemp("branches")
    git(folder, "init", "--initial-branch=main")
    (folder / "metrics").mkdir()
    for branch, accuracy in (("main", 0.9), ("worse", 0.8)):
        git(folder, "checkout", "-B", branch)
        text = json.dumps({"accuracy": accuracy, "loss": 0.5})
        (folder / "metrics/score.json").write_text(text)
        (folder / "params.yaml").write_text(toy.FILES["params.yaml"])
        toy.commit(folder)
    return folder


@pytest.fixture
def check(branches, monkeypatch, capsys):
    """Call the script on a branch; give whether it passes, and what it prints."""

    def check(branch, *arguments):
        git(branches, "checkout", branch)
        parser = ArgumentParser()
        regression.add_options(parser)
        passed = regression.main(parser.parse_args(arguments))
        return passed, capsys.readouterr().out

    monkeypatch.chdir(branches)
    return check


def test_a_worse_metric_fails_and_is_named(check):
    passed, table = check("worse", "--base", "main")
    assert not passed
    (row,) = [line for line in table.splitlines() if line.startswith("score.accuracy")]
    assert row.endswith("worse")
    conclusion = "Failed against main: 1 worse, 1 identical; look at score.accuracy"
    assert table.splitlines()[-1] == conclusion


def test_against_itself_and_against_a_worse_base_it_passes(check):
    assert check("worse", "--base", "worse")[0]
    passed, text = check("main", "--base", "worse", "--json")
    assert passed
    report = json.loads(text)
    assert report["passed"] is True
    assert [row["verdict"] for row in report["metrics"]] == ["better", "identical"]


def test_its_exit_status_says_whether_it_passes(branches):
    git(branches, "checkout", "worse")
    script = str(ROOT / "src/tools/regression.py")
    done = run(branches, script, "--base", "main", "--markdown")
    assert done.returncode == 1
    assert "| score.accuracy |" in done.stdout


def test_an_unknown_base_is_named(check):
    for base in ("nowhere", "", "HEAD:metrics"):
        with pytest.raises(InputError, match=f"'{base}' names no commit here"):
            check("main", "--base", base)


def test_in_a_shallow_clone_it_says_what_brings_the_base(branches, tmp_path, monkeypatch):
    git(branches, "checkout", "worse")
    source = branches.absolute().as_uri()
    git(tmp_path, "clone", "--depth=1", "--branch=worse", source, "clone")
    monkeypatch.chdir(tmp_path / "clone")
    with pytest.raises(InputError, match="names no commit here: this clone is shallow") as caught:
        resolve("main")
    fetch, every = re.findall("`git ([^`]*)`", str(caught.value))
    git(Path(), *fetch.split())
    assert len(resolve("main")) == 40
    git(Path(), *every.split())
    assert git(Path(), "rev-parse", "--is-shallow-repository") == "false\n"


def test_a_base_without_metrics_or_with_a_broken_one_is_named(branches, check):
    git(branches, "checkout", "-b", "empty", "main")
    git(branches, "rm", "-r", "metrics")
    git(branches, "commit", "--message=No metrics")
    with pytest.raises(InputError, match="at empty: no metrics there"):
        check("main", "--base", "empty")
    git(branches, "checkout", "-b", "broken", "main")
    (branches / "metrics/score.json").write_text("[" * 100_000)
    toy.commit(branches)
    with pytest.raises(InputError, match=r"at broken: metrics.score\.json: is not JSON"):
        check("main", "--base", "broken")
