"""DVC's experiments in a git checkout: queue, run, compare and apply them."""

import json
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest
import yaml

from conftest import commit_run, dvc, dvc_inside, git, until

STRIDES = {"grid-1": 96, "grid-2": 128}  # of make_patches, the quickest stage
CHANGED = ["dvc.lock", "params.yaml"]  # in git, by either


@pytest.fixture(scope="session")
def queue(pipeline, tmp_path_factory):
    """Gives a checkout where a worker works a queue off, and what DVC said on filling it."""
    folder = commit_run(pipeline, tmp_path_factory.mktemp("queue"))
    values = "make_patches.stride=" + ",".join(map(str, STRIDES.values()))
    said = dvc(folder, "exp", "run", "--queue", "--name", "grid", "-S", values, "make_patches@2")
    # Not into a pipe: the worker inherits it, and reading it would wait for the worker's end.
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start = [sys.executable, "-m", "dvc", "queue", "start", "--jobs", "1"]
    subprocess.run(start, cwd=folder, check=True, **quiet)
    try:
        yield folder, said
    finally:
        for process in processes(folder):
            with suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.fixture(scope="session")
def experiments(queue):
    """Gives that checkout after the queue was worked off."""
    folder, _ = queue
    until(lambda: names(folder) >= set(STRIDES))
    return folder


def names(folder):
    """The names of the experiments that ended well; asking git for them does not hold up DVC."""
    refs = git(folder, "for-each-ref", "--format=%(refname)", "refs/exps")
    return {ref.rpartition("/")[2] for ref in refs.split()}


def processes(folder):
    """Processes that work in a folder: a queue's worker goes on when `dvc queue start` ends."""
    running = psutil.process_iter(["cwd"])
    return [process for process in running if (process.info["cwd"] or "").startswith(str(folder))]


def test_each_value_is_queued_as_an_experiment(queue):
    _, said = queue
    assert said.count("Queued experiment") == len(STRIDES)
    assert all(f"Queued experiment '{name}'" in said for name in STRIDES)


def test_show_lists_each_with_its_parameters_and_metrics(experiments):
    (_, commit) = json.loads(dvc(experiments, "exp", "show", "--json"))  # before it, the workspace
    rows = {row["revs"][0]["name"]: row["revs"][0]["data"] for row in commit["experiments"]}
    assert set(rows) == set(STRIDES)
    for name, row in rows.items():
        params = row["params"]["params.yaml"]["data"]
        assert params["make_patches"]["stride"] == STRIDES[name]
        assert row["metrics"] == commit["data"]["metrics"]  # no stage that has some ran


def test_the_queue_leaves_the_workspace_alone(experiments):
    assert git(experiments, "status", "--short") == ""
    assert "up to date" in dvc(experiments, "status")


def test_a_branch_holds_the_experiment(experiments):
    expected = yaml.safe_load((experiments / "params.yaml").read_text())
    expected["make_patches"]["stride"] = STRIDES["grid-1"]
    dvc_inside(experiments, "exp", "branch", "grid-1", "coarse")
    assert yaml.safe_load(git(experiments, "show", "coarse:params.yaml")) == expected
    assert git(experiments, "diff", "--name-only", "main", "coarse").split() == CHANGED


def test_apply_takes_an_experiment_over_and_puts_edits_aside(experiments):
    params, metrics = experiments / "params.yaml", experiments / "metrics" / "train_sr_x2.json"
    edited, measured = params.read_text() + "# edited\n", metrics.read_bytes()
    params.write_text(edited)
    metrics.write_text("{}")
    dvc_inside(experiments, "exp", "apply", "grid-2")
    assert yaml.safe_load(params.read_text())["make_patches"]["stride"] == STRIDES["grid-2"]
    assert metrics.read_bytes() == measured
    assert git(experiments, "diff", "--name-only").split() == CHANGED
    # The patches are there, too.
    assert "up to date" in dvc(experiments, "status", "make_patches@2")
    assert git(experiments, "show", "refs/exps/apply/stash:params.yaml") == edited


def test_a_queue_that_is_stopped_leaves_no_process(experiments):
    dvc_inside(experiments, "queue", "stop")
    until(lambda: not processes(experiments))
