"""Small files that people and DVC read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlab.core.errors import InputError
from convlab.core.tables import read_columns, write_csv, write_metrics

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=5))
def test_columns_come_back_as_they_were_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "table.csv"
    write_csv(path, ("step", "loss"), rows)
    assert read_columns(path) == {
        "step": [step for step, _ in rows],
        "loss": [loss for _, loss in rows],
    }


def test_a_column_of_texts_stays_as_it_is(tmp_path):
    write_csv(tmp_path / "table.csv", ("image", "psnr"), [("101085", 31.5), ("a, b", 30.0)])
    columns = read_columns(tmp_path / "table.csv", texts={"image"})
    assert columns == {"image": ["101085", "a, b"], "psnr": [31.5, 30.0]}


def test_a_table_has_the_same_line_ends_everywhere(tmp_path):
    write_csv(tmp_path / "table.csv", ("a", "b"), [(1, "x"), (2, "y")])
    assert (tmp_path / "table.csv").read_bytes() == b"a,b\n1,x\n2,y\n"


@pytest.mark.parametrize(
    "content", ["", "step,loss\n", "step,loss\n1,2\n3", "step,loss\n1,two\n", "step,loss\n1,2,3\n"]
)
def test_a_damaged_table_is_named(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"table\.csv: is truncated or not a table of numbers"):
        read_columns(path)


@pytest.mark.parametrize("lost", range(1, len("20,0.25\n")))
def test_a_table_cut_within_its_last_row_is_named(tmp_path, lost):
    path = tmp_path / "table.csv"
    write_csv(path, ("step", "loss"), [(10, 0.5), (20, 0.25)])
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(InputError, match=r"table\.csv: is truncated or not a table of numbers"):
        read_columns(path)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(InputError, match=r"table\.csv: is missing: run `dvc repro`"):
        read_columns(tmp_path / "table.csv")


def test_metrics_are_json_that_diffs_well(tmp_path):
    write_metrics(tmp_path / "metrics.json", {"cnn": {"accuracy": 0.99}})
    text = (tmp_path / "metrics.json").read_text()
    assert json.loads(text) == {"cnn": {"accuracy": 0.99}}
    assert text.count("\n") == 5


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_metrics_that_are_no_numbers_are_refused_by_name(tmp_path, value):
    metrics = {"x2": {"network": {"ssim": 0.9, "psnr": value}}}
    remedy = r"training diverged: lower its learning rates in params\.yaml"
    with pytest.raises(InputError, match=rf"metric x2\.network\.psnr is {value}: {remedy}"):
        write_metrics(tmp_path / "metrics.json", metrics)
    assert not (tmp_path / "metrics.json").exists()
