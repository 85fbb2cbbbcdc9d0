"""`src/verify.py` in a small git repository of metrics."""

import json
import subprocess

import pytest

from conftest import ROOT, run

COMMITTED = {"cnn": {"accuracy": 0.99, "loss": 0.03}, "mlp": {"accuracy": 0.95, "loss": 0.2}}
PARAMS = 'regression: {tolerances: {"*.accuracy": 0.002, "*.cnn.loss": 0.01}}\n'


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "params.yaml").write_text(PARAMS)
    write(tmp_path, COMMITTED)
    for command in (["init"], ["add", "."], ["commit", "--message", "metrics"]):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *identity, *command], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def write(checkout, metrics):
    (checkout / "metrics" / "evaluate_cnn.json").write_text(json.dumps(metrics))


def verify(checkout):
    return run(checkout, str(ROOT / "src" / "verify.py"))


def test_the_same_metrics_are_identical(checkout):
    done = verify(checkout)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("identical") == 4


def test_within_tolerance_passes(checkout):
    write(checkout, COMMITTED | {"cnn": {"accuracy": 0.9885, "loss": 0.03}})
    done = verify(checkout)
    assert done.returncode == 0
    assert done.stdout.count("within tolerance") == 1


@pytest.mark.parametrize(
    ("metric", "changed"),
    [
        ("evaluate_cnn.cnn.accuracy", {"cnn": {"accuracy": 0.98, "loss": 0.03}}),
        ("evaluate_cnn.cnn.loss", {"cnn": {"accuracy": 0.99}}),  # vanished
        ("evaluate_cnn.new", {"new": 1.0}),
        ("evaluate_cnn.mlp.loss", {"mlp": {"accuracy": 0.95, "loss": 0.19}}),  # no tolerance
        ("evaluate_cnn.cnn.loss", {"cnn": {"accuracy": 0.99, "loss": float("nan")}}),
    ],
)
def test_what_differs_is_named_and_fails(checkout, metric, changed):
    write(checkout, COMMITTED | changed)
    done = verify(checkout)
    assert done.returncode == 1
    (row,) = [line for line in done.stdout.splitlines() if line.endswith("differs")]
    assert row.startswith(f"{metric} ")


def test_a_metric_file_that_is_no_json_is_named(checkout):
    (checkout / "metrics" / "evaluate_cnn.json").write_text("{")
    done = verify(checkout)
    assert done.returncode == 1
    assert done.stderr.startswith("verify: metrics/evaluate_cnn.json: is no JSON")


def test_outside_git_the_error_is_one_line(tmp_path):
    (tmp_path / "params.yaml").write_text(PARAMS)
    done = verify(tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "not a git repository" in done.stderr
