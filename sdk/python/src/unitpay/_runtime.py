"""The clock, the pauses and the randomness. Tests replace them; nothing else reads the time."""

from __future__ import annotations

import asyncio
import random as _random
import time
import uuid


def now() -> float:
    """Returns the seconds since the Unix epoch."""
    return time.time()


def monotonic() -> float:
    """Returns seconds that only serve to measure a duration."""
    return time.monotonic()


def random() -> float:
    """Returns a number from 0 up to, and without, 1."""
    return _random.random()  # noqa: S311 -- spreads retries


def unique() -> str:
    """Returns a new idempotency key."""
    return str(uuid.uuid4())


def sleep(seconds: float) -> None:
    time.sleep(seconds)


async def sleep_async(seconds: float) -> None:
    await asyncio.sleep(seconds)
