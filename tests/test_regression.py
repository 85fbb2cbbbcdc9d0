"""Metrics beside metrics, by rules; `src/regression.py` on two revisions."""

import json
import math
from argparse import ArgumentParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import regression
import toy
from conftest import ROOT, git, run
from convlab.errors import InputError
from convlab.params import check_block, read_block
from convlab.tables import flatten
from repository.metrics import REGRESSIONS, Change, Regression, Rule, compare

NUMBERS = st.integers(-1000, 1000) | st.floats(-1000, 1000)
KEYS = st.sampled_from(["x2", "cnn", "loss", "psnr"])
NESTED = st.dictionaries(KEYS, NUMBERS | st.dictionaries(KEYS, NUMBERS))
RULES = st.builds(
    Rule,
    better=st.sampled_from(["higher", "lower", "unchanged", "either"]),
    tolerance=st.floats(0, 1000),
)


def rules(**patterns):
    return Regression(patterns)


def higher(tolerance):
    return Rule(better="higher", tolerance=tolerance)


def test_flatten_joins_the_keys():
    metrics = {"x2": {"bicubic": {"psnr": 29.5}, "gain": 2}, "steps": 6000}
    assert dict(flatten(metrics)) == {"x2.bicubic.psnr": 29.5, "x2.gain": 2, "steps": 6000}


@given(NESTED)
def test_metrics_are_identical_to_themselves(metrics):
    changes = compare(metrics, metrics, rules())
    assert [change.metric for change in changes] == sorted(dict(flatten(metrics)))
    assert {change.repetition for change in changes} <= {"identical"}
    assert {change.progress for change in changes} <= {"identical"}


@given(NUMBERS, NUMBERS, RULES)
def test_a_number_may_be_off_by_the_tolerance(before, after, rule):
    change = Change("psnr", before, after, rule)
    close = abs(before - after) <= rule.tolerance
    assert (change.repetition != "differs") == close
    assert (change.repetition == "identical") == (before == after)
    assert (change.progress in ("identical", "within tolerance")) == close


@given(NUMBERS, NUMBERS, st.floats(0, 1000))
def test_what_is_better_one_way_is_worse_the_other(before, after, tolerance):
    verdicts = {
        better: Change("psnr", before, after, Rule(better=better, tolerance=tolerance)).progress
        for better in ("higher", "lower", "unchanged", "either")
    }
    if abs(before - after) > tolerance:
        assert verdicts["higher"] == ("better" if after > before else "worse")
        assert verdicts["lower"] == ("better" if after < before else "worse")
        assert verdicts["unchanged"] == "worse"
        assert verdicts["either"] == "changed"


@given(NESTED, NESTED)
def test_no_metric_is_overlooked(before, after):
    old, new = dict(flatten(before)), dict(flatten(after))
    for change in compare(before, after, rules(**{"*": higher(0.5)})):
        assert change.before == old.pop(change.metric, None)
        assert change.after == new.pop(change.metric, None)
    assert not old
    assert not new


@pytest.mark.parametrize(
    ("before", "after", "rule", "verdict"),
    [
        (1.0, None, higher(1000), "vanished"),
        (None, 1.0, higher(1000), "new"),
        (None, 1.0, None, "no rule"),
        (1.0, 1.5, None, "no rule"),
        (1.0, math.nan, higher(1000), "not a number"),
        (math.nan, 1.0, higher(1000), "not a number"),
        (math.nan, math.nan, higher(1000), "not a number"),
        (1.0, "fine", higher(1000), "not a number"),
        (1.0, math.inf, higher(1000), "not a number"),
        (0, True, higher(1000), "not a number"),
        (1.0, 10**400, higher(1000), "not a number"),
    ],
)
def test_what_cannot_be_compared_is_said(before, after, rule, verdict):
    change = Change("psnr", before, after, rule)
    assert change.progress == verdict
    assert change.repetition == "differs"
    assert (verdict in REGRESSIONS) == (verdict != "new")


def test_no_tolerance_is_none_for_large_numbers_too():
    assert Change("parameters", 10**10, 10**10 + 1, higher(0.0)).repetition == "differs"


def test_the_first_pattern_that_fits_counts():
    found = rules(**{"*.steps": higher(0.0), "train.*": higher(1.0), "*": higher(5.0)})
    names = ("train.steps", "train.loss", "test.loss")
    assert [found.rule(name).tolerance for name in names] == [0.0, 1.0, 5.0]


def test_patterns_mind_upper_case():
    assert rules(psnr=higher(5.0)).rule("PSNR") is None


@pytest.mark.parametrize("tolerance", [-1, math.nan, math.inf, "0.1"])
def test_a_tolerance_is_a_finite_number(tolerance):
    with pytest.raises(ValidationError):
        Rule(better="higher", tolerance=tolerance)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"*": {"better": "up", "tolerance": 0}}, "regression.*.better = 'up': should be 'higher'"),
        ({"*": {"better": "lower"}}, "regression.*.tolerance: is missing"),
        (
            {"*": {"better": "lower", "tolerance": 0, "x": 1}},
            "regression.*.x: unknown key (known: better, tolerance)",
        ),
        ({"*": 0.5}, "regression.*: must have these keys indented below it: better, tolerance"),
        ({"*": {"better": "lower", "tolerance": -1}}, "(allowed: 0 or more)"),
    ],
)
def test_a_bad_rule_is_named_with_what_is_allowed(tmp_path, block, message):
    with pytest.raises(InputError) as caught:
        check_block(tmp_path / "params.yaml", "regression", block, Regression)
    assert message in str(caught.value)


def test_every_committed_metric_has_a_rule_and_every_rule_a_metric():
    declared = read_block(ROOT / "params.yaml", "regression", Regression)
    files = list((ROOT / "metrics").glob("*.json"))
    assert len(files) == 4
    metrics = dict(flatten({file.stem: json.loads(file.read_text()) for file in files}))
    used = {metric: declared.rule(metric) for metric in metrics}
    assert None not in used.values(), used
    # A rule that fits none has a typo in its pattern.
    assert all(any(rule is one for one in used.values()) for rule in declared.root.values())


@pytest.fixture(scope="module")
def branches(tmp_path_factory):
    """Give a checkout whose branch `worse` has a lower accuracy than `main`."""
    folder = tmp_path_factory.mktemp("branches")
    toy.make(folder)
    git(folder, "checkout", "-b", "worse")
    metrics = folder / "metrics" / "score.json"
    values = json.loads(metrics.read_text())
    metrics.write_text(json.dumps(values | {"accuracy": values["accuracy"] - 0.1}))
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


def test_against_itself_it_passes(check):
    assert check("worse", "--base", "worse")[0]
    assert check("main", "--base", "main")[0]


def test_against_a_worse_base_it_passes(check):
    passed, text = check("main", "--base", "worse", "--json")
    assert passed
    report = json.loads(text)
    assert report["passed"] is True
    assert [row["verdict"] for row in report["metrics"]] == ["better", "identical"]


def test_it_needs_neither_data_nor_model(branches, tmp_path):
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--branch", "worse", str(branches), str(clone))
    assert not (clone / "model.bin").exists()
    done = run(clone, str(ROOT / "src" / "regression.py"), "--base", "origin/main", "--markdown")
    assert done.returncode == 1
    assert "| score.accuracy |" in done.stdout


def test_an_unknown_base_is_named(check):
    for base in ("nowhere", "", "HEAD:metrics"):
        with pytest.raises(InputError, match=f"'{base}' names no commit here"):
            check("main", "--base", base)


def test_a_base_without_metrics_is_no_base(branches, check):
    git(branches, "checkout", "--orphan", "empty")
    git(branches, "commit", "--allow-empty", "--message=Empty")
    git(branches, "rm", "--cached", "-r", "metrics")
    git(branches, "commit", "--message=No metrics")
    git(branches, "checkout", "--force", "main")
    with pytest.raises(InputError, match="at empty: no metrics there"):
        check("main", "--base", "empty")


def test_a_broken_metric_file_is_named_with_its_revision(branches, check):
    git(branches, "checkout", "-b", "broken", "main")
    (branches / "metrics" / "score.json").write_text("[" * 100_000)
    toy.commit(branches)
    with pytest.raises(InputError, match=r"at broken: metrics.score\.json: is not JSON"):
        check("main", "--base", "broken")
