"""Lists: one page, or every row of all pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Generic,
    Iterator,
    List,
    Optional,
    TypeVar,
)

from ._calls import Call, Options, Steps, send

if TYPE_CHECKING:
    from ._clients import AsyncCalls, Calls
    from ._config import Config

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, newest row first."""

    data: List[T]
    has_more: bool
    """Whether there are older rows than these."""
    next_cursor: Optional[str]
    """The `cursor` of the page of older rows."""
    prev_cursor: Optional[str]
    """The `cursor` of the page of newer rows."""


def load_page(
    config: Config, call: Call[Any], options: Options, cursor: Optional[str] = None
) -> Steps[Page[Any]]:
    """Loads the page of a cursor, or the first one."""
    if cursor is not None:
        call = replace(call, query={**(call.query or {}), "cursor": cursor})
    page = yield from send(config, call, options)
    return Page(page["data"], page["hasMore"], page["nextCursor"], page["prevCursor"])


class Pager(Generic[T]):
    """A list that was asked for.

    `page()` returns its first page. Iteration gives every row of it and of all older pages; each
    page is loaded when it is reached. No request is made before either.
    """

    def __init__(self, client: Calls, call: Call[T], options: Options) -> None:
        self._client = client
        self._call = call
        self._options = options
        self._first: Optional[Page[T]] = None

    def page(self) -> Page[T]:
        """Returns the first page; asks for it once."""
        if self._first is None:
            self._first = self._load(None)
        return self._first

    def __iter__(self) -> Iterator[T]:
        page = self.page()
        yield from page.data
        while page.has_more and page.next_cursor is not None:
            page = self._load(page.next_cursor)
            yield from page.data

    def to_list(self, *, max: Optional[int] = None) -> List[T]:
        """Returns all rows, or the first `max` of them."""
        rows: List[T] = []
        if max is not None and max <= 0:
            return rows
        for row in self:
            rows.append(row)
            if len(rows) == max:
                break
        return rows

    def _load(self, cursor: Optional[str]) -> Page[T]:
        client = self._client
        return client.run(load_page(client.config, self._call, self._options, cursor))


class AsyncPager(Generic[T]):
    """The same with `await pager.page()` and `async for`."""

    def __init__(self, client: AsyncCalls, call: Call[T], options: Options) -> None:
        self._client = client
        self._call = call
        self._options = options
        self._first: Optional[Page[T]] = None

    async def page(self) -> Page[T]:
        """Returns the first page; asks for it once."""
        if self._first is None:
            self._first = await self._load(None)
        return self._first

    async def __aiter__(self) -> AsyncIterator[T]:
        page = await self.page()
        for row in page.data:
            yield row
        while page.has_more and page.next_cursor is not None:
            page = await self._load(page.next_cursor)
            for row in page.data:
                yield row

    async def to_list(self, *, max: Optional[int] = None) -> List[T]:
        """Returns all rows, or the first `max` of them."""
        rows: List[T] = []
        if max is not None and max <= 0:
            return rows
        async for row in self:
            rows.append(row)
            if len(rows) == max:
                break
        return rows

    async def _load(self, cursor: Optional[str]) -> Page[T]:
        client = self._client
        return await client.run(load_page(client.config, self._call, self._options, cursor))
