"""Carries out the steps of a call: with httpx's client, and with its asynchronous client.

These two classes are the only code that exists twice.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import Any, Iterator, Optional, TypeVar

import httpx

from . import _runtime
from ._calls import Acquire, Answer, Call, Options, Send, Sleep, Step, Steps, download, send
from ._config import Config
from ._errors import ApiConnectionError, ApiTimeoutError
from ._pages import AsyncPager, Pager

T = TypeVar("T")


class Calls:
    """Calls of a synchronous client. Threads may share it."""

    def __init__(self, config: Config, http: Optional[httpx.Client]) -> None:
        self.config = config
        self._owns_http = http is None
        self._http = httpx.Client() if http is None else http
        self._lock = threading.Lock()

    def send(self, call: Call[T], options: Options) -> T:
        return self.run(send(self.config, call, options))

    def download(self, call: Call[bytes], options: Options) -> bytes:
        return self.run(download(self.config, call, options)).body

    def list(self, call: Call[T], options: Options) -> Pager[T]:
        return Pager(self, call, options)

    def close(self) -> None:
        if self._owns_http:
            self._http.close()

    def run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                try:
                    outcome = self._do(step)
                except BaseException as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result

    def _do(self, step: Step) -> Any:
        if isinstance(step, Sleep):
            return _runtime.sleep(step.seconds)
        if isinstance(step, Acquire):
            self._lock.acquire()
            return self._lock
        return self._exchange(step)

    def _exchange(self, request: Send) -> Answer:
        deadline = _runtime.monotonic() + request.timeout
        with _errors_of(request), self._http.stream(**_arguments(request)) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                # The timeout of httpx is for each read.
                if _runtime.monotonic() > deadline:
                    raise httpx.ReadTimeout("the whole answer took too long")
            return Answer(response.status_code, response.headers, bytes(body))


class AsyncCalls:
    """Calls of an asynchronous client, of one event loop."""

    def __init__(self, config: Config, http: Optional[httpx.AsyncClient]) -> None:
        self.config = config
        self._owns_http = http is None
        self._http = httpx.AsyncClient() if http is None else http
        self._lock: Optional[asyncio.Lock] = None

    async def send(self, call: Call[T], options: Options) -> T:
        return await self.run(send(self.config, call, options))

    async def download(self, call: Call[bytes], options: Options) -> bytes:
        return (await self.run(download(self.config, call, options))).body

    def list(self, call: Call[T], options: Options) -> AsyncPager[T]:
        return AsyncPager(self, call, options)

    async def close(self) -> None:
        if self._owns_http:
            await self._http.aclose()

    async def run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                try:
                    outcome = await self._do(step)
                except BaseException as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _do(self, step: Step) -> Any:
        if isinstance(step, Sleep):
            return await _runtime.sleep_async(step.seconds)
        if isinstance(step, Acquire):
            # Made here: before Python 3.10 a lock belongs to the loop that runs when it is made.
            self._lock = self._lock or asyncio.Lock()
            await self._lock.acquire()
            return self._lock
        return await self._exchange(step)

    async def _exchange(self, request: Send) -> Answer:
        with _errors_of(request):
            return await asyncio.wait_for(self._receive(request), request.timeout)

    async def _receive(self, request: Send) -> Answer:
        async with self._http.stream(**_arguments(request)) as response:
            body = await response.aread()
            return Answer(response.status_code, response.headers, body)


class Resource:
    def __init__(self, client: Calls) -> None:
        self._client = client


class AsyncResource:
    def __init__(self, client: AsyncCalls) -> None:
        self._client = client


def _arguments(request: Send) -> Any:
    key = request.api_key
    # `httpx.Headers` hides this header, and no other, when it is printed.
    secret = {} if key is None else {"authorization": f"Bearer {key.reveal()}"}
    return {
        "method": request.method,
        "url": request.url,
        "headers": {**request.headers, **secret},
        "content": request.content,
        "timeout": request.timeout,
        # Not the credentials of a client of the caller: this key replaces them.
        "auth": None,
        # A redirect would take the key along to any other host.
        "follow_redirects": False,
    }


@contextmanager
def _errors_of(request: Send) -> Iterator[None]:
    """Turns the errors of the HTTP library into this package's."""
    try:
        yield
    except (httpx.TimeoutException, asyncio.TimeoutError) as cause:
        raise ApiTimeoutError(f"No answer within {request.timeout:g} seconds.") from cause
    except httpx.RequestError as cause:
        reason = str(cause) or type(cause).__name__
        raise ApiConnectionError(f"No answer: {reason}.") from cause
