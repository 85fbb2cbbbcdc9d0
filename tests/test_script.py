"""What a user sees of a stage's script: help, one line for what went wrong, one run at a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src"
NO_MEMORY = (
    "stage: not enough memory: close other programs, or lower batch_size or patch_size"
    " in params.yaml"
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
from convlab.errors import InputError
from convlab.script import script
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


def test_a_script_runs_and_ends_well(run):
    done = run("print('done')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_a_script_may_have_options(tmp_path):
    body = """
from pathlib import Path
from convlab.script import script
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


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("raise InputError('params.yaml: no steps')", "stage: params.yaml: no steps"),
        ("Path('nowhere/file').touch()", "stage: nowhere/file: No such file or directory"),
        (
            "raise OSError(errno.ENOSPC, 'No space left on device')",
            "stage: the disk is full: make room and run again",
        ),
        (
            "raise OSError(errno.EDQUOT, 'Disk quota exceeded')",
            "stage: the disk is full: make room and run again",
        ),
        ("raise OSError('the disk is gone')", "stage: the disk is gone"),
        ("[0] * 2**62", NO_MEMORY),
        ("raise RuntimeError('DefaultCPUAllocator: can\\'t allocate memory')", NO_MEMORY),
        ("raise RuntimeError('CUDA out of memory. Tried to allocate 2 GiB')", NO_MEMORY),
        ("raise KeyboardInterrupt", "stage: interrupted: run again to go on"),
    ],
)
def test_what_a_user_can_mend_is_one_line(run, body, line):
    done = run(body)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{line}\n")


def test_a_fault_of_ours_keeps_its_traceback(run):
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
        who = f"another run is still going (process {first.pid})"
        assert second.stderr == f"stage: {who}: stop it, or wait until it ends\n"
        first.kill()
    assert run("print('done')").stdout == "done\n"  # a killed run holds no lock
