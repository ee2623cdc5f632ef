"""The Python of the guides: type-checked, and run as it stands against a server of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from fastapi import FastAPI
from support.program import ROOT, Server, start_server

from unitpay import UnitPay

README = ROOT / "sdk/python/README.md"
GUIDES = [README, ROOT / "docs/integrate.md"]


def blocks(guide: Path) -> List[str]:
    return re.findall(r"^```python\n(.*?)^```$", guide.read_text(), re.DOTALL | re.MULTILINE)


def is_file(block: str) -> bool:
    """A block that names a file, in a comment on its first line, is a module of its own."""
    return re.match(r"# \S+\.py\b", block) is not None


def lines(guide: Path) -> str:
    return "\n".join(block for block in blocks(guide) if not is_file(block))


FILES = [block for guide in GUIDES for block in blocks(guide) if is_file(block)]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = start_server()
    yield server
    server.stop()


def test_guides_are_correctly_typed(tmp_path: Path) -> None:
    for at, text in enumerate([*map(lines, GUIDES), *FILES]):
        (tmp_path / f"guide_{at}.py").write_text(text)
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml"]
    done = subprocess.run(
        [*command, *map(str, sorted(tmp_path.glob("*.py")))],
        cwd=ROOT / "sdk/python",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_guides_run(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UNITPAY_API_KEY", server.api_key)
    monkeypatch.setenv("UNITPAY_BASE_URL", server.base_url)
    with UnitPay() as client:
        client.customers.create(
            {"name": "Ada", "email": "ada@example.com", "externalId": "cus_123"}
        )
        client.payment_methods.add("cus_123", {"processorToken": "pm_sandbox_visa"})
        found: List[Any] = []
        for guide in GUIDES:
            names: Dict[str, Any] = {}
            exec(compile(lines(guide), str(guide), "exec"), names)
            names["unitpay"].close()
            found.append(names)
        sessions = client.portal_sessions.list({"customerId": "cus_123", "status": "revoked"})
        assert len(sessions.to_list()) == 2
        [subscription] = client.subscriptions.list({"customerId": "cus_123"}).to_list()
        assert subscription["status"] == "active"
    assert found[0]["pdf"].startswith(b"%PDF-")
    assert "customer_not_found" in capsys.readouterr().out


def test_modules_of_the_guides_make_apps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNITPAY_API_KEY", "upay_sk_x")
    for text in FILES:
        names: Dict[str, Any] = {}
        exec(compile(text, "app.py", "exec"), names)
        assert isinstance(names["app"], FastAPI)
    assert len(FILES) == 2
