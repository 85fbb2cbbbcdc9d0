"""Download a file from the first of several mirrors that has it complete.

No mirror is trusted: the caller checks the content of the file.
"""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from http.client import responses
from pathlib import Path
from typing import BinaryIO

# Not pooch, which cannot resume a download, try several mirrors or limit a file's size. It also
# checks the checksum of an archive, whereas here any archive with the right content is accepted.
import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from convlab.core.errors import InputError

_TIMEOUT = (10, 30)  # seconds to connect, and between two arrivals of data
_TRANSFERS = 5  # from one mirror in one run: the first one, and four that resume it
_SIZE_LIMIT = 2**28  # bytes; three times the largest archive
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
    """Get a file from one mirror after the other, until it can be unpacked.

    Parameters
    ----------
    place : str
        Path of the file in the user's mirror, such as "mnist/digits.gz".
    published : sequence of str
        Published URLs of the file, in the order in which to try them.
    unpack : callable
        Checks and unpacks the file at a path; raises InputError if the file is wrong.
    mirror : str or None
        The user's mirror, which is tried first: a folder, whose file is used in place, or a base
        URL.
    partial_folder : Path
        Holds complete and interrupted downloads. An interrupted one is resumed, also in a later
        run. The caller removes the folder when everything is unpacked.

    Raises
    ------
    InputError
        If no mirror has the file; names each mirror and its fault.
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
        # A name for each mirror, so that a file is never completed from another mirror.
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
            tqdm.write(f"skipped {faults[-1]}")
    raise InputError(
        f"no mirror has {place} as it should be: {', '.join(faults)}. Run again later (the download"
        " is resumed), set CONVLAB_MIRROR to a folder or base URL that has the file, or run"
        " `make demo`, which needs no download"
    )


def _download(url: str, path: Path) -> None:
    """Download a file to `path`; until it is complete, `.part` is appended to its name."""
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
                if file.tell() == start:  # only the type: the message may hold a password
                    raise InputError(f"download failed ({type(error).__name__})") from error
        else:
            raise InputError(f"was interrupted {_TRANSFERS} times")
    part.replace(path)


def _transfer(url: str, file: BinaryIO) -> bool:
    """Append the missing part of a URL's content to a file.

    Returns
    -------
    bool
        False if the server could not resume the download; the file is then empty.
    """
    start = file.tell()
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        status, rest = response.status_code, response.raw.length_remaining
        if status not in (_OK, _PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE):
            raise InputError(f"responds with {status} {responses.get(status, '')}")
        if status != _PARTIAL_CONTENT:
            start = file.seek(0)
            file.truncate()
        if status == _RANGE_NOT_SATISFIABLE:
            return False
        total = rest and start + rest
        look = {"desc": Path(url).name, "unit": "B", "unit_scale": True, "disable": None}
        with tqdm(initial=start, total=total, **look) as progress:
            # Not decoded: some servers declare the .gz file itself as an encoding.
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                if file.tell() + len(chunk) > _SIZE_LIMIT:
                    file.truncate(0)
                    raise InputError(f"is larger than {_SIZE_LIMIT} bytes")
                file.write(chunk)
                progress.update(len(chunk))
    return True
