"""Sends usage events in batches: each second, and when a batch is full."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, Callable, List, Mapping, Optional, Sequence, Type, Union, cast

from . import _runtime
from . import types as t
from ._calls import Call, Options, Steps, encode, send
from ._client import AsyncUnitPay, UnitPay
from ._config import Config
from ._errors import ApiError
from ._usage import with_key

OnRejected = Callable[[t.UsageEvent, t.Rejection], None]
OnError = Callable[[Exception], None]

_log = logging.getLogger("unitpay")
# The server takes 1 MiB; a batch that encodes larger than this goes in two requests.
_MOST_BYTES = 900_000


class _Buffer:
    """The events that wait, and the steps that send them. Threads may share it."""

    def __init__(
        self,
        batch_size: int,
        max_buffer_size: int,
        on_rejected: Optional[OnRejected],
        on_error: Optional[OnError],
    ) -> None:
        self.batch_size = _positive("batch_size", batch_size, 1000)
        self._max_size = _positive("max_buffer_size", max_buffer_size)
        self._on_rejected = on_rejected or _log_rejection
        self.on_error = on_error or _log_error
        self._lock = threading.Lock()
        self._waiting: List[t.UsageEvent] = []
        self.has_ended = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, events: Union[t.UsageEvent, Sequence[t.UsageEvent]]) -> bool:
        """Adds all or none of the events, and returns whether a batch is full."""
        added = [events] if isinstance(events, Mapping) else list(cast(Any, events))
        now = datetime.fromtimestamp(_runtime.now(), timezone.utc)
        timestamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        # Fixed now, so that an event counts once and when it happened however often it is sent.
        prepared = [with_key(cast(Any, {"timestamp": timestamp, **event})) for event in added]
        with self._lock:
            if self.has_ended:
                raise RuntimeError("track was called after shutdown")
            if len(self._waiting) + len(prepared) > self._max_size:
                raise queue.Full("the buffer of usage events is full")
            self._waiting += prepared
            return len(self._waiting) >= self.batch_size

    def flush(self, config: Config) -> Steps[None]:
        """Sends all events; keeps the unsent ones if it fails."""
        while self._waiting:
            yield from self._send(config, self._waiting[: self.batch_size])

    def _send(self, config: Config, batch: List[t.UsageEvent]) -> Steps[None]:
        """Sends the first of the waiting events; each waits no more as soon as it is sent."""
        try:
            body = {"events": batch}
            if len(batch) > 1 and len(encode(body)) > _MOST_BYTES:
                raise ValueError("the batch is too large for one request")
            call: Call[t.TrackResponse] = Call("POST", ("usage", "track"), body=body)
            tracked = yield from send(config, call, Options())
        except (ApiError, TypeError, ValueError) as error:
            if isinstance(error, ApiError) and error.status not in (400, 413, 422):
                raise
            if len(batch) > 1:
                # One event fails them all: halves find it, and the others count.
                half = (len(batch) + 1) // 2
                yield from self._send(config, batch[:half])
                yield from self._send(config, batch[half:])
                return
            self._remove(1)
            rejection: Any = {"index": 0, "reason": "rejected_invalid", "message": str(error)}
            self._reject(batch[0], rejection)
            return
        self._remove(len(batch))
        for one in tracked["rejections"]:
            self._reject(batch[one["index"]], one)

    def _remove(self, count: int) -> None:
        with self._lock:
            del self._waiting[:count]

    def _reject(self, event: t.UsageEvent, rejection: t.Rejection) -> None:
        # The event has been sent: an error of the caller's function must not send it again.
        try:
            self._on_rejected(event, rejection)
        except Exception as error:
            self.on_error(error)


class UnitPayIngestion:
    """Sends usage in batches, from a thread of its own.

    No event is dropped silently: an event that cannot be sent now is kept and sent again, with the
    same `idempotencyKey`, so that it counts once. An event that the server does not take goes to
    `on_rejected`. Call `shutdown`, or leave the `with` block, before the process ends.

    - `flush_interval`: seconds that an event waits for others.
    - `batch_size`: events in one request, at most 1000.
    - `max_buffer_size`: events that may wait; beyond it `track` raises `queue.Full`.
    - `on_rejected`: called with a refused event and the reason. Default: a log line.
    - `on_error`: called with the error of a flush in the background. Default: a log line.
    """

    def __init__(
        self,
        client: UnitPay,
        *,
        flush_interval: float = 1.0,
        batch_size: int = 500,
        max_buffer_size: int = 100_000,
        on_rejected: Optional[OnRejected] = None,
        on_error: Optional[OnError] = None,
    ) -> None:
        self._client = client
        self._interval = _interval(flush_interval)
        self._buffer = _Buffer(batch_size, max_buffer_size, on_rejected, on_error)
        self._flushing = threading.Lock()
        self._wake = threading.Condition()
        self._is_full = False
        self._thread: Optional[threading.Thread] = None

    @property
    def buffer_size(self) -> int:
        """The number of waiting events."""
        return len(self._buffer)

    def track(self, events: Union[t.UsageEvent, Sequence[t.UsageEvent]]) -> None:
        """Takes one event or many; takes none if it raises."""
        is_full = self._buffer.add(events)
        with self._wake:
            self._is_full = self._is_full or is_full
            # After a fork the thread is gone.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, daemon=True, name="unitpay")
                self._thread.start()
            self._wake.notify()

    def flush(self) -> None:
        """Sends all waiting events; raises if that fails, and keeps the unsent ones."""
        with self._flushing:
            calls = self._client._client
            calls.run(self._buffer.flush(calls.config))

    def check(self, body: t.CheckRequest) -> t.CheckResponse:
        """Flushes the buffer and returns the result of `UnitPay.check`."""
        self.flush()
        return self._client.check(body)

    def shutdown(self) -> None:
        """Sends all waiting events and takes no more. If it raises, call it again."""
        with self._wake:
            self._buffer.has_ended = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _work(self) -> None:
        while not self._buffer.has_ended:
            with self._wake:
                self._wake.wait_for(lambda: self._buffer or self._buffer.has_ended)
                self._wake.wait_for(lambda: self._is_full or self._buffer.has_ended, self._interval)
                self._is_full = False
            if self._buffer.has_ended:
                return
            try:
                self.flush()
            except Exception as error:
                self._buffer.on_error(error)

    def __enter__(self) -> UnitPayIngestion:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.shutdown()


class AsyncUnitPayIngestion:
    """Sends usage in batches, from a task of its own.

    Its options are those of `UnitPayIngestion`.
    """

    def __init__(
        self,
        client: AsyncUnitPay,
        *,
        flush_interval: float = 1.0,
        batch_size: int = 500,
        max_buffer_size: int = 100_000,
        on_rejected: Optional[OnRejected] = None,
        on_error: Optional[OnError] = None,
    ) -> None:
        self._client = client
        self._interval = _interval(flush_interval)
        self._buffer = _Buffer(batch_size, max_buffer_size, on_rejected, on_error)
        self._flushing: Optional[asyncio.Lock] = None
        self._full: Optional[asyncio.Event] = None
        self._task: Optional[asyncio.Task[None]] = None

    @property
    def buffer_size(self) -> int:
        """The number of waiting events."""
        return len(self._buffer)

    def track(self, events: Union[t.UsageEvent, Sequence[t.UsageEvent]]) -> None:
        """Takes one event or many, without waiting; takes none if it raises."""
        is_full = self._buffer.add(events)
        if self._task is None or self._task.done():
            self._full = asyncio.Event()
            self._task = asyncio.get_running_loop().create_task(self._work(self._full))
        if is_full and self._full is not None:
            self._full.set()

    async def flush(self) -> None:
        """Sends all waiting events; raises if that fails, and keeps the unsent ones."""
        self._flushing = self._flushing or asyncio.Lock()
        async with self._flushing:
            calls = self._client._client
            await calls.run(self._buffer.flush(calls.config))

    async def check(self, body: t.CheckRequest) -> t.CheckResponse:
        """Flushes the buffer and returns the result of `AsyncUnitPay.check`."""
        await self.flush()
        return await self._client.check(body)

    async def shutdown(self) -> None:
        """Sends all waiting events and takes no more. If it raises, call it again."""
        self._buffer.has_ended = True
        if self._full is not None:
            self._full.set()
        if self._task is not None:
            await self._task
        await self.flush()

    async def _work(self, full: asyncio.Event) -> None:
        """Ends when nothing waits; the next event starts it again."""
        while self._buffer and not self._buffer.has_ended:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(full.wait(), self._interval)
            full.clear()
            if self._buffer.has_ended:
                return
            try:
                await self.flush()
            except Exception as error:
                self._buffer.on_error(error)

    async def __aenter__(self) -> AsyncUnitPayIngestion:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.shutdown()


def _log_rejection(event: t.UsageEvent, rejection: t.Rejection) -> None:
    key = event.get("idempotencyKey")
    _log.warning("usage event %s %s: %s", key, rejection["reason"], rejection["message"])


def _log_error(error: Exception) -> None:
    _log.warning("usage was not sent and will be sent again: %s", error)


def _positive(name: str, value: int, most: Optional[int] = None) -> int:
    if value < 1 or (most is not None and value > most):
        raise ValueError(f"{name} must be at least 1" + (f" and at most {most}" if most else ""))
    return value


def _interval(seconds: float) -> float:
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise ValueError("flush_interval must be a positive number of seconds")
    return seconds
