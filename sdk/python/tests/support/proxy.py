"""A proxy in front of the real server, for the faults that a healthy one does not show.

Each request takes the next of the given faults; if none is left, it is forwarded. A fault is a name
or an answer: `(status, headers, body)`.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable, Dict, List, Tuple, Union
from urllib.parse import urlsplit

RESET = "closes the connection without an answer"
LOSE = "forwards, then closes the connection in place of the answer"
CUT = "sends half of an answer, then closes the connection"
HANG = "never answers"
DRIP = "sends a byte of the body now and then, and never the last"

Fault = Union[str, Tuple[int, Dict[str, str], Union[str, bytes]]]


@dataclass
class Seen:
    method: str
    path: str
    headers: Dict[str, str]
    body: bytes


class Proxy:
    def __init__(self, target: str) -> None:
        self.target = urlsplit(target).netloc
        self.seen: List[Seen] = []
        self.faults: List[Fault] = []
        self.on_hang: Callable[[], None] = lambda: None
        self.released = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                proxy.serve(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.base_url = f"{self.origin}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def reset(self) -> None:
        self.seen.clear()
        self.faults = []
        self.on_hang = lambda: None

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length") or 0)
        body = handler.rfile.read(length)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.seen.append(Seen(handler.command, handler.path, headers, body))
        fault = self.faults.pop(0) if self.faults else "forward"
        if isinstance(fault, tuple):
            self.answer(handler, *fault)
        elif fault == RESET:
            self.end(handler)
        elif fault == CUT:
            handler.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":')
            self.end(handler)
        elif fault == HANG:
            self.on_hang()
            self.released.wait()
            self.end(handler)
        elif fault == DRIP:
            self.drip(handler)
        else:
            self.forward(handler, headers, body, loses=fault == LOSE)

    def forward(
        self, handler: BaseHTTPRequestHandler, headers: Dict[str, str], body: bytes, loses: bool
    ) -> None:
        connection = http.client.HTTPConnection(self.target)
        connection.request(handler.command, handler.path, body, {**headers, "host": self.target})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if loses:
            self.end(handler)
        else:
            skipped = ("content-length", "transfer-encoding", "connection")
            kept = {k: v for k, v in response.getheaders() if k.lower() not in skipped}
            self.answer(handler, response.status, kept, content)

    def answer(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        headers: Dict[str, str],
        body: Union[str, bytes],
    ) -> None:
        content = body.encode() if isinstance(body, str) else body
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status != 204:
            handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def drip(self, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        try:
            while not self.released.wait(0.02):
                handler.wfile.write(b" ")
        except OSError:
            pass  # The client is gone.
        self.end(handler)

    def end(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        with contextlib.suppress(OSError):  # The client may be faster.
            handler.connection.shutdown(socket.SHUT_RDWR)
