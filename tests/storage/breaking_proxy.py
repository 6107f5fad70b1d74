"""A proxy before an S3 server: it keeps what was asked, and breaks the answers that it is told to break.

What is uploaded passes through whole, before its answer is broken: so the server has it, and who asked does not know.

    with breaking(server.endpoint) as proxy:       # radosgw or moto; requests are passed on as they are signed
        proxy.fault = lambda asked: break_after(100) if len(proxy.asked) == 3 else None

A fault is what is done instead of passing the server's answer on whole.
"""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.http_server import HttpServer

HOP = ("connection", "keep-alive", "transfer-encoding")


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    range: str
    conditional: bool
    only_new: bool = False

    @property
    def first(self) -> int:
        """The first byte that is asked for."""
        return int(self.range.removeprefix("bytes=").partition("-")[0])


@dataclass(frozen=True)
class Answer:
    """What the server answers."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


Fault = Callable[["Handler", Answer], None]


@dataclass
class Proxy:
    """What was asked, and what is to happen to the next answer."""

    endpoint: str = ""
    upstream: str = ""
    asked: list[Asked] = field(default_factory=list)
    fault: Callable[[Asked], Fault | None] = lambda _: None
    withheld: tuple[str, ...] = ()  # headers in small letters that the server is not shown

    @property
    def ranges(self) -> list[str]:
        """The ranges that were asked for, but for the first byte by which an object is found."""
        return [each.range for each in self.asked if each.range not in ("", "bytes=0-0")]


class Handler(BaseHTTPRequestHandler):
    """Passes requests on."""

    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def do_GET(self) -> None:
        """Ask the server, and answer as it does, or as the fault has it."""
        conditions = ("If-Match" in self.headers, "If-None-Match" in self.headers)
        asked = Asked(self.command, self.path, self.headers.get("Range", ""), *conditions)
        self.proxy.asked.append(asked)
        fault = self.proxy.fault(asked) or pass_on
        fault(self, self.answered())

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - http.server's names

    def answered(self) -> Answer:
        """What the server answers."""
        upstream = http.client.HTTPConnection(urlsplit(self.proxy.upstream).netloc, timeout=30)
        sent = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        shown = {name: value for name, value in self.headers.items() if name.lower() not in self.proxy.withheld}
        try:
            upstream.request(self.command, self.path, sent or None, shown)
            answer = upstream.getresponse()
            body = answer.read()
            return Answer(answer.status, [each for each in answer.getheaders() if each[0].lower() not in HOP], body)
        finally:
            upstream.close()

    def begin(self, answer: Answer) -> None:
        """Send status and headers."""
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if "content-length" not in [name.lower() for name, _ in answer.headers]:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def pass_on(handler: Handler, answer: Answer) -> None:
    """No fault."""
    handler.begin(answer)
    handler.wfile.write(b"" if handler.command == "HEAD" else answer.body)


def lose(handler: Handler, _: Answer) -> None:
    """Close the connection: the server has done what was asked, and nobody says so."""
    handler.close_connection = True


def break_after(count: int) -> Fault:
    """Close the connection in the middle of the body."""

    def fault(handler: Handler, answer: Answer) -> None:
        handler.begin(answer)
        handler.wfile.write(answer.body[:count])
        handler.wfile.flush()
        handler.close_connection = True

    return fault


def stall_after(count: int, seconds: float) -> Fault:
    """Send no more of the body, and keep the connection."""

    def fault(handler: Handler, answer: Answer) -> None:
        handler.begin(answer)
        handler.wfile.write(answer.body[:count])
        handler.wfile.flush()
        time.sleep(seconds)
        handler.close_connection = True

    return fault


def hang(seconds: float) -> Fault:
    """Answer nothing."""

    def fault(handler: Handler, _: Answer) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return fault


def refuse(status: int, code: str) -> Fault:
    """Answer as S3 does when it refuses."""

    def fault(handler: Handler, _: Answer) -> None:
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>said {code}</Message></Error>".encode()
        pass_on(handler, Answer(status, [("Content-Type", "application/xml")], body))

    return fault


def without(header: str) -> Fault:
    """Leave a header out."""

    def fault(handler: Handler, answer: Answer) -> None:
        kept = [each for each in answer.headers if each[0].lower() != header.lower()]
        pass_on(handler, Answer(answer.status, kept, answer.body))

    return fault


def say(status: int, page: bytes) -> Fault:
    """Answer a page of HTML."""

    def fault(handler: Handler, _: Answer) -> None:
        pass_on(handler, Answer(status, [("Content-Type", "text/html"), ("ETag", '"page"')], page))

    return fault


@contextmanager
def breaking(upstream: str) -> Iterator[Proxy]:
    """Run a proxy while the block runs."""
    proxy = Proxy(upstream=upstream)
    server = HttpServer(("127.0.0.1", 0), type("Handling", (Handler,), {"proxy": proxy}))
    proxy.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
