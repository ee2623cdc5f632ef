"""The Python in the README: type-checked, and run as it stands against a server of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List

import pytest
from fastapi import FastAPI
from support.program import ROOT, Server, start_server

from unitpay import UnitPay

README = (ROOT / "sdk/python/README.md").read_text()
BLOCKS: List[str] = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
# A block that names a file, in a comment on its first line, is a module of its own.
FILES = [block for block in BLOCKS if re.match(r"# \S+\.py\b", block)]
LINES = "\n".join(block for block in BLOCKS if block not in FILES)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = start_server()
    yield server
    server.stop()


def test_readme_is_correctly_typed(tmp_path: Path) -> None:
    for at, text in enumerate([LINES, *FILES]):
        (tmp_path / f"guide_{at}.py").write_text(text)
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml"]
    done = subprocess.run(
        [*command, *map(str, sorted(tmp_path.glob("*.py")))],
        cwd=ROOT / "sdk/python",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_readme_runs(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UNITPAY_API_KEY", server.api_key)
    monkeypatch.setenv("UNITPAY_BASE_URL", server.base_url)
    with UnitPay() as client:
        client.customers.create(
            {"name": "Ada", "email": "ada@example.com", "externalId": "cus_123"}
        )
        client.payment_methods.add("cus_123", {"processorToken": "pm_sandbox_visa"})
        names: dict[str, object] = {}
        exec(compile(LINES, "README.md", "exec"), names)
        sessions = client.portal_sessions.list({"customerId": "cus_123", "status": "revoked"})
        assert len(sessions.to_list()) == 1
        [subscription] = client.subscriptions.list({"customerId": "cus_123"}).to_list()
        assert subscription["status"] == "active"
    pdf = names["pdf"]
    assert isinstance(pdf, bytes)
    assert pdf.startswith(b"%PDF-")
    assert "customer_not_found" in capsys.readouterr().out
    client = names["unitpay"]  # type: ignore[assignment]
    client.close()


def test_modules_of_the_readme_make_apps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNITPAY_API_KEY", "upay_sk_x")
    for text in FILES:
        names: dict[str, object] = {}
        exec(compile(text, "app.py", "exec"), names)
        assert isinstance(names["app"], FastAPI)
    assert len(FILES) == 2
