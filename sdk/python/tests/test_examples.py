"""The examples, run as they stand: examples/fastapi and examples/plain-html."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List
from urllib.parse import urlsplit

import httpx
import pytest
from support.program import ROOT, Server, line_with, start

EXAMPLES = ROOT / "examples"


def run(command: List[str], folder: str, server: Server, out: str) -> Any:
    variables = {
        "UNITPAY_API_KEY": server.api_key,
        "UNITPAY_BASE_URL": server.base_url,
        "PYTHONPATH": str(ROOT / "sdk/python/src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PORT": "0",
    }
    return start([sys.executable, *command], variables, EXAMPLES / folder, out)


def end(process: Any) -> None:
    process.terminate()
    process.wait(timeout=30)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


@pytest.fixture(scope="module")
def fastapi(server: Server) -> Iterator[str]:
    process = run(["-m", "uvicorn", "app:app", "--port", "0"], "fastapi", server, "stderr")
    yield line_with(process.stderr, r"running on (http://127\.0\.0\.1:\d+)")
    end(process)


@contextmanager
def browser(origin: str, user: str = "") -> Iterator[httpx.Client]:
    with httpx.Client(base_url=origin) as client:
        if user:
            assert client.post("/login", json={"user": user}).status_code == 204
        yield client


def exchange(server: Server, link: str) -> Dict[str, Any]:
    """Opens the link of a hosted page, and exchanges its code as the page does."""
    assert link.startswith(f"{server.origin}/portal#")
    assert "text/html" in httpx.get(link).headers["content-type"]
    answer = httpx.post(
        f"{server.base_url}/portal-sessions/exchange",
        json={"code": urlsplit(link).fragment},
        headers={"origin": server.origin, "sec-fetch-site": "same-origin"},
    )
    assert answer.status_code == 200
    session: Dict[str, Any] = answer.json()
    return session


def test_signed_in_user_gets_the_own_customers_token(fastapi: str, client: Any) -> None:
    expected = client.customers.get("cus_123")["id"]
    with browser(fastapi, "ada") as ada:
        # A customer id in the request does not matter.
        answer = ada.post("/portal-session", json={"customerId": "cus_124"})
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json().keys() == {"token", "expiresAt"}
        tokens = [answer.json()["token"], ada.post("/portal-session").json()["token"]]
        assert client.portal_sessions.verify(tokens[0])["sub"] == expected
        assert ada.post("/logout").status_code == 204
        for token in tokens:
            assert client.portal_sessions.introspect(token) == {"active": False}
        assert ada.post("/portal-session").status_code == 401


def test_button_leads_to_the_hosted_page(fastapi: str, server: Server, client: Any) -> None:
    with browser(fastapi, "ada") as ada:
        answer = ada.post("/billing")
        assert answer.status_code == 303
        token = exchange(server, answer.headers["location"])["token"]
        assert client.portal_sessions.introspect(token)["active"] is True
        ada.post("/logout")
        assert client.portal_sessions.introspect(token) == {"active": False}


def test_nobody_gets_a_token_without_a_login(fastapi: str) -> None:
    with browser(fastapi) as nobody:
        for path in ("/portal-session", "/billing", "/logout"):
            assert nobody.post(path).status_code == 401
        assert nobody.post("/login", json={"user": "mallory"}).status_code == 401


def test_failure_is_not_explained_to_the_browser(fastapi: str) -> None:
    with browser(fastapi, "grace") as grace:
        answer = grace.post("/portal-session")
    assert (answer.status_code, answer.json()) == (502, {"error": "the portal is not available"})


def test_page_without_script_leads_to_the_hosted_page(server: Server, client: Any) -> None:
    process = run(["server.py"], "plain-html", server, "stdout")
    origin = line_with(process.stdout, r"listening on (http://127\.0\.0\.1:\d+)")
    page = httpx.get(origin).text
    assert "<script" not in page
    [action] = re.findall('<form method="post" action="([^"]*)">', page)
    answer = httpx.post(origin + action)
    assert answer.status_code == 303
    session = exchange(server, answer.headers["location"])
    expected = client.customers.get("cus_123")["id"]
    assert client.portal_sessions.introspect(session["token"])["sub"] == expected
    end(process)


def test_example_pins_the_tested_versions() -> None:
    pinned = (EXAMPLES / "fastapi/requirements.txt").read_text().split()
    installed = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=freeze"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert [line for line in pinned if line not in [*installed, "unitpay==0.1.0"]] == []
