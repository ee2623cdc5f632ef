"""Generates the types and resources when the package is built from the repository."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent


class GenerateHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        generator = ROOT / "scripts" / "generate.py"
        # A source distribution holds the generated files, and not the generator.
        if generator.exists():
            runpy.run_path(str(generator), run_name="__main__")
        elif not (ROOT / "src" / "unitpay" / "types.py").exists():
            raise RuntimeError("src/unitpay/types.py is missing")
