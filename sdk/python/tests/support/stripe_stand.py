"""The stand-in for Stripe's servers that the Rust tests use, and our server connected to it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from support.program import ROOT

WEBHOOK_SECRET = "whsec_python000000000001"


@dataclass
class StripeStand:
    url: str
    secret_key: str
    publishable_key: str
    process: subprocess.Popen[str]

    def stop(self) -> None:
        self.process.communicate()


def start_stand_in() -> StripeStand:
    program = ROOT / "target/debug/examples/stripe_stand_in"
    pipe = subprocess.PIPE
    process = subprocess.Popen([str(program)], stdin=pipe, stdout=pipe, text=True)
    assert process.stdout
    url, secret_key, publishable_key = process.stdout.readline().split()
    return StripeStand(url, secret_key, publishable_key, process)
