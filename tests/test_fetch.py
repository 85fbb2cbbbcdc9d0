"""Downloads from a server on loopback: resumed, refused, replaced by the next mirror's."""

import errno
import os
from pathlib import Path

import pytest

from convlab.data import fetch
from convlab.data.fetch import candidates
from convlab.errors import InputError
from http_server import Answer, serving

CONTENT = bytes(range(256)) * 2000  # half a megabyte: several chunks
HALF = len(CONTENT) // 2


def obtain(published: list[str], folder: Path, *, mirror: str | None = None) -> bytes:
    """The content of the first candidate that is CONTENT; any other fails its trial."""
    passed = b""
    for candidate in candidates("set/file.gz", published, mirror=mirror, partial_folder=folder):
        with candidate as path:
            if path.read_bytes() != CONTENT:
                raise InputError("has the wrong content")
            passed = path.read_bytes()
    return passed


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_a_file_comes_in_one_piece(tmp_path: Path) -> None:
    with serving({"/file.gz": [Answer(CONTENT)]}) as server:
        assert obtain([f"{server.url}/file.gz"], tmp_path) == CONTENT
    assert server.requests == [("/file.gz", None)]


def test_a_broken_off_transfer_goes_on_where_it_stopped(tmp_path: Path) -> None:
    answers = [Answer(CONTENT, sent=HALF), Answer(CONTENT, ranges=True)]
    with serving({"/file.gz": answers}) as server:
        assert obtain([f"{server.url}/file.gz"], tmp_path) == CONTENT
    (_, first), (_, second) = server.requests
    assert first is None
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= HALF


def test_a_later_run_goes_on_where_an_earlier_one_gave_up(tmp_path: Path) -> None:
    answers = [Answer(CONTENT, sent=HALF), *[Answer(CONTENT, sent=0, ranges=True)] * 4]
    with serving({"/file.gz": [*answers, Answer(CONTENT, ranges=True)]}) as server:
        with pytest.raises(InputError, match="broke off 5 times"):
            obtain([f"{server.url}/file.gz"], tmp_path)
        assert obtain([f"{server.url}/file.gz"], tmp_path) == CONTENT
    assert all(asked for _, asked in server.requests[1:])


def test_a_complete_download_is_not_fetched_again(tmp_path: Path) -> None:
    with serving({"/file.gz": [Answer(CONTENT)]}) as server:
        obtain([f"{server.url}/file.gz"], tmp_path)
        assert obtain([f"{server.url}/file.gz"], tmp_path) == CONTENT
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "second",
    [
        pytest.param([Answer(CONTENT)], id="Range ignored"),
        pytest.param([Answer(status=416), Answer(CONTENT)], id="Range refused"),
        pytest.param(
            [
                Answer(CONTENT, status=206, headers={"Content-Range": "bytes 0-9/10"}),
                Answer(CONTENT),
            ],
            id="another Range",
        ),
        pytest.param([Answer(CONTENT, status=206), Answer(CONTENT)], id="no Range named"),
    ],
)
def test_what_cannot_be_resumed_starts_over(tmp_path: Path, second: list[Answer]) -> None:
    with serving({"/file.gz": [Answer(CONTENT, sent=HALF), *second]}) as server:
        assert obtain([f"{server.url}/file.gz"], tmp_path) == CONTENT


def test_halves_of_two_mirrors_are_not_joined(tmp_path: Path) -> None:
    other = bytes(len(CONTENT))
    with serving(
        {"/a/file.gz": [Answer(other, sent=HALF)], "/b/file.gz": [Answer(CONTENT, ranges=True)]}
    ) as server:
        assert obtain([f"{server.url}/{place}/file.gz" for place in "ab"], tmp_path) == CONTENT
    assert server.requests[-1] == ("/b/file.gz", None)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Answer(status=404), "answered 404 Not Found"),
        (Answer(status=500), "answered 500 Internal Server Error"),
        (Answer(CONTENT[:HALF]), "has the wrong content"),
        (Answer(CONTENT[::-1]), "has the wrong content"),
        (Answer(), "has the wrong content"),
        (Answer(CONTENT, sent=0), "broke off 5 times"),
        (Answer(status=302, headers={"Location": "/bad"}), "redirects"),
    ],
    ids=["404", "500", "truncated", "wrong", "empty", "breaks off", "redirects in a circle"],
)
def test_a_bad_mirror_is_named_and_the_next_one_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: Answer, reason: str
) -> None:
    with serving({"/bad": [bad], "/good": [Answer(CONTENT)]}) as server:
        assert obtain([f"{server.url}/bad", f"{server.url}/good"], tmp_path) == CONTENT
        printed = capsys.readouterr().out
        assert f"dropped {server.url}/bad: " in printed
        assert reason in printed
    (kept,) = (path for path in tmp_path.iterdir() if path.suffix != ".part")
    assert kept.read_bytes() == CONTENT


def test_a_busy_server_is_asked_again_after_the_time_it_names(tmp_path: Path) -> None:
    busy = Answer(status=503, headers={"Retry-After": "0"})
    with serving({"/file.gz": [busy, busy, Answer(CONTENT)]}) as server:
        assert obtain([f"{server.url}/file.gz"], tmp_path) == CONTENT
    assert len(server.requests) == 3


def test_a_server_that_stays_busy_is_given_up(tmp_path: Path) -> None:
    busy = Answer(status=429, headers={"Retry-After": "0"})
    with (
        serving({"/file.gz": [busy]}) as server,
        pytest.raises(InputError, match="answered 429 Too Many Requests"),
    ):
        obtain([f"{server.url}/file.gz"], tmp_path)
    assert len(server.requests) == 4


def test_a_redirect_is_followed(tmp_path: Path) -> None:
    moved = Answer(status=302, headers={"Location": "/elsewhere"})
    with serving({"/file.gz": [moved], "/elsewhere": [Answer(CONTENT)]}) as server:
        assert obtain([f"{server.url}/file.gz"], tmp_path) == CONTENT


def test_a_file_without_end_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_SIZE_LIMIT", HALF)
    with (
        serving({"/file.gz": [Answer(CONTENT)]}) as server,
        pytest.raises(InputError, match=f"is larger than {HALF} bytes"),
    ):
        obtain([f"{server.url}/file.gz"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_when_all_mirrors_fail_one_line_says_what_to_do(tmp_path: Path) -> None:
    with serving({}) as server:
        published = [f"{server.url}/file.gz", "ftp://example.invalid/file.gz"]
        with pytest.raises(InputError) as caught:
            obtain(published, tmp_path, mirror=str(tmp_path / "nowhere"))
    message = str(caught.value)
    assert "\n" not in message
    assert f"{tmp_path / 'nowhere' / 'set' / 'file.gz'}: No such file or directory" in message
    assert f"{server.url}/file.gz: answered 404" in message
    assert "ftp://example.invalid/file.gz: " in message
    assert "CONVLAB_MIRROR" in message
    assert "make demo" in message


def test_a_server_that_is_gone_cannot_be_reached(tmp_path: Path) -> None:
    with serving({}) as server:
        pass
    with pytest.raises(InputError, match="cannot be reached"):
        obtain([f"{server.url}/file.gz"], tmp_path)


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_users_url_is_tried_first(tmp_path: Path, slash: str) -> None:
    with serving({"/base/set/file.gz": [Answer(CONTENT)]}) as server:
        published = [f"{server.url}/file.gz"]
        assert obtain(published, tmp_path, mirror=f"{server.url}/base{slash}") == CONTENT
    assert server.requests == [("/base/set/file.gz", None)]


def test_the_users_folder_is_used_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own" / "set" / "file.gz"
    own.parent.mkdir(parents=True)
    own.write_bytes(CONTENT)
    monkeypatch.chdir(tmp_path)
    candidate = next(candidates("set/file.gz", [], mirror="own", partial_folder=tmp_path / "part"))
    assert candidate.path == own
    assert not (tmp_path / "part").exists()


def test_a_bad_file_of_the_users_stays_where_it_lies(tmp_path: Path) -> None:
    own = tmp_path / "set" / "file.gz"
    own.parent.mkdir()
    own.write_bytes(b"wrong")
    with pytest.raises(InputError, match="has the wrong content"):
        obtain([], tmp_path / "part", mirror=str(tmp_path))
    assert own.read_bytes() == b"wrong"


def test_a_full_disk_is_no_mirrors_fault(tmp_path: Path) -> None:
    with serving({"/file.gz": [Answer(CONTENT)]}) as server:
        trials = candidates(
            "set/file.gz", [f"{server.url}/file.gz"] * 2, mirror=None, partial_folder=tmp_path
        )
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)), next(trials):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_download_that_cannot_be_written_is_no_mirrors_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        serving({"/file.gz": [Answer(CONTENT)]}) as server,
        pytest.raises(OSError, match="file"),
    ):
        obtain([f"{server.url}/file.gz"], tmp_path / "file")
