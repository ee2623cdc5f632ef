"""Decides whether a failed attempt is worth another one, and when."""

from __future__ import annotations

import math
import re
from email.utils import parsedate_to_datetime
from typing import Optional

import httpx

from ._errors import ApiConnectionError, ApiError, ApiTimeoutError

_FIRST_WAIT = 0.5
_LONGEST_BACKOFF = 8.0
# Nobody waits longer inside a call; the error says `Retry-After` to the caller instead.
_LONGEST_RETRY_AFTER = 60


def retry_delay(error: ApiError, attempt: int, random: float, now: float) -> Optional[float]:
    """Returns the seconds until the next attempt, or `None` if there shall be none.

    The backoff doubles with each attempt and is spread over its upper half, so that clients that
    failed together do not come back together. `Retry-After` is never undercut.
    """
    if not _is_passing(error):
        return None
    backoff = min(_LONGEST_BACKOFF, _FIRST_WAIT * 2.0 ** min(attempt, 30)) * (0.5 + random / 2)
    asked = read_retry_after(error.headers, now) or 0
    return None if asked > _LONGEST_RETRY_AFTER else max(float(asked), backoff)


def read_retry_after(headers: httpx.Headers, now: float) -> Optional[int]:
    """Returns the header's seconds, from either of its forms (RFC 9110 section 10.2.3)."""
    value = headers.get("retry-after")
    if value is None:
        return None
    if re.fullmatch("[0-9]+", value):
        # Python reads no integer of more than 4,300 digits.
        return int(value[:20])
    if not value.endswith(" GMT"):
        return None
    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0, math.ceil(date.timestamp() - now))


def _is_passing(error: ApiError) -> bool:
    if isinstance(error, (ApiConnectionError, ApiTimeoutError)):
        return True
    return error.status == 429 or error.status >= 500
