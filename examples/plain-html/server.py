"""A page without any script: its button leads to the hosted page.

Python's own web server stands for yours. It is not fit for production.
"""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from unitpay import ApiError, UnitPay

unitpay = UnitPay()
PAGE = (Path(__file__).parent / "index.html").read_bytes()


def signed_in_customer() -> str:
    """Returns the customer of your app's session. Never take it from the request."""
    return "cus_123"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(200 if self.path == "/" else 404, PAGE if self.path == "/" else b"")

    def do_POST(self) -> None:
        """Mints a session and leads the browser to the hosted page. Its link works once."""
        if self.path != "/billing":
            return self.answer(404, b"")
        try:
            session = unitpay.portal_sessions.create({"customerId": signed_in_customer()})
        except ApiError as error:
            self.log_error("%s", error)
            return self.answer(502, b"Billing is unavailable right now.")
        return self.answer(303, b"", {"Location": session["url"]})

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Cache-Control": "no-store", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Handler)
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
