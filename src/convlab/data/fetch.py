"""Downloading a file from the first of several mirrors that has it whole.

What is trusted is the content, not the source: this module brings complete
files, one mirror after the other, and its caller checks what is in them.
"""

import hashlib
import posixpath
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType

import requests
from requests.adapters import HTTPAdapter
from tqdm import tqdm
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
_SIZE_LIMIT = 2**30  # bytes: ten times the largest archive, against a server that never ends
_CHUNK = 2**16  # bytes


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
    faults = []
    for location in _locations(place, published, mirror):
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
        faults.append(f"{location}: {fault}")
        tqdm.write(f"dropped {location}: {fault}")
    raise InputError(
        f"no mirror has {place} as it should be ({'; '.join(faults)}): set CONVLAB_MIRROR to "
        f"a folder or base URL that has it, or run `make demo`, which needs no download"
    )


def _locations(place: str, published: Sequence[str], mirror: str | None) -> list[str]:
    """Every URL or absolute path to try, the user's first."""
    if not mirror:
        return list(published)
    own = posixpath.join(mirror, place) if _is_url(mirror) else str(Path(mirror, place).absolute())
    return [own, *published]


def _is_url(location: str) -> bool:
    return "://" in location


def _fetch(location: str, partial_folder: Path) -> Path:
    """The path of a complete local copy of a file; InputError if there is none to be had."""
    if not _is_url(location):
        return _readable(Path(location))
    # The name tells mirrors apart: one's half must not be completed with the other's.
    digest = hashlib.sha256(location.encode()).hexdigest()[:8]
    path = partial_folder / f"{digest}-{posixpath.basename(location)}"
    if not path.exists():
        partial_folder.mkdir(parents=True, exist_ok=True)
        _download(location, path)
    return path


def _readable(path: Path) -> Path:
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(error.strerror) from error
    return path


def _download(url: str, path: Path) -> None:
    """Download a file to `path`, by way of `path` with `.part` appended."""
    part = path.with_name(f"{path.name}.part")
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=_RETRY))
        session.mount("https://", HTTPAdapter(max_retries=_RETRY))
        for _ in range(_TRANSFERS):
            try:
                if _transfer(session, url, part):
                    part.replace(path)
                    return
            except requests.RequestException as error:
                raise InputError(_reason(error)) from error
    raise InputError(f"broke off {_TRANSFERS} times")


def _transfer(session: requests.Session, url: str, part: Path) -> bool:
    """Download what `part` lacks; False if it broke off or has to start over."""
    start = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}  # the bytes as they lie there
    if start:
        headers["Range"] = f"bytes={start}-"
    with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        match response.status_code:
            case HTTPStatus.OK:  # the whole file, asked for or not
                start = 0
            case HTTPStatus.PARTIAL_CONTENT if _begins_at(response, start):
                pass
            case HTTPStatus.PARTIAL_CONTENT | HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                remove(part)
                return False
            case status:
                raise InputError(f"answered {status} {response.reason}")
        return _save(response, part, start)


def _begins_at(response: requests.Response, start: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _save(response: requests.Response, part: Path, start: int) -> bool:
    """Write what arrives to `part` from byte `start` on; False if it breaks off."""
    remaining = response.raw.length_remaining  # bytes, None if the server does not say
    progress = tqdm(
        desc=posixpath.basename(response.url),
        initial=start,
        total=None if remaining is None else start + remaining,
        unit="B",
        unit_scale=True,
        leave=False,
        disable=None,  # where standard error is no terminal
    )
    with progress, part.open("ab" if start else "wb") as file:
        try:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                progress.update(len(chunk))
                if file.tell() > _SIZE_LIMIT:
                    break
            else:
                return True
        except requests.RequestException:
            return False
    remove(part)
    raise InputError(f"is larger than {_SIZE_LIMIT} bytes")


def _reason(error: requests.RequestException) -> str:
    """Why a mirror failed, without the nest of causes in the exception's text."""
    match error:
        case requests.Timeout():
            return "did not answer in time"
        case requests.exceptions.SSLError():
            return "has no valid certificate"
        case requests.ConnectionError():
            return "cannot be reached"
        case _:
            return " ".join(str(error).split())
