"""The two clients."""

from __future__ import annotations

from types import TracebackType
from typing import Optional, Sequence, Type, Union

import httpx

from . import types as t
from ._clients import AsyncCalls, Calls
from ._config import read_config
from ._resources import AsyncResources, Resources


class UnitPay(Resources):
    """A client for your server. Make one and keep it; threads may share it.

    - `api_key`: the secret key, `upay_sk_…`. Default: the variable `UNITPAY_API_KEY`.
    - `base_url`: the API's address with its `/v1`. Default: the variable `UNITPAY_BASE_URL`, else
      `http://127.0.0.1:4000/v1`.
    - `timeout`: seconds for one attempt, its answer's body included.
    - `retries`: number of retries of a failed call.
    - `idempotency_key_prefix`: stands before every generated `Idempotency-Key`; up to 200 visible
      ASCII characters.
    - `http_client`: used in place of a client of its own; the caller closes it.

    Raises `ValueError` for options that could never work.
    """

    def __init__(
        self,
        api_key: Optional[str] = None,
        *,
        base_url: Optional[str] = None,
        timeout: float = 30.0,
        retries: int = 2,
        idempotency_key_prefix: str = "",
        http_client: Optional[httpx.Client] = None,
    ) -> None:
        config = read_config(api_key, base_url, timeout, retries, idempotency_key_prefix)
        super().__init__(Calls(config, http_client))

    def track(
        self,
        events: Union[t.UsageEvent, Sequence[t.UsageEvent]],
        *,
        timeout: Optional[float] = None,
        retries: Optional[int] = None,
        idempotency_key: Optional[str] = None,
    ) -> t.TrackResponse:
        """The same as `usage.track`."""
        return self.usage.track(
            events, timeout=timeout, retries=retries, idempotency_key=idempotency_key
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def __enter__(self) -> UnitPay:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"UnitPay(base_url={self._client.config.base_url!r})"


class AsyncUnitPay(AsyncResources):
    """The same client for `asyncio`: every method but the lists is awaited.

    Use it in one event loop: its connections belong to the loop that opened them. Its options are
    those of `UnitPay`; `http_client` is an `httpx.AsyncClient`.
    """

    def __init__(
        self,
        api_key: Optional[str] = None,
        *,
        base_url: Optional[str] = None,
        timeout: float = 30.0,
        retries: int = 2,
        idempotency_key_prefix: str = "",
        http_client: Optional[httpx.AsyncClient] = None,
    ) -> None:
        config = read_config(api_key, base_url, timeout, retries, idempotency_key_prefix)
        super().__init__(AsyncCalls(config, http_client))

    async def track(
        self,
        events: Union[t.UsageEvent, Sequence[t.UsageEvent]],
        *,
        timeout: Optional[float] = None,
        retries: Optional[int] = None,
        idempotency_key: Optional[str] = None,
    ) -> t.TrackResponse:
        """The same as `usage.track`."""
        return await self.usage.track(
            events, timeout=timeout, retries=retries, idempotency_key=idempotency_key
        )

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def __aenter__(self) -> AsyncUnitPay:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncUnitPay(base_url={self._client.config.base_url!r})"
