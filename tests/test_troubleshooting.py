"""The troubleshooting page, line by line: each fault is made, then its commands are run.

A block of the page has commands, after `$`, and what they print; `...` stands for anything.
"""

import os
import re
import shutil
import subprocess
import sys
from contextlib import chdir, suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import yaml
from dvc.repo import Repo

from conftest import ROOT, commit_run, dvc_inside, git, until
from tools.preset import lay_over

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
PATCHES = "data/patches"
MEBIBYTE = 2**20

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the page's commands need a shell")


def blocks(title):
    """Give the blocks of a section of the page."""
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return re.findall(r"^```\n(.*?)^```", section, re.DOTALL | re.MULTILINE)


def row(message):
    """Give the message of the page's table that begins so, and the commands that mend it."""
    ((quoted, advice),) = re.findall(rf"^\| `({re.escape(message)}.*?)`.* \| (.*) \|$", PAGE, re.M)
    return quoted, re.findall(r"`((?:dvc|find|git|rm) [^`]+)`", advice)


def assert_printed(expected, said):
    pattern = ".*".join(map(re.escape, expected.strip().split("...")))
    assert re.search(pattern, said, re.DOTALL), f"{said}\ndoes not have\n{expected}"


def follow(block, shell):
    """Run the commands of a block; each must print the lines below it. Give what the last said."""
    for step in block.removeprefix("$ ").split("\n$ "):
        command, _, expected = step.partition("\n")
        assert_printed(expected, said := shell(command))
    return said


def shell_in(folder, *prefix, **variables):
    """Give a function that runs a command there as a user would, and gives what it prints."""

    def shell(command):
        return subprocess.run(
            [*prefix, "sh", "-c", f"cd '{folder}' && {command}"],
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        ).stdout

    return shell


def contents(folder):
    files = filter(Path.is_file, folder.rglob("*"))
    return {file.relative_to(folder): file.read_bytes() for file in files}


def change(folder, **blocks):
    """Change parameters."""
    lay_over(folder / "params.yaml", blocks)


def finish(pipeline, folder, *names):
    """Copy a few stages of the finished run into a folder and commit them there."""
    commit_run(pipeline, folder)
    path = folder / "dvc.yaml"
    stages = yaml.safe_load(path.read_text("utf-8"))["stages"]
    path.write_text(yaml.safe_dump({"stages": {name: stages[name] for name in names}}), "utf-8")
    git(folder, "commit", "--all", "--message=Leave the other stages out")
    return folder


def assert_complete(folder):
    """Nothing is out of date, missing from DVC's cache, or half-written."""
    with chdir(folder), Repo() as repo:
        assert repo.status() == {}
    assert [*folder.rglob(".draft-*"), *folder.rglob(".former-*")] == []


@pytest.fixture(scope="module")
def patches(pipeline, tmp_path_factory):
    """The run up to the patches."""
    return finish(pipeline, tmp_path_factory.mktemp("patches"), "download_bsds", "make_patches")


@pytest.fixture
def project(patches, tmp_path):
    """A copy of it, to break."""
    return shutil.copytree(patches, tmp_path / "project", symlinks=True)


# Outputs are missing from DVC's cache


def test_outputs_of_an_older_commit_are_made_again(project):
    older = contents(project / PATCHES)
    change(project, make_patches={"stride": 96})
    dvc_inside(project, "repro")
    git(project, "commit", "--all", "--message=Cut fewer patches")
    assert contents(project / PATCHES) != older
    shutil.rmtree(project / ".dvc/cache/runs")  # in which DVC finds what was run before
    collected, _ = blocks("Outputs are missing from DVC's cache")
    follow(collected, shell_in(project))
    assert contents(project / PATCHES) == older
    assert_complete(project)
    assert git(project, "status", "--short") == ""


def test_outputs_in_the_workspace_are_copied_into_a_cache_that_is_gone(project):
    shutil.rmtree(project / ".dvc/cache")
    _, gone = blocks("Outputs are missing from DVC's cache")
    follow(gone, shell_in(project))
    assert_complete(project)


# DVC was killed


@pytest.fixture
def kill_dvc():
    """Give a function that kills `dvc repro`, but not the script that it runs, and holds that."""
    found = []

    def kill(folder, script, ready):
        command = [sys.executable, "-m", "dvc", "repro"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with psutil.Popen(command, cwd=folder, **quiet) as running:

            def started():
                with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                    children = running.children(recursive=True)
                    found[:] = [each for each in children if script in each.cmdline()]
                return found and ready()

            until(started, every=0.01)
            found[0].suspend()
            running.kill()
        return found[0]

    yield kill
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def has_ended(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_training_that_goes_on_without_dvc_is_stopped_and_resumed(pipeline, tmp_path, kill_dvc):
    finish(pipeline, tmp_path, "download_bsds", "make_patches", "train_sr")
    change(tmp_path, train_sr={"steps": 20})
    checkpoint = tmp_path / ".work/checkpoints/train_sr_x2.safetensors"
    training = kill_dvc(tmp_path, "src/train_sr.py", checkpoint.exists)
    run = shell_in(tmp_path)

    def shell(command):
        said = run(command.replace("1234", str(training.pid)))
        if command.startswith("kill "):
            training.resume()  # it was held, so that the test need not hurry
            until(lambda: has_ended(training))
        return said.replace(str(training.pid), "1234")

    refused, stopped, _ = blocks("DVC was killed")
    follow(refused, shell)
    assert not has_ended(training)
    follow(stopped, shell)
    assert not checkpoint.exists()
    assert_complete(tmp_path)


def test_a_stage_that_ended_without_dvc_is_recorded(project, kill_dvc):
    before = contents(project / PATCHES)
    change(project, make_patches={"stride": 96})
    script = kill_dvc(project, "src/make_patches.py", lambda: True)
    script.resume()
    until(lambda: has_ended(script))
    assert contents(project / PATCHES) != before
    *_, recorded = blocks("DVC was killed")
    follow(recorded, shell_in(project))
    assert_complete(project)


@pytest.mark.parametrize(
    ("file", "message"),
    [(".dvc/tmp/rwlock", "Unable to read RWLock-file"), ("dvc.lock", "'./dvc.lock' validation")],
)
def test_a_file_that_dvc_left_empty_is_replaced(project, file, message):
    path = project / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    quoted, commands = row(message)
    shell = shell_in(project)
    assert_printed(quoted, shell("dvc repro"))
    for command in commands:
        assert "ERROR" not in shell(command)
    assert_complete(project)


# The disk is full


class Disk(NamedTuple):
    """A file system in memory with a copy of the project."""

    project: Path
    place: Path
    """Where processes that see it find the project."""
    prefix: list[str]
    """Of the commands of such processes."""

    def fill(self, free):
        """Leave only so many bytes free."""
        with self.project.with_name("ballast").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(self.project).free - free)


@pytest.fixture
def disk(patches, tmp_path):
    """Mount a file system that nobody else sees; DVC's cache has 8 MiB that no commit uses."""
    root = os.geteuid() == 0
    unshare = ["unshare", "--mount", *([] if root else ["--user", "--map-root-user"])]
    mount = f"mount -t tmpfs -o size=256m tmpfs '{tmp_path}' && mount -t tmpfs tmpfs /dev/shm"
    tried = [*unshare, "sh", "-c", mount]
    if not shutil.which("unshare") or subprocess.run(tried, check=False).returncode:
        pytest.skip("needs Linux, and root or user namespaces")
    command = [*unshare, "sh", "-c", f"{mount} && echo mounted && exec cat"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as holder:
        assert holder.stdout.readline() == "mounted\n"
        place = tmp_path / "project"
        project = Path(f"/proc/{holder.pid}/root{place}")
        shutil.copytree(patches, project, symlinks=True)
        unused = project / ".dvc/cache/files/md5/00" / ("0" * 30)
        unused.parent.mkdir(exist_ok=True)
        unused.write_bytes(bytes(8 * MEBIBYTE))
        user = [] if root else ["--user", "--preserve-credentials"]
        yield Disk(project, place, ["nsenter", f"--target={holder.pid}", "--mount", *user])


def test_a_stage_and_dvc_go_on_when_a_full_disk_has_room_again(disk):
    stages = yaml.safe_load((disk.project / "dvc.lock").read_text("utf-8"))["stages"]
    committed = stages["make_patches@2"]["outs"][0]["md5"]
    change(disk.project, scales=[2, 3], make_patches={"stride": 24})
    disk.fill(2 * MEBIBYTE)  # enough for the patches of x2, but not for their copy
    full, mended, _ = blocks("The disk is full")
    shell = shell_in(disk.place, *disk.prefix)
    follow(full, shell)
    assert [path.name for path in (disk.project / PATCHES).iterdir()] == ["x2"]
    made = contents(disk.project / PATCHES)
    follow(mended, shell)
    assert contents(disk.project / PATCHES).items() > made.items()
    assert (disk.project / ".dvc/cache/files/md5" / committed[:2] / committed[2:]).exists()


def test_dvc_finds_no_room_for_its_database(disk):
    database = str(disk.place / ".dvc/database")
    shell = shell_in(disk.place, *disk.prefix, DVC_SITE_CACHE_DIR=database)
    shell("dvc status")  # makes the database
    disk.fill(0)
    *_, full = blocks("The disk is full")
    assert "Data and pipelines are up to date." in follow(full, shell)


def test_compiled_code_that_a_full_disk_cut_short_is_removed(project):
    shell = shell_in(project, PYTHONPATH="src")
    command = "python -c 'import convlab.core.errors'"
    assert shell(command) == ""
    (compiled,) = (project / "src/convlab/core/__pycache__").glob("errors.*.pyc")
    compiled.write_bytes(compiled.read_bytes()[:-99])
    message, (remedy,) = row("EOFError")
    assert_printed(message, shell(command))
    shell(remedy)
    assert shell(command) == ""
