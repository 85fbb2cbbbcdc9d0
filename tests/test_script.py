"""What a user sees of a stage's script: help, an error in one line, one run at a time."""

import errno
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from convlab.core.errors import InputError
from convlab.core.script import one_line_errors, progress
from convlab.core.tables import read_columns

SOURCES = Path(__file__).parents[1] / "src"
NO_MEMORY = (
    "not enough memory: close other programs, or lower batch_size or patch_size in params.yaml"
)


@pytest.fixture
def command(tmp_path):
    """Gives a function that writes a script, `stage.py`, with some body; and how to call it."""

    def write(body):
        (tmp_path / "stage.py").write_text(
            f'''"""Do one thing.

Reads nothing; 100 % of it.
"""
import errno
from pathlib import Path
from convlab.core.errors import InputError
from convlab.core.script import script
with script(__doc__, lock=Path("locks/stage.lock")):
    {body}
'''
        )
        return [sys.executable, "stage.py"]

    return write


@pytest.fixture
def run(tmp_path, command):
    def start(body, *arguments, wait=True):
        options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(SOURCES)}, "text": True}
        if wait:
            called = [*command(body), *arguments]
            return subprocess.run(called, check=False, capture_output=True, **options)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return subprocess.Popen(command(body), **pipes, **options)

    return start


@pytest.mark.parametrize(
    ("terminal", "number", "shown"), [(True, "0", True), (True, "1", False), (False, "0", False)]
)
def test_a_progress_bar_is_shown_on_a_terminal_by_the_first_process(
    monkeypatch, terminal, number, shown
):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "test")
    monkeypatch.setenv("RANK", number)
    file = StringIO()
    file.isatty = lambda: terminal
    assert list(progress([1, 2], desc="stage", file=file)) == [1, 2]
    assert ("stage: 100%" in file.getvalue()) == shown


def test_a_stage_leaves_how_long_it_took(run, tmp_path, monkeypatch):
    times = tmp_path / "logs" / "times.csv"
    run("print('by hand')")
    assert not times.exists()
    monkeypatch.setenv("DVC_STAGE", "train_sr@2")
    run("import time; time.sleep(0.2)")
    run("raise InputError('no time for what failed')")
    run("pass")
    columns = read_columns(times, texts=["stage"])
    assert columns["stage"] == ["train_sr@2", "train_sr@2"]
    assert columns["seconds"][0] >= 0.2
    assert 0 <= columns["seconds"][1] < columns["seconds"][0]
    times.unlink()
    times.mkdir()  # it cannot be written
    assert run("pass").returncode == 0


def test_a_script_runs_and_ends_well(run):
    done = run("print('done')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_a_script_may_have_options(tmp_path):
    body = """
from pathlib import Path
from convlab.core.script import script
with script("", lock=Path("a.lock"), add_options=lambda p: p.add_argument("--base")) as options:
    print(options.base)
"""
    done = subprocess.run(
        [sys.executable, "-c", body, "--base", "main"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "main\n"


def test_help_is_the_docstring_and_runs_nothing(run, tmp_path):
    done = run("print('done')", "--help")
    assert done.returncode == 0
    assert "Do one thing.\n\nReads nothing; 100 % of it." in done.stdout
    assert "done" not in done.stdout
    assert not (tmp_path / "locks").exists()


def test_an_unknown_argument_runs_nothing(run):
    done = run("print('done')", "--steps=3")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "unrecognized arguments: --steps=3" in done.stderr


ERRORS = [
    (InputError("params.yaml: no steps"), "params.yaml: no steps"),
    (FileNotFoundError(errno.ENOENT, "No such file", "a"), "a: No such file"),
    (OSError(errno.ENOSPC, "No space left"), "the disk is full: make room and run again"),
    (OSError(errno.EDQUOT, "Quota exceeded"), "the disk is full: make room and run again"),
    (OSError("the disk is gone"), "the disk is gone"),
    (MemoryError(), NO_MEMORY),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory"), NO_MEMORY),
    (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), NO_MEMORY),
    (KeyboardInterrupt(), "interrupted: run again to resume"),
]


@pytest.mark.parametrize("inside_dvc", [False, True])
def test_an_error_that_a_user_can_correct_is_one_line(monkeypatch, inside_dvc):
    """Inside a stage of DVC, which has removed the former outputs, it says how to get them back."""
    monkeypatch.delenv("DVC_STAGE", raising=False)
    if inside_dvc:
        monkeypatch.setenv("DVC_STAGE", "train_sr@2")
    hint = (
        " (former outputs: `dvc checkout`, and of metrics/ `git checkout metrics`)"
        if inside_dvc
        else ""
    )
    for error, line in ERRORS:
        with pytest.raises(SystemExit) as caught, one_line_errors("stage"):
            raise error
        assert caught.value.code == f"stage: {line}{hint}"  # printed, with exit status 1


def test_such_an_error_ends_the_program_without_a_traceback(run):
    done = run("raise InputError('params.yaml: no steps')")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "stage: params.yaml: no steps\n")


def test_a_lock_that_times_out_inside_the_body_is_not_taken_for_the_scripts_own(run):
    done = run("from filelock import Timeout; raise Timeout('another.lock')")
    assert done.stderr == "stage: The file lock 'another.lock' could not be acquired.\n"


def test_a_bug_keeps_its_traceback(run):
    done = run("raise RuntimeError('ours')")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")


def test_a_lock_that_cannot_be_made_is_one_line(run, tmp_path):
    (tmp_path / "locks").touch()
    done = run("print('done')")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "stage: locks: is a file where a folder is needed: move it away\n"


def test_a_second_run_does_not_start_beside_the_first(run):
    first = run("print('going', flush=True); input()", wait=False)
    with first:
        assert first.stdout.readline() == "going\n"
        second = run("print('done')")
        assert (second.returncode, second.stdout) == (1, "")
        other = f"another run is still going (process {first.pid})"
        assert second.stderr == f"stage: {other}: stop it, or wait until it ends\n"
        first.kill()
    assert run("print('done')").stdout == "done\n"  # a killed run holds no lock
