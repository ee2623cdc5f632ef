"""The built package, as an integrator installs it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from support.program import ROOT, Server

PACKAGE = ROOT / "sdk/python"


def build(source: Path, target: Path, kind: str) -> Path:
    """Builds as `pip wheel` does, with the pinned build tool."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    [built] = target.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(PACKAGE, tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source distribution, as an installer does that finds no wheel."""
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    [source] = unpacked.iterdir()
    return build(source, tmp_path_factory.mktemp("wheel"), "wheel")


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {f"unitpay/{path.name}" for path in (PACKAGE / "src/unitpay").glob("*.py")}
    info = f"{wheel.name.split('-py3')[0]}.dist-info"
    files = ("METADATA", "WHEEL", "RECORD", "licenses/LICENSE")
    assert names == modules | {"unitpay/py.typed"} | {f"{info}/{name}" for name in files}
    assert {"unitpay/types.py", "unitpay/_resources.py"} <= modules


def test_package_depends_on_httpx_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("METADATA")]
        metadata = archive.read(name).decode()
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist")]
    assert [line for line in required if "extra ==" not in line] == [
        "Requires-Dist: httpx<1,>=0.27"
    ]
    assert "Requires-Python: >=3.9" in metadata


def test_wheel_runs_and_leaves_nothing_behind(wheel: Path, server: Server) -> None:
    """Imported from the wheel; an unclosed connection would be a warning, and so an error."""
    program = (
        "import unitpay\n"
        "with unitpay.UnitPay() as client:\n"
        "    token = client.portal_sessions.create({'customerId': 'cus_123'})['token']\n"
        "    print(client.portal_sessions.verify(token)['aud'], unitpay.__version__)\n"
        "    try:\n"
        "        client.customers.get('nobody')\n"
        "    except unitpay.NotFoundError as error:\n"
        "        print(error.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={
            "PYTHONPATH": str(wheel),
            "UNITPAY_API_KEY": server.api_key,
            "UNITPAY_BASE_URL": f"{server.base_url}/",
        },
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("unitpay:portal 0.1.0\ncustomer_not_found\n", "")
    assert f"unitpay-{done.stdout.split()[1]}-" in wheel.name
