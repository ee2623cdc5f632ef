"""The options of a client, checked at once, so that no later call fails because of them.

No message here quotes a credential: it would end up in a log.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from typing import Optional
from urllib.parse import urlsplit

_LOCAL_BASE_URL = "http://127.0.0.1:4000/v1"
_LONGEST_TIMEOUT = 2_147_483
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")


class Secret:
    """A text that neither `repr` nor `str` shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True)
class Config:
    api_key: Secret
    base_url: str
    """Without a slash at its end."""
    timeout: float
    retries: int
    idempotency_key_prefix: str

    @property
    def origin(self) -> str:
        """The server's own address: its issuer, unless it is published under another one."""
        return self.base_url[: -len("/v1")] if self.base_url.endswith("/v1") else self.base_url


def read_config(
    api_key: Optional[str],
    base_url: Optional[str],
    timeout: float,
    retries: int,
    idempotency_key_prefix: str,
) -> Config:
    if idempotency_key_prefix:
        check_idempotency_key(idempotency_key_prefix, 200)
    if base_url is None:
        base_url = os.environ.get("UNITPAY_BASE_URL") or _LOCAL_BASE_URL
    return Config(
        api_key=_read_api_key(
            api_key if api_key is not None else os.environ.get("UNITPAY_API_KEY")
        ),
        base_url=_read_base_url(base_url),
        timeout=check_timeout(timeout),
        retries=check_retries(retries),
        idempotency_key_prefix=idempotency_key_prefix,
    )


def check_timeout(timeout: float) -> float:
    if not (math.isfinite(timeout) and 0 < timeout <= _LONGEST_TIMEOUT):
        raise ValueError(f"timeout must be over 0 and at most {_LONGEST_TIMEOUT} seconds")
    return timeout


def check_retries(retries: int) -> int:
    if not isinstance(retries, int) or retries < 0:
        raise ValueError("retries must be 0 or a positive integer")
    return retries


def check_idempotency_key(key: str, longest: int = 255) -> str:
    """The server takes 1 to 255 visible ASCII characters."""
    if not _VISIBLE_ASCII.fullmatch(key) or len(key) > longest:
        raise ValueError(
            f"an idempotency key (or its prefix) must be 1 to {longest} visible ASCII characters"
        )
    return key


def _read_api_key(key: Optional[str]) -> Secret:
    if not key:
        raise ValueError(
            "no API key: pass api_key, or set the environment variable UNITPAY_API_KEY"
        )
    if key.startswith("upay_pk_"):
        raise ValueError(
            "the API key is a publishable key (upay_pk_…); a server needs a secret key (upay_sk_…)"
        )
    if re.match(r"eyJ[^.]*\.[^.]*\.", key):
        raise ValueError(
            "the API key is a token (a JWT); a server needs a secret key (upay_sk_…). "
            "A portal token belongs in the browser, where @unitpay/react takes it"
        )
    # The HTTP library would quote a header value that it refuses.
    if not _VISIBLE_ASCII.fullmatch(key):
        raise ValueError("the API key contains white space or other characters that no key has")
    return Secret(key)


def _read_base_url(base_url: str) -> str:
    try:
        url = urlsplit(base_url)
        port = url.port
    except ValueError:
        raise ValueError("base_url is not a URL") from None
    if url.scheme not in ("https", "http") or not url.hostname:
        raise ValueError("base_url must begin with https:// or http:// and a host")
    if "@" in url.netloc or "?" in base_url or "#" in base_url:
        raise ValueError("base_url must have no user name, password, query or fragment")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    is_default = port is None or port == {"https": 443, "http": 80}[url.scheme]
    return f"{url.scheme}://{host}{'' if is_default else f':{port}'}{url.path.rstrip('/')}"
