"""Two and three processes, connected as in a training, do what one does."""

import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from conftest import ROOT
from convlab.core import processes
from convlab.core.checkpoint import Checkpoint
from convlab.core.compute import Compute, prepare
from convlab.core.errors import InputError
from several_processes import compute, trained

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
PATHS = os.pathsep.join(map(str, (ROOT / "src", ROOT / "tests")))


def start(*command, cwd=ROOT):
    """Run a program of the tests; give the exit status, and what it said of faults."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": PATHS, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def found(folder):
    """What 1, 2, 3 and then 4 processes found, by their number."""
    (folder / "1").mkdir()
    threads = torch.get_num_threads()
    prepare(Compute(launch="python", memory_gb=4, threads=1))
    results = {1: compute(folder / "1")}
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    status, faults = start("tests/several_processes.py", folder)
    assert status == 0, faults
    return results | {
        count: torch.load(folder / str(count) / "found", weights_only=False) for count in (2, 3, 4)
    }


SEVERAL = pytest.mark.parametrize("count", [2, 3])


def points(training):
    return np.array([list(point.values()) for point in training["curve"]])


def assert_close(ours, theirs):
    """AdamW divides by the gradient's size: where that is rounding, a weight goes another way."""
    np.testing.assert_allclose(points(ours), points(theirs), rtol=1e-3)


def assert_equal(ours, theirs):
    assert ours["curve"] == theirs["curve"]
    for name, weight in ours["weights"].items():
        assert torch.equal(weight, theirs["weights"][name]), name


@SEVERAL
def test_each_takes_its_share_of_the_same_batches(found, count):
    assert found[count]["count"] == count
    assert found[count]["threads"] == 3 // count
    for ours, theirs in zip(found[count]["gradients"], found[1]["gradients"], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    assert_close(found[count]["sr"], found[1]["sr"])


@SEVERAL
def test_the_table_of_an_evaluation_is_the_same_to_the_last_digit(found, count):
    assert found[count]["table"] == found[1]["table"]


@SEVERAL
def test_a_resumed_training_ends_with_the_same_bits(found, count):
    assert_equal(found[count]["resumed"], found[count]["sr"])


def test_a_checkpoint_is_taken_over_by_another_number_of_processes(found, folder):
    for taken_over in (found[3]["taken over"], found[4]):
        assert set(taken_over) == {"1", "2", "3"}
        for training in taken_over.values():
            assert_close(training, found[1]["sr"])
    shutil.copy(folder / "2" / "sr.3", folder / "sr.safetensors")
    assert_close(trained(Checkpoint(folder / "sr.safetensors", "me")), found[1]["sr"])


@SEVERAL
def test_buffers_are_those_of_the_first_process(found, count):
    """So BatchNorm, whose means are those of a share, is evaluated alike by all."""
    norm = found[count]["norm"]
    assert len(norm["curve"]) == len(found[1]["norm"]["curve"])
    assert norm["weights"]["1.num_batches_tracked"] == 23


@SEVERAL
def test_a_mean_counts_every_example_once(found, count):
    numbers = torch.arange(1.0, count + 1)
    mean = (numbers**2).sum() / numbers.sum()
    torch.testing.assert_close(found[count]["mean"], torch.tensor([1.0, 2.0]) * mean)


@SEVERAL
def test_what_is_spread_comes_together(found, count):
    assert torch.equal(found[count]["doubled"], 2 * torch.arange(10.0).reshape(5, 2))


@SEVERAL
def test_only_the_first_process_writes(found, folder, count):
    names = {path.name.partition(".")[0] for path in (folder / str(count)).iterdir()}
    assert names == {"sr", "again", "norm", "found"} | {
        f"from-{other}" for other in range(1, count + 1)
    }


def test_a_killed_process_is_named_by_torchrun_and_the_checkpoint_stays(tmp_path):
    status, faults = start(*TORCHRUN, "tests/failing_process.py", tmp_path)
    assert time.time() - (tmp_path / "failed").stat().st_mtime < 30
    assert status == 1
    assert "failed (exitcode: -9) local_rank: 1 (pid: " in faults
    assert len([each for each in faults.splitlines() if each.startswith("train: ")]) <= 1
    assert Checkpoint(tmp_path / "toy.safetensors", "me").load()["step"] == 5


@pytest.mark.usefixtures("found")
def test_a_process_that_hangs_is_named_by_the_first_and_the_checkpoint_stays(folder):
    said, failed = (folder / "hang" / name for name in ("said", "failed"))
    assert said.stat().st_mtime - failed.stat().st_mtime < 30
    line = "train: process 1 of 2 is gone or hangs (they count from 0): run again to resume"
    assert said.read_text().startswith(line)
    assert Checkpoint(folder / "hang" / "toy.safetensors", "me").load()["step"] == 5


@pytest.mark.parametrize(("total", "sizes"), [(5, [1, 2, 2]), (3, [1, 1, 1]), (7, [2, 2, 3])])
def test_shares_are_even_and_leave_nothing_out(monkeypatch, total, sizes):
    monkeypatch.setattr(processes, "count", lambda: 3)
    shares = []
    for number in range(3):
        monkeypatch.setattr(processes, "_rank", lambda number=number: number)
        shares.append(range(total)[processes.share(total)])
    assert [len(share) for share in shares] == sizes
    assert [each for share in shares for each in share] == list(range(total))
    with pytest.raises(InputError, match="a mini-batch of 2 cannot be shared by 3 processes"):
        processes.share(2)


def test_one_process_shares_with_nobody():
    with processes.joined():
        assert processes.count() == 1
        assert list(processes.shared(abs, [-1, 2])) == [1, 2]
        assert processes.share(4) == slice(0, 4)


@pytest.fixture(scope="module")
def stages(pipeline, tmp_path_factory):
    """A copy of the finished run, where two processes evaluated and trained again."""
    copy = shutil.copytree(pipeline, tmp_path_factory.mktemp("stages"), dirs_exist_ok=True)
    names = ("evaluate_sr", "evaluate_cnn", "train_sr", "train_cnn")  # the training comes last
    for name in names:
        shutil.rmtree(copy / "stages" / name) if "train" not in name else None
    status, faults = start(ROOT / "tests/several_processes.py", *names, cwd=copy)
    assert status == 0, faults
    return copy


@pytest.mark.parametrize("stage", ["evaluate_sr", "evaluate_cnn"])
def test_an_evaluation_leaves_the_same_bytes(pipeline, stages, stage):
    folder = pipeline / "stages" / stage
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".md"]
    assert len(files) > 4
    for path in files:
        assert (stages / path.relative_to(pipeline)).read_bytes() == path.read_bytes(), path


@pytest.mark.parametrize("stage", ["train_sr", "train_cnn"])
def test_a_training_leaves_what_one_process_leaves(pipeline, stages, stage):
    ours, theirs = (
        np.genfromtxt(next((folder / "stages" / stage).rglob("curve.csv")), delimiter=",")[1:]
        for folder in (stages, pipeline)
    )
    np.testing.assert_allclose(ours, theirs, rtol=0.01)
    assert not np.array_equal(ours, theirs)  # it was trained again
    assert not list((stages / ".work" / "checkpoints").iterdir())
    assert not list(stages.rglob(".draft-*"))
