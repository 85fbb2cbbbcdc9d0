"""Downloading a file from the first of several mirrors that has it complete.

What is trusted is the content, not the source: the caller checks what a file holds.
"""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from http.client import responses
from pathlib import Path
from typing import BinaryIO

# Not pooch: it neither resumes a download nor tries several mirrors nor limits a file's size, and
# trusts the checksum of an archive, where here any archive of the right content will do.
import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from convlab.core.errors import InputError

_TIMEOUT = (10, 30)  # seconds to connect, and between two arrivals of data
_TRANSFERS = 5  # from one mirror in one run: the first, and four that resume it
_SIZE_LIMIT = 2**28  # bytes: three times the largest archive
_CHUNK = 2**16  # bytes
_OK, _PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 200, 206, 416  # status of HTTP


def fetch(
    place: str,
    published: Sequence[str],
    unpack: Callable[[Path], None],
    *,
    mirror: str | None,
    partial_folder: Path,
) -> None:
    """Bring a file from one mirror after the other, until one can be unpacked.

    Parameters
    ----------
    place : str
        Where the file lies in the user's mirror, such as "mnist/digits.gz".
    published : sequence of str
        Its published URLs, in the order in which to try them.
    unpack : callable
        Checks and unpacks the file whose path it gets; an InputError says what is wrong with it.
    mirror : str or None
        The user's mirror, tried first: a folder, where the file is used as it lies, or a base URL.
    partial_folder : Path
        Keeps the downloads, complete or not: an interrupted one is resumed, in the next run too.
        The caller removes it when all is unpacked.

    Raises
    ------
    InputError
        If no mirror has the file: names the mirrors, and what is wrong with each.
    OSError
        If the download cannot be written.
    """
    locations = list(published)
    if mirror:
        is_url = "://" in mirror
        own = f"{mirror.rstrip('/')}/{place}" if is_url else str(Path(mirror, place).absolute())
        locations.insert(0, own)
    faults = []
    for location in locations:
        is_url = "://" in location
        # The name tells mirrors apart: half a file of one is never completed by another.
        digest = hashlib.sha256(os.fsencode(location)).hexdigest()[:8]
        path = partial_folder / f"{digest}-{Path(place).name}" if is_url else Path(location)
        try:
            if is_url:
                _download(location, path)
            elif not path.is_file():  # opening a named pipe would wait for ever
                raise InputError("is missing, or not a file")
            unpack(path)
            return
        except InputError as error:
            if is_url:
                path.unlink(missing_ok=True)
            shown = re.sub(r"(?<=://).*@", "***@", location)  # without a password
            faults.append(f"{os.fsencode(shown).decode(errors='replace')}: {error}")
            tqdm.write(f"dropped {faults[-1]}")
    raise InputError(
        f"no mirror has {place} as it should be: {', '.join(faults)}. Run again later (what has"
        " arrived is kept), set CONVLAB_MIRROR to a folder or base URL that has the file, or run"
        " `make demo`, which needs no download"
    )


def _download(url: str, path: Path) -> None:
    """Download a file to `path`, by way of `path` with `.part` appended."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("ab") as file:
        for _ in range(_TRANSFERS):
            start = file.tell()
            try:
                if _transfer(url, file):
                    break
            except (requests.RequestException, HTTPError, ValueError) as error:
                if file.tell() == start:  # its kind only: its words may hold a password
                    raise InputError(f"download failed ({type(error).__name__})") from error
        else:
            raise InputError(f"was interrupted {_TRANSFERS} times")
    part.replace(path)


def _transfer(url: str, file: BinaryIO) -> bool:
    """Append to a file what it lacks of a URL's content.

    Returns
    -------
    bool
        False if the server could not resume the file, which is empty now.
    """
    start = file.tell()
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        status, rest = response.status_code, response.raw.length_remaining
        if status not in (_OK, _PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE):
            raise InputError(f"answers {status} {responses.get(status, '')}")
        if status != _PARTIAL_CONTENT:
            start = file.seek(0)
            file.truncate()
        if status == _RANGE_NOT_SATISFIABLE:
            return False
        total = rest and start + rest
        look = {"desc": Path(url).name, "unit": "B", "unit_scale": True, "disable": None}
        with tqdm(initial=start, total=total, **look) as progress:
            # Not decoded: a server that calls .gz an encoding means the file.
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                if file.tell() + len(chunk) > _SIZE_LIMIT:
                    file.truncate(0)
                    raise InputError(f"is larger than {_SIZE_LIMIT} bytes")
                file.write(chunk)
                progress.update(len(chunk))
    return True
