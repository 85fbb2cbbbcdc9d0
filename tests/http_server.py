"""A local web server with faults that a test chooses."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """What to send back for one request."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None  # bytes of the body before the connection is closed
    ranges: bool = False  # whether it can resume
    stall: float = 0  # seconds before the connection is closed


@dataclass(frozen=True)
class Server:
    """A running server: its address, and the requests that it got, as (path, Range)."""

    url: str
    requests: list[tuple[str, str | None]]


@contextmanager
def serving(answers: dict[str, Sequence[Answer]]) -> Iterator[Server]:
    """Serve a list of answers per path in turn, the last one again and again; else 404."""
    queues = {path: list(queue) for path, queue in answers.items()}
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            requests.append((self.path, asked))
            queue = queues.get(self.path, [Answer(status=404)])
            answer = queue.pop(0) if len(queue) > 1 else queue[0]
            status, body = answer.status, answer.body
            if asked and answer.ranges:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                status, body = (206, body[start:]) if start < len(body) else (416, b"")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: answer.sent])
            time.sleep(answer.stall)

        def log_message(self, *_: object) -> None:
            pass

    class QuietServer(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that has given up is what is tested."""

    with QuietServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Server(f"http://127.0.0.1:{server.server_port}", requests)
        finally:
            server.shutdown()
            thread.join()
