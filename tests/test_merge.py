"""After a merge of two branches that both ran, `dvc repro` runs only the stages that must run."""

import re
import shutil
import subprocess

import pytest

from conftest import ROOT, dvc, dvc_inside, git

PIPELINE = """
stages:
  first:
    cmd: python stage.py one first.txt
    params: [one]
    deps: [stage.py]
    outs: [first.txt]
  second:
    cmd: python stage.py two second.txt
    params: [two]
    deps: [stage.py, first.txt]
    outs: [second.txt]
    metrics: [{metrics/second.json: {cache: false}}]
"""
SCRIPT = """
import json, sys
from pathlib import Path

key, target = sys.argv[1:]
values = dict(line.split(": ") for line in Path("params.yaml").read_text().splitlines())
with Path("logs.txt").open("a") as log:
    log.write(f"{key}={values[key]}\\n")
Path(target).write_text(values[key])
if key == "two":
    Path("metrics").mkdir(exist_ok=True)
    value = {"value": values[key] + Path("first.txt").read_text()}
    Path("metrics/second.json").write_text(json.dumps(value) + "\\n")
"""


@pytest.fixture(scope="module")
def branches(tmp_path_factory):
    """A repository whose branches `left` and `right` each changed a parameter and ran."""
    folder = tmp_path_factory.mktemp("branches")
    git(folder, "init", "--initial-branch=main")
    dvc_inside(folder, "init", "--quiet")
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "stage.py").write_text(SCRIPT)
    (folder / ".gitignore").write_text("logs.txt\nfirst.txt\nsecond.txt\n")
    (folder / ".gitattributes").write_text((ROOT / ".gitattributes").read_text())
    for branch, one, two in (("main", "a", "x"), ("left", "b", "x"), ("right", "a", "y")):
        if branch != "main":
            git(folder, "checkout", "-b", branch, "main")
        between = "".join(f"other{number}: 0\n" for number in range(4))
        (folder / "params.yaml").write_text(f"one: {one}\n{between}two: {two}\n")
        dvc_inside(folder, "repro", "--quiet")
        git(folder, "add", ".")
        git(folder, "commit", "--message", branch)
    git(folder, "checkout", "left")
    dvc_inside(folder, "checkout", "--quiet")
    (folder / "logs.txt").unlink()
    return folder


@pytest.fixture
def project(branches, tmp_path):
    """A copy of that repository."""
    return shutil.copytree(branches, tmp_path / "project", symlinks=True)


def merge(folder):
    command = ["git", "merge", "--no-edit", "right"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def documented(name, pattern):
    """A command as the documentation has it."""
    return re.search(pattern, (ROOT / "docs" / name).read_text()).group(1)


def assert_complete(folder):
    """Check that parameters are merged, results are of these, and only the second stage ran."""
    dvc(folder, "repro", "--quiet")
    assert (folder / "first.txt").read_text() == "b"
    assert (folder / "second.txt").read_text() == "y"
    assert (folder / "metrics/second.json").read_text() == '{"value": "yb"}\n'
    assert (folder / "logs.txt").read_text() == "two=y\n"
    assert "up to date" in dvc(folder, "status")
    text = (folder / "dvc.lock").read_text()
    assert "<<<<" not in text


def test_with_the_merge_driver_a_merge_succeeds(project):
    driver = documented("dvc.md", r"\n(git config merge\.dvc-lock\.driver .*)\n")
    subprocess.run(driver, cwd=project, shell=True, check=True)
    before = (project / "dvc.lock").read_text()
    merged = merge(project)
    assert merged.returncode == 0, merged.stdout + merged.stderr
    assert (project / "dvc.lock").read_text() == before
    assert_complete(project)


def test_where_nothing_conflicts_the_driver_merges_as_git_does(project):
    """Each side ran another stage."""
    driver = documented("dvc.md", r"\n(git config merge\.dvc-lock\.driver .*)\n")
    subprocess.run(driver, cwd=project, shell=True, check=True)
    lines = [f"line {number}\n" for number in range(20)]
    for branch, place in (("main", None), ("left", 2), ("right", 17)):
        git(project, "checkout", "-B", f"{branch}-2", "main" if branch == "main" else "main-2")
        text = "".join(
            "changed\n" if number == place else line for number, line in enumerate(lines)
        )
        (project / "dvc.lock").write_text(text)
        git(project, "commit", "--all", "--message", branch)
    git(project, "checkout", "left-2")
    git(project, "merge", "--no-edit", "right-2")
    expected = "".join("changed\n" if n in (2, 17) else line for n, line in enumerate(lines))
    assert (project / "dvc.lock").read_text() == expected


def test_without_it_the_remedy_of_the_troubleshooting_page_works(project):
    merged = merge(project)
    assert merged.returncode == 1
    assert "<<<<" in (project / "dvc.lock").read_text()
    commands = documented("troubleshooting.md", r"\| `CONFLICT[^|]*\| (.*) \|\n")
    first, second, third = re.findall(r"`(g[^`]*|dvc repro)`", commands)
    subprocess.run(first, cwd=project, shell=True, check=True)
    assert second == "dvc repro"
    assert_complete(project)
    subprocess.run(third, cwd=project, shell=True, check=True, env=None)
    assert git(project, "status", "--short") == ""
