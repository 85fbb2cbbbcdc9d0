"""Download from servers that stall, break off, lie or go in circles."""

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from convlab.checksums import read_checksums
from convlab.data import bsds, mnist
from convlab.errors import InputError
from demo import lay_over
from faults.trial import (
    LIMIT,
    Bench,
    Copy,
    Trial,
    check_outputs,
    check_refusal,
    check_well,
)

PLACES = {
    "download_mnist": [f"mnist/{name}.gz" for name in mnist.CHECKSUMS],
    "download_bsds": ["bsds500/BSR_bsds500.tgz"],
}
TRUE = {
    "download_mnist": {f"data/raw/mnist/{name}": sha for name, sha in mnist.CHECKSUMS.items()},
    "download_bsds": {
        f"data/raw/bsds500/{name}": sha for name, sha in read_checksums(bsds.CHECKSUMS).items()
    },
}
_ELSEWHERE = "/elsewhere"  # what lies below is always sent as it should be


class _Server(ThreadingHTTPServer):
    files: dict[str, bytes]
    replies: Iterator["Reply"]

    def handle_error(self, *_: object) -> None:
        """Say nothing: that a client hangs up is what happens here."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Reply as the server's next reply says."""
        elsewhere = self.path.startswith(_ELSEWHERE)
        content = self.server.files.get(self.path.removeprefix(_ELSEWHERE).removeprefix("/"))
        if content is None:
            self.send_error(404)
        else:
            reply = _whole if elsewhere else next(self.server.replies, _whole)
            reply(self, content)

    def begin(self, status: int, length: int, **headers: str) -> None:
        """Send what comes before the content."""
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


Reply = Callable[[_Handler, bytes], None]


def _begin_rest(handler: _Handler, content: bytes) -> bytes:
    """Begin to send what was asked for; give it."""
    asked = handler.headers.get("Range")
    start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
    rest, last = content[start:], len(content) - 1
    if not asked:
        handler.begin(200, len(rest))
    elif rest:
        handler.begin(206, len(rest), Content_Range=f"bytes {start}-{last}/{last + 1}")
    else:
        handler.begin(416, 0, Content_Range=f"bytes */{last + 1}")
    return rest


def _whole(handler: _Handler, content: bytes) -> None:
    handler.wfile.write(_begin_rest(handler, content))


def _half(handler: _Handler, content: bytes) -> None:
    rest = _begin_rest(handler, content)
    handler.wfile.write(rest[: len(rest) // 2])


def _half_from_start(handler: _Handler, content: bytes) -> None:
    handler.begin(200, len(content))
    handler.wfile.write(content[: len(content) // 2])


def _whole_from_start(handler: _Handler, content: bytes) -> None:
    handler.begin(200, len(content))
    handler.wfile.write(content)


def _stall(handler: _Handler, content: bytes) -> None:
    _half(handler, content)
    handler.connection.settimeout(LIMIT)
    handler.connection.recv(1)  # ends when the client hangs up


def _reset(handler: _Handler, content: bytes) -> None:
    _half(handler, content)
    linger_no_time = struct.pack("ii", 1, 0)  # close() then sends RST
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_no_time)
    os.close(handler.connection.detach())


def _drip(handler: _Handler, content: bytes) -> None:
    for byte in _begin_rest(handler, content):
        handler.wfile.write(bytes([byte]))
        time.sleep(1)


def _wrong_bytes(handler: _Handler, content: bytes) -> None:
    third = len(content) // 3
    _whole(handler, content[:third] + bytes(third) + content[2 * third :])


def _status(status: int, **headers: str) -> Reply:
    return lambda handler, _: handler.begin(status, 0, **headers)


def _redirect(handler: _Handler, _: bytes) -> None:
    handler.begin(302, 0, Location=_ELSEWHERE + handler.path)


def _circle(handler: _Handler, _: bytes) -> None:
    handler.begin(302, 0, Location=handler.path)


class Fault(NamedTuple):
    """What a server does wrong."""

    replies: tuple[Reply, ...]
    passing: bool
    """Whether the very run that meets it must get over it, once the server is well again."""


FAULTS = {
    "stalls": Fault((_stall,), passing=True),
    "resets": Fault((_reset,), passing=True),
    "sends half": Fault((_half,), passing=True),
    "wrong bytes": Fault((_wrong_bytes,), passing=False),
    "answers 404": Fault((_status(404),), passing=False),
    "answers 429": Fault((_status(429, Retry_After="2"),), passing=True),
    "answers 503": Fault((_status(503),), passing=True),
    "redirects": Fault((_redirect,), passing=True),
    "redirects in a circle": Fault((_circle,), passing=False),
    "ignores Range": Fault((_half_from_start, _whole_from_start), passing=True),
    "drips": Fault((_drip,), passing=False),
}


def published(stage: str) -> dict[str, bytes]:
    """Read what a download stage downloads, by place, from the folder that CONVLAB_MIRROR names.

    Raises
    ------
    InputError
        If it names none, or the files are not there.
    """
    mirror = os.environ.get("CONVLAB_MIRROR")
    if not mirror:
        raise InputError("set CONVLAB_MIRROR to a folder that has the published files")
    try:
        return {place: Path(mirror, place).read_bytes() for place in PLACES[stage]}
    except OSError as error:
        raise InputError(f"CONVLAB_MIRROR: {error.filename}: {error.strerror}") from error


@contextmanager
def serving(files: dict[str, bytes], replies: Iterator[Reply]) -> Iterator[str]:
    """Serve files on loopback, by these replies one after the other, then well; give the URL."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.files, server.replies = files, replies
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def trials(bench: Bench) -> list[Trial]:
    """Meet each fault once and for ever, in both downloads."""
    for stage in PLACES:
        published(stage)
    return [
        Trial(
            f"network {name}",
            f"{stage}, {'for ever' if for_ever else 'once'}",
            partial(_download, bench, stage, fault, for_ever),
        )
        for name, fault in FAULTS.items()
        for stage in PLACES
        for for_ever in (False, True)
    ]


def _download(bench: Bench, stage: str, fault: Fault, for_ever: bool, copy: Copy) -> None:
    copy.fill(bench.reference.tree, cache=False)
    lay_over(copy.tree / "params.yaml", {stage: {"source": "published"}})
    former = copy.outputs(stage)
    replies = cycle(fault.replies) if for_ever else iter(fault.replies)
    with serving(published(stage), replies) as url:
        done = copy.script(stage, CONVLAB_MIRROR=url)
        if done.code:
            check_refusal(done, stage, f"{url}/{PLACES[stage][0]}")
            copy.check_drafts()
            check_outputs(copy.outputs(stage), former)
        if not for_ever and fault.passing:
            check_well(done)
        if done.code and not for_ever:
            done = copy.script(stage, CONVLAB_MIRROR=url)
            check_well(done)
    if not done.code:
        found = copy.outputs(stage)
        lists = {name for name in found if name.endswith("SHA256SUMS")}
        check_outputs({name: found[name] for name in found.keys() - lists}, TRUE[stage])
        copy.check_tidy()
