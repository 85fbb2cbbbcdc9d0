"""Downloads from a server on loopback: resumed, refused, replaced by the next mirror's."""

import errno
import os
import re
from pathlib import Path

import pytest

from convlab.core.errors import InputError
from convlab.data import fetch as module
from convlab.data.fetch import fetch
from http_server import Answer, serving

CONTENT = bytes(range(256)) * 2000  # half a megabyte: several chunks
HALF = len(CONTENT) // 2
WHOLE = Answer(CONTENT)
REST = Answer(CONTENT, ranges=True)
INTERRUPTED = Answer(CONTENT, sent=HALF)
NEVER = 9  # seconds: longer than anybody here waits


def obtain(published: list[str], folder: Path, *, mirror: str | None = None) -> Path:
    """Find the first file that is CONTENT; any other is wrong."""
    found = []

    def unpack(path: Path) -> None:
        if path.read_bytes() != CONTENT:
            raise InputError("has the wrong content")
        found.append(path)

    fetch("set/file.gz", published, unpack, mirror=mirror, partial_folder=folder)
    (path,) = found
    return path


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(module, "_TIMEOUT", 1)


def moved(to: str) -> Answer:
    return Answer(status=302, headers={"Location": to})


PATIENCE = {
    "sends half": [INTERRUPTED, REST],
    "stalls midway": [Answer(CONTENT, sent=HALF, stall=NEVER), REST],
    "starts over": [INTERRUPTED, Answer(CONTENT, sent=9), REST],
    "cannot resume": [INTERRUPTED, Answer(status=416), WHOLE],
    "redirects": [moved("/moved")],
    "calls .gz an encoding": [Answer(CONTENT, headers={"Content-Encoding": "gzip"})],
}


@pytest.mark.parametrize("answers", PATIENCE.values(), ids=PATIENCE)
def test_a_server_may_need_patience(tmp_path, answers):
    with serving({"/file.gz": answers, "/moved": [WHOLE]}) as server:
        obtain([f"{server.url}/file.gz"], tmp_path)


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ([Answer(CONTENT, sent=0, stall=NEVER)], r"download failed \(ReadTimeoutError"),
        ([INTERRUPTED], "download failed"),
        ([Answer(CONTENT, sent=HALF + n) for n in range(5)], "was interrupted 5 times"),
        ([Answer(CONTENT[::-1])], "has the wrong content"),
        ([Answer(CONTENT[:HALF])], "has the wrong content"),
        ([Answer(CONTENT[:HALF], 206)], "has the wrong content"),
        ([Answer(status=404)], "responds with 404 Not Found"),
        ([Answer(status=503)], "responds with 503 Service Unavailable"),
        ([moved("/file.gz")], r"download failed \(TooManyRedirects"),
        ([moved("file:///etc/passwd")], r"download failed \(InvalidSchema"),
    ],
)
def test_a_bad_server_is_named_with_its_fault(tmp_path, answers, fault):
    with serving({"/file.gz": answers}) as server:
        url = f"{server.url}/file.gz"
        with pytest.raises(InputError, match=f"{url}: {fault}"):
            obtain([url], tmp_path)


def test_a_later_run_asks_for_the_rest_only_and_for_nothing_if_there_is_none(tmp_path):
    with serving({"/file.gz": [INTERRUPTED, Answer(status=503), REST]}) as server:
        url = f"{server.url}/file.gz"
        with pytest.raises(InputError, match="503"):
            obtain([url], tmp_path)
        obtain([url], tmp_path)
        obtain([url], tmp_path)
    (_, first), _, (_, last) = server.requests
    assert first is None
    assert 0 < int(re.fullmatch(r"bytes=(\d+)-", last)[1]) <= HALF


def test_halves_of_two_mirrors_are_not_joined(tmp_path):
    other = Answer(bytes(len(CONTENT)), sent=HALF)
    answers = {"/a/file.gz": [other, Answer(status=404)], "/b/file.gz": [REST]}
    with serving(answers) as server:
        obtain([f"{server.url}/{place}/file.gz" for place in "ab"], tmp_path)
    assert server.requests[-1] == ("/b/file.gz", None)


@pytest.mark.parametrize("slash", ["", "/"])
def test_mirrors_are_tried_in_order_the_users_first(tmp_path, capsys, slash):
    answers = {"/own/set/file.gz": [Answer(b"wrong")], "/b": [WHOLE], "/c": [WHOLE]}
    with serving(answers) as server:
        published = [f"{server.url}/{place}" for place in "abc"]
        obtain(published, tmp_path, mirror=f"{server.url}/own{slash}")
    assert [path for path, _ in server.requests] == ["/own/set/file.gz", "/a", "/b"]
    assert capsys.readouterr().out.splitlines() == [
        f"skipped {server.url}/own/set/file.gz: has the wrong content",
        f"skipped {server.url}/a: responds with 404 Not Found",
    ]
    (kept,) = (path for path in tmp_path.iterdir() if path.stat().st_size)  # the wrong one is gone
    assert kept.read_bytes() == CONTENT


def test_the_users_folder_is_used_in_place(tmp_path, monkeypatch):
    own = tmp_path / "own" / "set" / "file.gz"
    own.parent.mkdir(parents=True)
    own.write_bytes(CONTENT)
    monkeypatch.chdir(tmp_path)
    assert obtain([], tmp_path / "part", mirror="own") == own
    own.write_bytes(b"wrong")
    with pytest.raises(InputError, match=f"{own}: has the wrong content"):
        obtain([], tmp_path / "part", mirror="own")
    assert own.read_bytes() == b"wrong"
    assert not (tmp_path / "part").exists()


def test_when_all_mirrors_fail_one_line_names_them_and_says_what_to_do(tmp_path):
    with serving({}) as server, pytest.raises(InputError) as caught:
        published = [f"{server.url}/file.gz", "http://127.0.0.1:1/file.gz"]
        obtain(published, tmp_path, mirror=str(tmp_path / "nowhere"))
    message = str(caught.value)
    assert "\n" not in message
    assert f"{tmp_path / 'nowhere' / 'set' / 'file.gz'}: is missing" in message
    assert f"{server.url}/file.gz: responds with 404" in message
    assert "http://127.0.0.1:1/file.gz: download failed (ConnectionError)" in message
    assert "CONVLAB_MIRROR" in message
    assert "make demo" in message


@pytest.mark.parametrize(
    "mirror",
    [
        *("http://user:secret@127.0.0.1:1", "http://user:se/cret@127.0.0.1:1"),
        *("ftp://user:secret@host", "http://user:secret@a..b", "http://user:secret@\udcff"),
    ],
)
def test_a_mirror_that_makes_no_sense_is_named_without_its_password(tmp_path, capsys, mirror):
    with pytest.raises(InputError) as caught:
        obtain([], tmp_path, mirror=mirror)
    for message in (str(caught.value), capsys.readouterr().out):
        assert f"{mirror.split('//')[0]}//***@" in message
        assert "cret" not in message


def test_a_file_without_end_is_dropped(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SIZE_LIMIT", HALF)
    fault = f"is larger than {HALF} bytes"
    with serving({"/file.gz": [WHOLE]}) as server, pytest.raises(InputError, match=fault):
        obtain([f"{server.url}/file.gz"], tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0


def test_a_full_disk_is_not_reported_as_a_fault_of_a_mirror(tmp_path):
    def unpack(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with serving({"/file.gz": [WHOLE]}) as server, pytest.raises(OSError, match="space"):
        urls = [f"{server.url}/file.gz"] * 2
        fetch("file.gz", urls, unpack, mirror=None, partial_folder=tmp_path)
    assert len(server.requests) == 1
