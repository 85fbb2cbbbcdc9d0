"""Outputs and the lists of checksums beside them."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import little_room
from convlab.checksums import check_whole, output_files, output_folder, read_checksums
from convlab.errors import InputError


@pytest.fixture
def files(tmp_path):
    """Two outputs in two folders, as a stage leaves them."""
    targets = tmp_path / "stage" / "model", tmp_path / "metrics" / "stage.json"
    with output_files(*targets) as drafts:
        for draft, text in zip(drafts, ("weights", "numbers"), strict=True):
            draft.write_text(text)
    return targets


@pytest.fixture
def folder(tmp_path):
    """An output that is a folder, with folders inside."""
    target = tmp_path / "data"
    with output_folder(target) as draft:
        for name in ("readme", "deep/one", "deep/two"):
            (draft / name).parent.mkdir(exist_ok=True)
            (draft / name).write_text(name)
    return target


def test_files_are_listed_beside_the_first(files):
    model, metrics = files
    listed = read_checksums(model.with_name("SHA256SUMS"))
    assert set(listed) == {"model", "../metrics/stage.json"}
    assert {path.name for path in metrics.parent.iterdir()} == {"stage.json"}
    check_whole(model)
    check_whole(metrics, model.with_name("SHA256SUMS"))


def test_every_folder_inside_has_its_list(folder):
    assert set(read_checksums(folder / "SHA256SUMS")) == {"readme"}
    assert set(read_checksums(folder / "deep" / "SHA256SUMS")) == {"one", "two"}
    for name in ("readme", "deep/one", "deep/two"):
        check_whole(folder / name)


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="sha256sum (of coreutils) is not here")
def test_sha256sum_reads_the_lists(files, folder):
    for place in (files[0].parent, folder, folder / "deep"):
        command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
        subprocess.run(command, cwd=place, check=True, capture_output=True)


@pytest.mark.parametrize("name", ["two  blanks", "next\x85line", "no \udcff Unicode", " "])
def test_files_may_have_any_name_in_a_line(tmp_path, name):
    with output_folder(tmp_path / "data") as draft:
        (draft / name).write_text("content")
    check_whole(tmp_path / "data" / name)


def test_two_runs_write_the_same_list(tmp_path):
    for place in ("a", "b"):
        with output_folder(tmp_path / place) as draft:
            for name in ("one", "two") if place == "a" else ("two", "one"):
                (draft / name).write_text(name)
    assert (tmp_path / "a/SHA256SUMS").read_bytes() == (tmp_path / "b/SHA256SUMS").read_bytes()


def test_without_a_list_a_file_is_somebody_elses(tmp_path):
    (tmp_path / "photo").write_text("mine")
    check_whole(tmp_path / "photo")


@given(data=st.data())
def test_any_flipped_bit_is_found(data, tmp_path_factory):
    target = tmp_path_factory.mktemp("stage") / "model"
    content = data.draw(st.binary(min_size=1, max_size=100))
    with output_files(target) as (draft,):
        draft.write_bytes(content)
    spoiled = bytearray(content)
    spoiled[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    target.write_bytes(spoiled)
    with pytest.raises(InputError, match="model: is damaged"):
        check_whole(target)


def test_a_damaged_file_is_named_with_what_to_do(files):
    files[0].write_text("weight")
    with pytest.raises(InputError) as caught:
        check_whole(files[0])
    assert str(caught.value) == (
        f"{files[0]}: is damaged, or from another run than {files[0].with_name('SHA256SUMS')}: "
        "remove both, then run `dvc repro` (quicker, if this run was committed: "
        "`git checkout FILE` brings back what git holds, `dvc checkout` the rest)"
    )


def test_a_missing_file_is_named(files):
    files[0].unlink()
    with pytest.raises(InputError, match="model: is missing: run `dvc repro`"):
        check_whole(files[0])


def test_a_folder_in_place_of_a_file_is_named(folder):
    with pytest.raises(InputError, match="deep: is a folder or device, not a file"):
        check_whole(folder / "deep")


def test_a_file_that_nobody_listed_is_named(folder):
    (folder / "deep" / "three").write_text("three")
    with pytest.raises(InputError, match=r"three: is not listed in .*SHA256SUMS"):
        check_whole(folder / "deep" / "three")


@pytest.mark.parametrize("content", [b"a line\n", b"\xff\n", b"a  b  c\n", b"0" * 64 + b"  cut"])
def test_a_damaged_list_is_named(files, content):
    sums = files[0].with_name("SHA256SUMS")
    sums.write_bytes(content)
    with pytest.raises(InputError, match="SHA256SUMS: is damaged"):
        check_whole(files[0])


def test_a_block_that_raises_leaves_the_former_list(files):
    with pytest.raises(RuntimeError), output_files(*files) as drafts:
        drafts[0].write_text("half")
        raise RuntimeError
    check_whole(files[0])
    assert {path.name for path in files[0].parent.iterdir()} == {"model", "SHA256SUMS"}


@pytest.mark.parametrize("size", [3, 120])
def test_a_full_disk_leaves_the_former_outputs(files, folder, size):
    """Full within an output, or within the list of checksums."""
    full = pytest.raises(OSError, match="File too large")
    with full, little_room(size), output_files(*files) as drafts:
        for draft in drafts:
            draft.write_bytes(bytes(100))
    with full, little_room(size), output_folder(folder) as draft:
        for name in ("one", "two"):
            (draft / name).write_bytes(bytes(100))
    assert [path.read_text() for path in files] == ["weights", "numbers"]
    for path in (files[0], folder / "readme", folder / "deep/one"):
        check_whole(path)
    assert list(folder.parent.rglob(".*")) == []


def test_a_new_run_replaces_files_and_list(files, folder):
    with output_files(*files) as drafts:
        for draft in drafts:
            draft.write_text("new")
    with output_folder(folder) as draft:
        (draft / "three").write_text("three")
    check_whole(files[0])
    assert set(read_checksums(folder / "SHA256SUMS")) == {"three"}
    assert not Path(folder / "deep").exists()
