"""From an answer that is not a success to the error that stands for it."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional, Type, cast

import httpx

from ._errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PaymentError,
    PermissionDeniedError,
    RateLimitError,
    ValidationError,
)
from ._retry import read_retry_after

_KINDS: Dict[int, Type[ApiError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: ValidationError,
    429: RateLimitError,
}


def error_of(status: int, headers: httpx.Headers, body: bytes, now: float) -> ApiError:
    """Returns the error of an answer: a problem of ours, or whatever a proxy wrote."""
    problem = _read_problem(headers, body)
    kind = _KINDS.get(status, InternalServerError if status >= 500 else ApiError)
    error = kind(
        _text(problem.get("detail")) or _text(problem.get("title")) or _foreign_answer(status),
        status=status,
        code=cast(Any, _text(problem.get("code"))),
        request_id=_text(problem.get("requestId")) or headers.get("x-request-id"),
        headers=headers,
    )
    if isinstance(error, PaymentError):
        error.decline_reason = _text(problem.get("declineReason"))
        error.payment_attempt_id = _text(problem.get("paymentAttemptId"))
    elif isinstance(error, ConflictError):
        error.dependencies = problem.get("dependencies")
        error.invoice_id = _text(problem.get("invoiceId"))
        error.price = problem.get("price")
    elif isinstance(error, ValidationError):
        errors = problem.get("errors")
        error.errors = errors if isinstance(errors, list) else []
    elif isinstance(error, RateLimitError):
        error.retry_after = read_retry_after(headers, now)
    return error


def _read_problem(headers: httpx.Headers, body: bytes) -> Dict[str, Any]:
    """Empty unless the answer is a problem (RFC 9457): another server's JSON has other meanings."""
    if not headers.get("content-type", "").startswith("application/problem+json"):
        return {}
    try:
        problem = json.loads(body)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _foreign_answer(status: int) -> str:
    if 300 <= status < 400:
        return (
            f"The server answered with a redirect ({status}), which is not followed. "
            "Check base_url."
        )
    return f"The server answered {status}, and not as UnitPay does."


def _text(value: object) -> Optional[str]:
    return value if isinstance(value, str) else None
