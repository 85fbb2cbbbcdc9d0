"""Downloading a file from the first of several mirrors that has it whole.

What is trusted is the content, not the source: this module brings complete
files, one mirror after the other, and its caller checks what is in them.
"""

import hashlib
import http.client
import io
import posixpath
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from types import TracebackType
from typing import IO

import requests
from requests.adapters import HTTPAdapter
from tqdm import tqdm
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from convlab.errors import InputError
from convlab.files import remove

_TIMEOUT = (10, 30)  # seconds to connect, and between two arrivals of data
_RETRY = Retry(
    total=3,
    status_forcelist=(HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE),
    backoff_factor=0.25,  # seconds; doubled from try to try
    retry_after_max=10,  # seconds: however long a server asks to wait
    raise_on_status=False,
)
_TRANSFERS = 5  # a transfer that breaks off is taken up again this many times, less one
# Whatever a mirror does, it costs a file no more than these two: _WINDOW seconds in which it
# brings less than _FLOOR bytes a second, and _LONGEST seconds in all. 70 MB at 2 KiB a second
# take ten hours; a slower line gets them in several runs.
_WINDOW = 60
_FLOOR = 2**10
_LONGEST = 12 * 60 * 60
_SIZE_LIMIT = 2**28  # bytes: three times the largest archive, against a server that never ends
_CHUNK = 2**16  # bytes
_AHEAD = 16  # chunks that may wait to be written
_REASONS = (  # the first that fits
    (
        (requests.exceptions.InvalidProxyURL, requests.exceptions.ProxyError),
        "cannot be reached through the proxy (check HTTP_PROXY, HTTPS_PROXY, NO_PROXY)",
    ),
    (
        requests.exceptions.SSLError,
        "offers no secure connection (check this machine's clock and certificates)",
    ),
    (requests.Timeout, "did not answer in time"),
    (requests.ConnectionError, "cannot be reached, or breaks the connection"),
    (requests.TooManyRedirects, "redirects without end"),
    (
        requests.exceptions.InvalidSchema,
        "needs a protocol other than http and https (a redirect, or a SOCKS proxy)",
    ),
    (Exception, "has an address, a redirect or a header that makes no sense"),
)
_RANGE = re.compile(r"bytes (?P<start>\d{1,18})-\d+/(?P<total>\d{1,18}|\*)", re.ASCII)


class Candidate:
    """A complete download on trial: `with candidate as path:` check and unpack it.

    An InputError inside that block is what is wrong with the download; it is
    kept as `fault` and goes no further. Any other exception does, such as the
    OSError of a full disk: that is no mirror's fault.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault: str | None = None

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if isinstance(error, InputError):
            self.fault = str(error)
        return self.fault is not None


def candidates(
    place: str, published: Sequence[str], *, mirror: str | None, partial_folder: Path
) -> Iterator[Candidate]:
    """Bring a file from one mirror after the other until one passes its trial.

    A candidate that fails its trial is named on standard output and dropped,
    and the next mirror is tried; after one that passes, or that no `with`
    block took up, the iteration ends. A broken-off download goes on where it
    stopped, in the next run too.

    Parameters
    ----------
    place : str
        Where the file lies in the user's mirror, such as "mnist/digits.gz".
    published : sequence of str
        Its published URLs, in the order in which to try them.
    mirror : str or None
        The user's mirror, tried first: a folder or a base URL. A file in a
        folder is used where it lies, and stays there whatever its trial says.
    partial_folder : Path
        Keeps what is downloaded, whole or in part; the caller removes it
        when it needs no more of it.

    Yields
    ------
    Candidate

    Raises
    ------
    InputError
        If no mirror's file passed: names the mirrors and what was wrong.
    OSError
        If the download cannot be written.
    """
    locations = _locations(place, published, mirror)
    faults = []
    for number, location in enumerate(locations, start=1):
        try:
            candidate = Candidate(_fetch(location, partial_folder))
        except InputError as error:
            fault = str(error)
        else:
            yield candidate
            if candidate.fault is None:
                return
            fault = candidate.fault
            if _is_url(location):
                remove(candidate.path)
        faults.append(f"({number}) {_shown(location)}: {fault}")
        if number < len(locations):
            tqdm.write(f"dropped {_shown(location)}: {fault}; trying the next mirror")
    raise InputError(
        f"no mirror has {place} as it should be: {', '.join(faults)}. Run again later (what has "
        f"arrived is kept), set CONVLAB_MIRROR to a folder or base URL that has the file, or run "
        f"`make demo`, which needs no download"
    )


def _locations(place: str, published: Sequence[str], mirror: str | None) -> list[str]:
    """Every URL or absolute path to try, the user's first."""
    if not mirror:
        return list(published)
    own = posixpath.join(mirror, place) if _is_url(mirror) else str(Path(mirror, place).absolute())
    return [own, *published]


def _is_url(location: str) -> bool:
    return "://" in location


def _shown(location: str) -> str:
    """How messages name a location: without a password, and printable."""
    return re.sub(r"(?<=://).*@", "***@", location).encode(errors="backslashreplace").decode()


def _fetch(location: str, partial_folder: Path) -> Path:
    """The path of a complete local copy of a file; InputError if there is none to be had."""
    if not _is_url(location):
        return _readable(Path(location))
    if not location.lower().startswith(("http://", "https://")):
        raise InputError("is neither a folder nor an http or https URL")
    # The name tells mirrors apart: one's half must not be completed with the other's.
    digest = hashlib.sha256(location.encode(errors="backslashreplace")).hexdigest()[:8]
    path = partial_folder / f"{digest}-{posixpath.basename(location)}"
    if not path.exists():
        partial_folder.mkdir(parents=True, exist_ok=True)
        _download(location, path)
    return path


def _readable(path: Path) -> Path:
    if path.exists() and not path.is_file():  # to open a pipe would be to wait for its other end
        raise InputError("is not a file")
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(error.strerror) from error
    return path


def _download(url: str, path: Path) -> None:
    """Download a file to `path`, by way of `path` with `.part` appended."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("ab") as file:
            _save(url, file)
    except InputError:
        if not part.stat().st_size:
            remove(part)
        raise
    part.replace(path)


def _save(url: str, file: IO[bytes]) -> None:
    """Complete a file that holds the beginning of what a URL has, or nothing."""
    progress = tqdm(
        desc=posixpath.basename(url),
        initial=file.tell(),
        unit="B",
        unit_scale=True,
        leave=False,
        disable=None,  # where standard error is no terminal
    )
    with progress, closing(_watched(_receive(url, file.tell()))) as arrivals:
        for start, chunk, total in arrivals:
            if max(start + len(chunk), total or 0) > _SIZE_LIMIT:
                file.truncate(0)
                raise InputError(f"is larger than {_SIZE_LIMIT} bytes: not the published file")
            file.truncate(start)
            file.write(chunk)
            progress.total = total
            progress.update(file.tell() - progress.n)


# Where a chunk belongs in the file, the chunk, and the file's length (None if not known)
_Arrival = tuple[int, bytes, int | None]


def _watched(arrivals: Iterator[_Arrival]) -> Iterator[_Arrival]:
    """Pass on what a thread of its own receives; InputError if that is too slow.

    A server can keep its client waiting in many places (connection, lines of
    the header, redirects, chunks), and limits there start anew with every
    byte that drips in. Here all of them are one wait. A thread that is given
    up ends when it next receives something, at the latest with the program.
    """
    queue: Queue[_Arrival | Exception | None] = Queue(_AHEAD)
    given_up = Event()

    def receive() -> None:
        with closing(arrivals):
            try:
                for arrival in arrivals:
                    queue.put(arrival)
                    if given_up.is_set():
                        return
            except Exception as error:
                queue.put(error)
            else:
                queue.put(None)

    Thread(target=receive, daemon=True).start()
    end = time.monotonic() + _LONGEST
    next_look = time.monotonic() + _WINDOW
    received = seen = 0
    try:
        while True:
            try:
                arrival = queue.get(timeout=max(0, next_look - time.monotonic()))
            except Empty:
                if not received:
                    raise InputError("did not answer in time") from None
                if received - seen < _FLOOR * _WINDOW:
                    raise InputError(
                        f"is too slow (less than {_FLOOR // 2**10} KiB a second)"
                    ) from None
                if time.monotonic() > end:
                    raise InputError(f"took more than {_LONGEST // 3600} hours") from None
                seen, next_look = received, time.monotonic() + _WINDOW
                continue
            if arrival is None:
                return
            if isinstance(arrival, Exception):
                raise arrival
            received += len(arrival[1])
            yield arrival
    finally:
        given_up.set()
        while not queue.empty():  # the thread may wait for room
            queue.get_nowait()


def _receive(url: str, start: int) -> Iterator[_Arrival]:
    """What arrives of a file from byte `start` on, however often the transfer breaks off.

    Begins every transfer with an empty chunk: what follows replaces all that
    the file holds from there on. InputError if the file does not come whole.
    """
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=_RETRY))
        session.mount("https://", HTTPAdapter(max_retries=_RETRY))
        session.hooks["response"].append(_skip_redirects_body)
        for _ in range(_TRANSFERS):
            with _request(session, url, start) as response:
                total = None
                match response.status_code:
                    case HTTPStatus.OK:  # the whole file, asked for or not
                        start = 0
                    case HTTPStatus.PARTIAL_CONTENT if part := _continues(response, start):
                        total = None if part["total"] == "*" else int(part["total"])
                    case HTTPStatus.PARTIAL_CONTENT | HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                        start = 0
                        continue
                    case status:
                        phrase = http.client.responses.get(status, "")
                        raise InputError(f"answered {status} {phrase}")
                if total is None and response.raw.length_remaining is not None:
                    total = start + response.raw.length_remaining
                yield start, b"", total
                try:
                    # Bytes as they came: a server that calls a .gz file an encoding means the file.
                    while chunk := response.raw.read1(_CHUNK, decode_content=False):
                        yield start, chunk, total
                        start += len(chunk)
                except (HTTPError, ValueError):  # broke off; ValueError: a chunk of negative size
                    continue
                if total is None or start >= total:
                    return
    raise InputError(f"broke off {_TRANSFERS} times")


def _skip_redirects_body(response: requests.Response, **_: object) -> None:
    """Requests would read it, whatever its length, into memory."""
    if response.is_redirect:
        response.close()
        response.raw = io.BytesIO()


def _request(session: requests.Session, url: str, start: int) -> requests.Response:
    headers = {"Accept-Encoding": "identity"}  # the bytes as they lie there
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        return session.get(url, headers=headers, stream=True, timeout=_TIMEOUT)
    # What requests does not wrap: urllib3's errors for host names, and those of converting
    # nonsense in the headers Location and Retry-After
    except (requests.RequestException, HTTPError, ValueError, OverflowError) as error:
        raise InputError(_reason(error)) from error


def _continues(response: requests.Response, start: int) -> re.Match[str] | None:
    """What a Content-Range says, if it is the one that was asked for."""
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return found if found and int(found["start"]) == start else None


def _reason(error: Exception) -> str:
    """Why a mirror failed; not in the exception's words, which may hold a password."""
    return next(reason for kinds, reason in _REASONS if isinstance(error, kinds))
