"""The server's program: the real binary, run as a user runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Dict, List, Optional

ROOT = Path(__file__).resolve().parents[4]
PROGRAM = os.environ.get("UNITPAY_BIN", str(ROOT / "target/debug/unitpay"))
# The program refuses `UNITPAY_…` variables that it does not know, and so does not see ours.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "UNITPAY_BIN"}


def unitpay(data_dir: str, *command: str) -> str:
    """Runs one command to its end and returns its output."""
    done = subprocess.run(
        [PROGRAM, *command, "--data-dir", data_dir],
        env=ENVIRONMENT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


@dataclass
class Server:
    api_key: str
    base_url: str
    data_dir: str
    process: subprocess.Popen[str]

    @property
    def origin(self) -> str:
        return self.base_url[: -len("/v1")]

    def options(self) -> Dict[str, str]:
        return {"api_key": self.api_key, "base_url": self.base_url}

    def stop(self) -> None:
        stop(self.process)
        shutil.rmtree(self.data_dir)


def start_server(variables: Optional[Dict[str, str]] = None) -> Server:
    data_dir = tempfile.mkdtemp(prefix="unitpay-python-")
    api_key = unitpay(data_dir, "keys", "create", "--env", "sandbox")
    command = [PROGRAM, "serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0"]
    process = start(command, variables or {})
    assert process.stderr is not None
    origin = line_with(process.stderr, r"listening on (http://127\.0\.0\.1:\d+)")
    return Server(api_key, f"{origin}/v1", data_dir, process)


def start(
    command: List[str],
    variables: Dict[str, str],
    folder: Optional[Path] = None,
    out: str = "stderr",
) -> subprocess.Popen[str]:
    """Starts a program. Its stdout or its stderr, `out`, can be read."""
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, out: subprocess.PIPE}
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**ENVIRONMENT, **variables},
        stdin=subprocess.DEVNULL,
        text=True,
        **pipes,
    )


def stop(process: subprocess.Popen[str]) -> None:
    """Sends SIGTERM and waits for a clean end."""
    process.terminate()
    code = process.wait(timeout=30)
    assert code == 0, f"the program ended with {code}"
    if process.stderr is not None:
        process.stderr.close()


def line_with(stream: IO[str], pattern: str) -> str:
    """Waits for a line that matches, returns its first group, and reads on in the background."""
    lines = []
    for line in stream:
        lines.append(line)
        found = re.search(pattern, line)
        if found:
            threading.Thread(target=drain, args=(stream,), daemon=True).start()
            return found.group(1)
    raise AssertionError("the program ended before its time:\n" + "".join(lines))


def drain(stream: IO[str]) -> None:
    try:
        for _ in stream:
            pass
    except ValueError:
        pass  # It was closed.
