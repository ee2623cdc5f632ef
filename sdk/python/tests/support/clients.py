"""Clients of both kinds for the same tests: the asynchronous one behind blocking calls."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, Iterator, Optional

from unitpay import AsyncPager, AsyncUnitPay, UnitPay


class Blocking:
    """Waits for every call of an asynchronous object, on one event loop."""

    def __init__(self, target: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._target = target
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if isinstance(value, int):
            return value
        if not callable(value):
            return Blocking(value, self._loop)

        def call(*arguments: Any, **options: Any) -> Any:
            async def run() -> Any:
                result = value(*arguments, **options)
                return await result if inspect.isawaitable(result) else result

            result = self._loop.run_until_complete(run())
            is_list = isinstance(result, AsyncPager)
            return BlockingPager(result, self._loop) if is_list else result

        return call

    def __repr__(self) -> str:
        return repr(self._target)


class BlockingPager:
    def __init__(self, pager: AsyncPager[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._pager = pager
        self._loop = loop

    def page(self) -> Any:
        return self._loop.run_until_complete(self._pager.page())

    def to_list(self, max: Optional[int] = None) -> Any:
        return self._loop.run_until_complete(self._pager.to_list(max=max))

    def __iter__(self) -> Iterator[Any]:
        rows = self._pager.__aiter__()
        while True:
            try:
                yield self._loop.run_until_complete(rows.__anext__())
            except StopAsyncIteration:
                return


class Clients:
    """Makes clients of one kind, one for the same options, and closes them."""

    def __init__(self, kind: str, loop: asyncio.AbstractEventLoop) -> None:
        self.is_async = kind == "async"
        self.loop = loop
        self.made: dict[str, Any] = {}

    def new(self, **options: Any) -> Any:
        """Makes a client that the caller closes."""
        if self.is_async:
            return Blocking(AsyncUnitPay(**options), self.loop)
        return UnitPay(**options)

    def __call__(self, **options: Any) -> Any:
        name = repr(sorted(options.items()))
        if name not in self.made:
            self.made[name] = self.new(**options)
        return self.made[name]

    def close(self) -> None:
        for client in self.made.values():
            client.close()
