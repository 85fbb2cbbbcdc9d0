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
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetch, "_RETRY", fetch._RETRY.new(backoff_factor=0, retry_after_max=0))


def test_a_file_comes_in_one_piece(tmp_path: Path) -> None:
    with serving({"/file.gz": [Answer(CONTENT)]}) as server:
        assert obtain([f"{server.url}/file.gz"], tmp_path) == CONTENT
    assert server.requests == [("/file.gz", None)]


REST = Answer(CONTENT, ranges=True)
BUSY = Answer(status=503, headers={"Retry-After": "1"})
NEVER = 9.0  # seconds: longer than anybody here waits


def moved(to: str, body: bytes = b"") -> Answer:
    return Answer(body, status=302, headers={"Location": to})


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        pytest.param([Answer(CONTENT, pause=NEVER)], "did not answer in time", id="stalls"),
        pytest.param([Answer(CONTENT, sent=HALF, stall=NEVER), REST], None, id="stalls midway"),
        pytest.param([Answer(CONTENT, sent=HALF, reset=True), REST], None, id="resets"),
        pytest.param([Answer(CONTENT, sent=0, reset=True)], "broke off 5 times", id="only resets"),
        pytest.param([Answer(CONTENT, sent=HALF), REST], None, id="sends half"),
        pytest.param([Answer(CONTENT, sent=HALF)] * 2 + [REST], None, id="ignores Range"),
        pytest.param([Answer(CONTENT[::-1])], "has the wrong content", id="sends wrong bytes"),
        pytest.param([Answer(CONTENT[:HALF])], "has the wrong content", id="sends too little"),
        pytest.param([Answer()], "has the wrong content", id="sends nothing"),
        pytest.param([Answer(status=404)], "answered 404 Not Found", id="404"),
        pytest.param([Answer(status=429)], "answered 429 Too Many Requests", id="429"),
        pytest.param([BUSY] * 3 + [REST], None, id="503 for a while"),
        pytest.param([BUSY], "answered 503 Service Unavailable", id="503 for ever"),
        pytest.param(
            [Answer(status=503, headers={"Retry-After": "Mon, 01 Jan 99999 00:00:00 GMT"})],
            "a header that makes no sense",
            id="503 until nonsense",
        ),
        pytest.param([moved("/moved"), REST], None, id="redirects"),
        pytest.param([moved("/file.gz")], "redirects without end", id="redirects in a circle"),
        pytest.param(
            [moved("file:///etc/passwd")], "a protocol other than", id="redirects to file"
        ),
        pytest.param([moved("http://[::1")], "a redirect .* no sense", id="redirects to nonsense"),
        pytest.param(
            [Answer(CONTENT, drip=0.05)], "is too slow \\(less than 1 KiB a second", id="drips"
        ),
        pytest.param(
            [
                Answer(
                    CONTENT[:HALF],
                    status=206,
                    headers={"Content-Range": f"bytes 0-{HALF - 1}/{len(CONTENT)}"},
                ),
                REST,
            ],
            None,
            id="sends a part unasked",
        ),
        pytest.param(
            [Answer(CONTENT, headers={"Content-Encoding": "gzip"})],
            None,
            id="calls .gz an encoding",
        ),
    ],
)
def test_a_bad_server_ends_in_right_bytes_or_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: list[Answer], fault: str | None
) -> None:
    monkeypatch.setattr(fetch, "_TIMEOUT", (0.1, 0.1))
    monkeypatch.setattr(fetch, "_WINDOW", 0.3)
    with serving({"/file.gz": answers, "/moved": [REST]}) as server:
        url = f"{server.url}/file.gz"
        if fault is None:
            assert obtain([url], tmp_path) == CONTENT
        else:
            with pytest.raises(InputError, match=f"\\(1\\) {url}: .*{fault}"):
                obtain([url], tmp_path)


def test_the_body_of_a_redirect_is_not_read(tmp_path: Path) -> None:
    endless = Answer(CONTENT, status=302, headers={"Location": "/moved"}, drip=0.01)
    with serving({"/file.gz": [endless], "/moved": [REST]}) as server:
        assert obtain([f"{server.url}/file.gz"], tmp_path) == CONTENT


def test_a_transfer_that_takes_too_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_WINDOW", 0.05)
    monkeypatch.setattr(fetch, "_FLOOR", 1)
    monkeypatch.setattr(fetch, "_LONGEST", 0)
    with (
        serving({"/file.gz": [Answer(CONTENT, drip=0.01)]}) as server,
        pytest.raises(InputError, match="took more than 0 hours"),
    ):
        obtain([f"{server.url}/file.gz"], tmp_path)


def test_a_bad_mirror_is_named_and_the_next_one_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving({"/bad": [Answer(CONTENT[::-1])], "/good": [Answer(CONTENT)]}) as server:
        assert obtain([f"{server.url}/bad", f"{server.url}/good"], tmp_path) == CONTENT
        dropped = f"dropped {server.url}/bad: has the wrong content; trying the next mirror\n"
        assert capsys.readouterr().out == dropped
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("mirror", "shown"),
    [
        ("http://user:secret@127.0.0.1:1", "http://***@127.0.0.1:1/set/file.gz: cannot be reached"),
        ("http://user:se/cret@127.0.0.1:1", "http://***@127.0.0.1:1/set/file.gz: has an address"),
        ("ftp://user:secret@host", "ftp://***@host/set/file.gz: is neither a folder nor an http"),
        ("http://a..b", "http://a..b/set/file.gz: has an address, a redirect or a header that"),
        ("http://127.0.0.1:99999", "http://127.0.0.1:99999/set/file.gz: has an address, a"),
        ("http://\udcff", "http://\\udcff/set/file.gz: has an address, a redirect or a header"),
    ],
)
def test_a_mirror_that_makes_no_sense_is_named_without_its_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mirror: str, shown: str
) -> None:
    with pytest.raises(InputError) as caught:
        obtain(["http://127.0.0.1:1/file.gz"], tmp_path, mirror=mirror)
    for message in (str(caught.value), capsys.readouterr().out):
        assert shown in message
        assert "cret" not in message


def test_a_proxy_that_refuses_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with pytest.raises(InputError, match="cannot be reached through the proxy"):
        obtain(["http://host.invalid/file.gz"], tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    os.mkfifo(tmp_path / "set" / "file.gz")
    with pytest.raises(InputError, match=r"set/file\.gz: is not a file"):
        obtain([], tmp_path / "part", mirror=str(tmp_path))


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
        published = [f"{server.url}/file.gz"] * 2
        with pytest.raises(InputError) as caught:
            obtain(published, tmp_path, mirror=str(tmp_path / "nowhere"))
    message = str(caught.value)
    assert "\n" not in message
    assert f"{tmp_path / 'nowhere' / 'set' / 'file.gz'}: No such file or directory" in message
    assert message.count(f"{server.url}/file.gz: answered 404") == 2
    assert "CONVLAB_MIRROR" in message
    assert "make demo" in message


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
