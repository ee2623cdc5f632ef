from __future__ import annotations

from typing import Optional

import httpx
import pytest

from unitpay import ApiConnectionError, ApiError, ApiTimeoutError, NotFoundError, RateLimitError
from unitpay._retry import read_retry_after, retry_delay

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT
UNAVAILABLE = ApiError("", status=503)


def asking(retry_after: str) -> ApiError:
    return RateLimitError("", status=429, headers=httpx.Headers({"retry-after": retry_after}))


def test_pause_doubles_up_to_eight_seconds() -> None:
    pauses = [retry_delay(UNAVAILABLE, failed, 1, NOW) for failed in (0, 1, 2, 3, 4, 5, 5000)]
    assert pauses == [0.5, 1, 2, 4, 8, 8, 8]


def test_pause_is_spread_over_its_upper_half() -> None:
    assert retry_delay(UNAVAILABLE, 0, 0, NOW) == 0.25
    assert retry_delay(UNAVAILABLE, 0, 0.5, NOW) == 0.375


def test_only_passing_errors_are_retried() -> None:
    passing = [ApiConnectionError(""), ApiTimeoutError("")]
    passing += [ApiError("", status=status) for status in (429, 500, 502, 503, 504, 599)]
    assert {retry_delay(error, 0, 1, NOW) for error in passing} == {0.5}
    lasting = [NotFoundError("", status=404)]
    lasting += [ApiError("", status=s) for s in (200, 302, 400, 401, 403, 408, 409, 422)]
    assert {retry_delay(error, 0, 1, NOW) for error in lasting} == {None}


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [("0", 0.5), ("7", 7), ("60", 60), ("61", None), ("9" * 5000, None)],
)
def test_retry_after_is_never_undercut(retry_after: str, delay: Optional[float]) -> None:
    assert retry_delay(asking(retry_after), 0, 1, NOW) == delay


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("Fri, 15 Jan 2027 08:00:09 GMT", 9),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
        *[(other, None) for other in ("", "soon", "-1", "1.5", "٣", "GMT", "never GMT")],
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, seconds: Optional[int]) -> None:
    headers = httpx.Headers([("retry-after", value)], encoding="utf-8")
    assert read_retry_after(headers, NOW) == seconds


def test_retry_after_may_be_absent() -> None:
    assert read_retry_after(httpx.Headers(), NOW) is None
