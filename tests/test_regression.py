"""Metrics beside metrics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlab.regression import Difference, compare, flatten

NUMBERS = st.integers(-1000, 1000) | st.floats(-1000, 1000)
KEYS = st.sampled_from(["x2", "cnn", "loss", "psnr"])
NESTED = st.dictionaries(KEYS, NUMBERS | st.dictionaries(KEYS, NUMBERS))


def test_flatten_joins_the_keys():
    metrics = {"x2": {"bicubic": {"psnr": 29.5}, "gain": 2}, "steps": 6000}
    assert dict(flatten(metrics)) == {"x2.bicubic.psnr": 29.5, "x2.gain": 2, "steps": 6000}


@given(NESTED)
def test_metrics_are_identical_to_themselves(metrics):
    differences = compare(metrics, metrics, {})
    assert [difference.metric for difference in differences] == sorted(dict(flatten(metrics)))
    assert {difference.verdict for difference in differences} <= {"identical"}


@given(NUMBERS, NUMBERS, st.floats(0, 1000))
def test_a_number_may_be_off_by_the_tolerance(expected, found, tolerance):
    (difference,) = compare({"psnr": expected}, {"psnr": found}, {"psnr": tolerance})
    assert (difference.verdict != "differs") == (abs(expected - found) <= tolerance)
    assert (difference.verdict == "identical") == (expected == found)


@given(NESTED, NESTED)
def test_no_metric_is_overlooked(expected, found):
    before, after = dict(flatten(expected)), dict(flatten(found))
    for difference in compare(expected, found, {"*": 0.5}):
        assert difference.expected == before.pop(difference.metric, None)
        assert difference.found == after.pop(difference.metric, None)
    assert not before
    assert not after


@pytest.mark.parametrize(("expected", "found"), [({}, {"loss": 1.0}), ({"loss": 1.0}, {})])
def test_a_metric_that_is_new_or_vanished_differs(expected, found):
    (difference,) = compare(expected, found, {"*": 1000.0})
    assert difference.verdict == "differs"


def test_a_metric_of_which_no_pattern_speaks_must_be_identical():
    assert compare({"loss": 1.0}, {"loss": 1.0 + 1e-12}, {"psnr": 1.0}) == [
        Difference("loss", 1.0, 1.0 + 1e-12, None)
    ]
    assert Difference("loss", 1.0, 1.0 + 1e-12, None).verdict == "differs"


def test_no_tolerance_is_none_for_large_numbers_too():
    (difference,) = compare({"parameters": 10**10}, {"parameters": 10**10 + 1}, {"*": 0.0})
    assert difference.verdict == "differs"


def test_the_first_pattern_that_fits_counts():
    tolerances = {"*.steps": 0.0, "train.*": 1.0, "*": 5.0}
    metrics = {"train": {"steps": 10, "loss": 10}, "test": {"loss": 10}}
    found = {
        difference.metric: difference.tolerance
        for difference in compare(metrics, metrics, tolerances)
    }
    assert found == {"train.steps": 0.0, "train.loss": 1.0, "test.loss": 5.0}


def test_patterns_mind_upper_case():
    (difference,) = compare({"PSNR": 1.0}, {"PSNR": 2.0}, {"psnr": 5.0})
    assert difference.verdict == "differs"
