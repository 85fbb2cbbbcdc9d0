"""Outputs are written whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from convlab.core.outputs import atomic_write, remove

SOURCES = Path(__file__).parents[1] / "src"


def write_new(draft, *, folder):
    """Write the new output, a file or a folder of one file."""
    if folder:
        draft.mkdir()
        (draft / "one").write_text("new")
    else:
        draft.write_text("new")


def write_old(target, *, folder):
    if folder:
        target.mkdir()
        (target / "one").write_text("old")
        (target / "two").write_text("old")
    else:
        target.write_text("old")


def content(path):
    """What lies in a folder: a text for a file, a dict for a folder."""
    return {
        inside.name: content(inside) if inside.is_dir() else inside.read_text()
        for inside in path.iterdir()
    }


@pytest.fixture(params=[False, True], ids=["file", "folder"])
def folder(request):
    return request.param


def test_what_was_written_is_moved_to_its_place(tmp_path, folder):
    with atomic_write(tmp_path / "deep" / "out.txt") as (draft,):
        assert draft.suffix == ".txt"
        write_new(draft, folder=folder)
        assert not (tmp_path / "deep" / "out.txt").exists()
    assert content(tmp_path / "deep") == {"out.txt": {"one": "new"} if folder else "new"}


def test_a_former_output_is_replaced_whole(tmp_path, folder):
    write_old(tmp_path / "out", folder=folder)
    with atomic_write(tmp_path / "out") as (draft,):
        write_new(draft, folder=folder)
    assert content(tmp_path) == {"out": {"one": "new"} if folder else "new"}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_when_the_block_raises_the_former_output_stays(tmp_path, folder, error):
    write_old(tmp_path / "out", folder=folder)
    with pytest.raises(error), atomic_write(tmp_path / "out") as (draft,):
        write_new(draft, folder=folder)
        raise error
    assert content(tmp_path) == {"out": {"one": "old", "two": "old"} if folder else "old"}


def test_when_the_block_raises_at_first_nothing_is_left(tmp_path, folder):
    with pytest.raises(RuntimeError), atomic_write(tmp_path / "out") as (draft,):
        write_new(draft, folder=folder)
        raise RuntimeError
    assert content(tmp_path) == {}


def test_several_outputs_move_together(tmp_path):
    targets = [tmp_path / "model", tmp_path / "curve", tmp_path / "metrics" / "model"]
    with atomic_write(*targets) as drafts:
        assert len(set(drafts)) == len(targets)
        for draft, text in zip(drafts, "abc", strict=True):
            draft.write_text(text)
    assert content(tmp_path) == {"model": "a", "curve": "b", "metrics": {"model": "c"}}


def test_no_output_moves_when_one_was_not_finished(tmp_path):
    targets = tmp_path / "model", tmp_path / "curve"
    for target in targets:
        target.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(*targets) as (model, _):
        model.write_text("new")
        raise RuntimeError
    assert content(tmp_path) == {"model": "old", "curve": "old"}


def test_what_a_killed_run_left_is_removed(tmp_path, folder):
    write_old(tmp_path / "out", folder=folder)
    killed = f"""
import os
from pathlib import Path
from convlab.core.outputs import atomic_write
with atomic_write(Path({str(tmp_path / "out")!r})) as (draft,):
    draft.mkdir()
    (draft / "half").write_text("half")
    os._exit(9)
"""
    environment = os.environ | {"PYTHONPATH": str(SOURCES)}
    done = subprocess.run([sys.executable, "-c", killed], check=False, env=environment)
    assert done.returncode == 9
    assert len(content(tmp_path)) == 2  # the former output and what was killed
    with atomic_write(tmp_path / "out") as (draft,):
        assert not draft.exists()
        write_new(draft, folder=folder)
    assert content(tmp_path) == {"out": {"one": "new"} if folder else "new"}


@pytest.mark.parametrize("place", ["file", "link to nothing"])
def test_a_folder_takes_the_place_of_what_is_none(tmp_path, place):
    target = tmp_path / "data"
    target.write_text("a note") if place == "file" else target.symlink_to(tmp_path / "unmounted")
    with atomic_write(target) as (draft,):
        draft.mkdir()
        (draft / "inside").write_text("new")
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "inside"]


def test_a_link_is_replaced_and_not_written_through(tmp_path):
    """DVC's cache may hold the same file under another name."""
    cached = tmp_path / "cached"
    cached.write_text("old")
    (tmp_path / "out").hardlink_to(cached)
    with atomic_write(tmp_path / "out") as (draft,):
        draft.write_text("new")
    assert content(tmp_path) == {"cached": "old", "out": "new"}


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), atomic_write(tmp_path / "file" / "out"):
        pytest.fail("there is nowhere to write to")


def test_remove_takes_files_folders_and_nothing(tmp_path, folder):
    write_old(tmp_path / "out", folder=folder)
    for _ in range(2):
        remove(tmp_path / "out")
        assert content(tmp_path) == {}


def test_a_folder_that_was_being_replaced_when_killed_is_put_back(tmp_path):
    former = tmp_path / ".former-out"
    former.mkdir()
    (former / "one").write_text("good")
    with pytest.raises(RuntimeError), atomic_write(tmp_path / "out"):
        raise RuntimeError
    assert (tmp_path / "out" / "one").read_text() == "good"
    assert not former.exists()


def test_a_place_that_cannot_be_written_is_found_before_the_work(tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(OSError, match="folder"), atomic_write(tmp_path / "folder" / "out"):
        pytest.fail("the work began")
