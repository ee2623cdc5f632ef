"""UnitPay's API for servers."""

from . import types
from ._client import AsyncUnitPay, UnitPay
from ._errors import (
    ApiConnectionError,
    ApiError,
    ApiTimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    InvalidTokenError,
    NotFoundError,
    PaymentError,
    PermissionDeniedError,
    RateLimitError,
    UnitPayError,
    ValidationError,
    WebhookVerificationError,
)
from ._ingestion import AsyncUnitPayIngestion, UnitPayIngestion
from ._pages import AsyncPager, Page, Pager
from ._tokens import VerifiedClaims
from ._version import __version__
from ._webhooks import verify_webhook

__all__ = [
    "ApiConnectionError",
    "ApiError",
    "ApiTimeoutError",
    "AsyncPager",
    "AsyncUnitPay",
    "AsyncUnitPayIngestion",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "InternalServerError",
    "InvalidTokenError",
    "NotFoundError",
    "Page",
    "Pager",
    "PaymentError",
    "PermissionDeniedError",
    "RateLimitError",
    "UnitPay",
    "UnitPayError",
    "UnitPayIngestion",
    "ValidationError",
    "VerifiedClaims",
    "WebhookVerificationError",
    "__version__",
    "types",
    "verify_webhook",
]
