"""The errors of a call.

An `ApiError` carries the server's answer (RFC 9457). No error carries the API key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional

import httpx

if TYPE_CHECKING:
    from .types import ErrorCode, ParamError, PaymentMethodDependencies, Price


class UnitPayError(Exception):
    """The base of every error of this package."""


class ApiError(UnitPayError):
    """The call did not succeed. Each subclass stands for one status, or for no answer at all."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: Optional[ErrorCode] = None,
        request_id: Optional[str] = None,
        headers: Optional[httpx.Headers] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        """The HTTP status; 0 if no answer came."""
        self.code = code
        """Which error it is; `None` if the answer was not UnitPay's, but a proxy's, for example."""
        self.request_id = request_id
        """Names the request in the server's log."""
        self.headers = httpx.Headers() if headers is None else headers
        """The answer's headers; empty if no answer came."""

    def __str__(self) -> str:
        known = [self.code, self.request_id]
        note = ", ".join(part for part in known if part)
        return f"{self.message} ({note})" if note else self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r}, status={self.status}, code={self.code!r})"


class BadRequestError(ApiError):
    """400: the request is not well-formed."""


class AuthenticationError(ApiError):
    """401: the key is missing, wrong, expired or revoked."""


class PaymentError(ApiError):
    """402: a payment was declined, and nothing changed."""

    decline_reason: Optional[str] = None
    """The processor's reason."""
    payment_attempt_id: Optional[str] = None
    """The charge that was tried: `payment_attempts.get` returns its status."""


class PermissionDeniedError(ApiError):
    """403: the key is good, but may not do this."""


class NotFoundError(ApiError):
    """404: there is no such object in the key's organization and environment."""


class ConflictError(ApiError):
    """409: the object's state does not allow it."""

    dependencies: Optional[PaymentMethodDependencies] = None
    """Only with `payment_method_in_use`: the subscriptions and top-ups that use it."""
    invoice_id: Optional[str] = None
    """Only with `invoice_unpaid`: the invoice to pay first."""
    price: Optional[Price] = None
    """Only with `price_changed`: the price now, before tax."""


class ValidationError(ApiError):
    """422: a parameter is wrong; `errors` names each."""

    errors: List[ParamError] = []


class RateLimitError(ApiError):
    """429: too many requests."""

    retry_after: Optional[int] = None
    """The seconds to wait, if the server said so."""


class InternalServerError(ApiError):
    """5xx: the server, or a proxy before it, failed."""


class ApiConnectionError(ApiError):
    """No complete answer came: refused, reset, cut short, no such host."""


class ApiTimeoutError(ApiError):
    """No complete answer came in time."""


class InvalidTokenError(UnitPayError):
    """The portal token is not good. No request failed: this is the outcome of a local check."""

    reason: str = "malformed"
    """`malformed`, `unknown_key`, `bad_signature`, `bad_claims` or `expired`."""


class WebhookVerificationError(UnitPayError):
    """The webhook was not sent by the owner of the secret, or not now."""
