"""A local HTTP server for tests: a folder on 127.0.0.1, with byte ranges, a log of requests and faults to switch on.

It also takes files (PUT), as a remote of DVC must.

Example::

    with serve(folder) as server:
        server.drop_after, server.drops = 1000, 1  # break the next answer off after 1000 bytes
        download(f"{server.address}/file.zip", ...)
    assert [request.range for request in server.requests] == [None, "bytes=1000-"]
"""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit


@dataclass
class Request:
    """One request and its answer."""

    target: str  # requested path and query
    range: str | None  # the Range header
    method: str = "GET"
    status: int = 0
    sent: int = 0  # bytes of the file that were written, headers not counted


@dataclass
class Server:
    """The log and the faults of a running server; faults may be changed between requests."""

    folder: Path
    address: str = ""
    requests: list[Request] = field(default_factory=list)
    busy: int = 0  # answer `busy_status` this many more times
    busy_status: int = 503
    drops: int = 0  # break this many more answers off
    drop_after: int = 0  # after so many bytes of the file
    drop_only: str = ""  # affected targets contain this text
    hold_s: float = 0  # before a connection breaks off, keep it open without data for this time, in seconds
    trickle: tuple[int, float] | None = None  # so many bytes, then a pause of so many seconds, and so on
    sends_on: str = ""  # redirect to the same target below this address
    tells_length: bool = True  # False: an answer just ends
    knows_ranges: bool = True  # False: answer 200 and everything to a request for a range
    shifts_ranges: bool = False  # True: answer 206 with the beginning of the file to each request for a range
    truncate_to: int | None = None  # serve only so much of each file, as if it were whole


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, server: Server, *arguments) -> None:
        self.files = server
        super().__init__(*arguments)

    def log_message(self, *arguments) -> None:
        """Keep the terminal quiet: `Server.requests` is the log."""

    def _receive(self) -> tuple[Request, Path]:
        request = Request(self.path, self.headers.get("Range"), self.command)
        self.files.requests.append(request)
        return request, self.files.folder / unquote(urlsplit(self.path).path).lstrip("/")

    def do_HEAD(self) -> None:
        request, path = self._receive()
        if path.is_file():
            self._start(request, 200, Content_Length=path.stat().st_size)
        else:
            self._start(request, 404)

    def do_PUT(self) -> None:
        request, path = self._receive()
        if self.headers.get("Transfer-Encoding") == "chunked":
            content = b""
            while size := int(self.rfile.readline(), 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            content = self.rfile.read(int(self.headers["Content-Length"]))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._start(request, 201)

    def do_GET(self) -> None:
        files = self.files
        request, path = self._receive()
        if files.busy:
            files.busy -= 1
            self._start(request, files.busy_status)
        elif files.sends_on:
            self._start(request, 302, Location=f"{files.sends_on}{self.path}")
        elif not path.is_file():
            self._start(request, 404)
        else:
            self._send(request, path.read_bytes()[: files.truncate_to])

    def _start(self, request: Request, status: int, **headers: str | int) -> None:
        request.status = status
        self.send_response(status)
        for name, value in ({"Content_Length": 0} | headers).items():
            if name != "Content_Length" or self.files.tells_length:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def _send(self, request: Request, content: bytes) -> None:
        files = self.files
        if request.range and files.knows_ranges:
            first, _, last = request.range.removeprefix("bytes=").partition("-")  # one range, from the front
            start, whole = int(first), len(content)
            if start >= len(content):
                self._start(request, 416, Content_Range=f"bytes */{whole}")
                return
            start = 0 if files.shifts_ranges else start
            content = content[start : int(last) + 1 if last else None]
            content_range = f"bytes {start}-{start + len(content) - 1}/{whole}"
            self._start(request, 206, Content_Length=len(content), Content_Range=content_range)
        else:
            self._start(request, 200, Content_Length=len(content))
        if files.drops and files.drop_only in request.target:  # the announced length stands, then the connection closes
            files.drops -= 1
            content, hold_s = content[: files.drop_after], files.hold_s
        else:
            hold_s = 0
        request.sent = len(content)  # written first, because the client may end before this thread continues
        size, pause_s = files.trickle or (max(len(content), 1), 0)
        with suppress(
            ConnectionError, ssl.SSLError
        ):  # a client that only checks whether the file exists closes the connection
            for start in range(0, len(content), size):
                self.wfile.write(content[start : start + size])
                time.sleep(pause_s)
        time.sleep(hold_s)


@contextmanager
def serve(folder: Path, *, port: int = 0, certificate: Path | None = None) -> Iterator[Server]:
    """Serve a folder until the block ends, on a port of its own, with TLS if there is a file of certificate and key."""
    server = Server(folder)
    # The handler's request log entry is complete only when its thread ends: server_close() waits for all of them.
    http = ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, server))
    http.daemon_threads = False
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        http.socket = context.wrap_socket(http.socket, server_side=True)
    server.address = f"http{'s' if certificate else ''}://127.0.0.1:{http.server_address[1]}"
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
