"""Usage in batches: which events are sent, when, and the fate of events that do not go through."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from typing import Any, Callable, Dict, List, Tuple

import httpx
import pytest
from conftest import Clock
from support.clients import Blocking, Clients
from support.program import Server
from support.proxy import LOSE, RESET, Proxy

from unitpay import (
    ApiError,
    AsyncUnitPay,
    AsyncUnitPayIngestion,
    UnitPay,
    UnitPayIngestion,
)

FORWARD = "forward"
UNAVAILABLE = (503, {}, "")


@pytest.fixture
def customer_id(client: Any, shop: Any, new_customer: Any) -> str:
    customer_id: str = new_customer()
    client.subscriptions.create({"customerId": customer_id, "planId": shop.free["id"]})
    return customer_id


@pytest.fixture
def event(shop: Any, customer_id: str) -> Callable[..., Dict[str, Any]]:
    fixed = {"customerId": customer_id, "eventName": shop.calls["eventName"]}
    return lambda **more: {**fixed, **more}


@pytest.fixture
def used(client: Any, shop: Any, customer_id: str) -> Callable[[], str]:
    metric_id = shop.calls["id"]
    return lambda: client.usage.get({"customerId": customer_id, "metricId": metric_id})["usage"]


class Told:
    """The calls of `on_rejected` and `on_error`."""

    def __init__(self) -> None:
        self.rejected: List[Tuple[Any, str]] = []
        self.errors: List[Exception] = []

    def on_rejected(self, event: Any, rejection: Any) -> None:
        self.rejected.append((event, rejection["reason"]))

    def reasons(self) -> List[str]:
        return [reason for _, reason in self.rejected]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def ingestion(clients: Clients, server: Server, proxy: Proxy, told: Told) -> Callable[..., Any]:
    """Makes an ingestion that flushes when the test says so."""
    client = clients(api_key=server.api_key, base_url=proxy.base_url, retries=0)

    def ingestion(**options: Any) -> Any:
        callbacks = {"on_rejected": told.on_rejected, "on_error": told.errors.append}
        options = {"flush_interval": 600, **callbacks, **options}
        if clients.is_async:
            return Blocking(AsyncUnitPayIngestion(client._target, **options), clients.loop)
        return UnitPayIngestion(client, **options)

    return ingestion


def sizes(proxy: Proxy) -> List[int]:
    return [len(json.loads(seen.body)["events"]) for seen in proxy.seen]


def test_events_are_sent_together(ingestion: Any, event: Any, used: Any, proxy: Proxy) -> None:
    usage = ingestion()
    usage.track(event())
    usage.track([event(), event(quantity=5)])
    usage.flush()
    usage.track(event())
    assert usage.buffer_size == 1
    usage.shutdown()
    assert (sizes(proxy), usage.buffer_size, used()) == ([3, 1], 0, "8")


@pytest.mark.parametrize("options", [{"flush_interval": 0.01}, {"batch_size": 2}], ids=str)
def test_thread_flushes_automatically(options: Any, server: Server, event: Any, used: Any) -> None:
    sent = threading.Event()
    hooks: Any = {"response": [lambda response: sent.set()]}
    with (
        httpx.Client(event_hooks=hooks) as http,
        UnitPay(**server.options(), http_client=http) as client,
    ):
        usage = UnitPayIngestion(client, **{"flush_interval": 600, **options})
        usage.track([event(), event()])
        assert sent.wait(30)
        usage.shutdown()
        assert usage.buffer_size == 0
    assert used() == "2"


@pytest.mark.parametrize("options", [{"flush_interval": 0.01}, {"batch_size": 2}], ids=str)
def test_task_flushes_automatically(
    options: Any, server: Server, event: Any, used: Any, loop: asyncio.AbstractEventLoop
) -> None:
    async def run() -> None:
        sent = asyncio.Event()

        async def hook(response: httpx.Response) -> None:
            sent.set()

        async with httpx.AsyncClient(event_hooks={"response": [hook]}) as http:
            client = AsyncUnitPay(**server.options(), http_client=http)
            usage = AsyncUnitPayIngestion(client, **{"flush_interval": 600, **options})
            usage.track([event(), event()])
            await asyncio.wait_for(sent.wait(), 30)
            await usage.shutdown()
            assert usage.buffer_size == 0

    loop.run_until_complete(run())
    assert used() == "2"


@pytest.mark.parametrize("fault", [RESET, LOSE, UNAVAILABLE], ids=str)
def test_same_events_are_sent_again_and_count_once(
    fault: Any, ingestion: Any, event: Any, used: Any, proxy: Proxy, clock: Clock, told: Told
) -> None:
    usage = ingestion()
    proxy.faults = [fault]
    usage.track([event(), event()])
    with pytest.raises(ApiError):
        usage.flush()
    assert usage.buffer_size == 2
    # Later they still say when they happened.
    clock.time += 60
    usage.shutdown()
    assert proxy.seen[1].body == proxy.seen[0].body
    assert b'"timestamp": "20' in proxy.seen[0].body
    assert (usage.buffer_size, used(), told.rejected) == (0, "2", [])


def test_failure_in_the_background_is_told(
    server: Server, proxy: Proxy, event: Any, used: Any
) -> None:
    failed = threading.Event()
    proxy.faults = [RESET]
    options = {"api_key": server.api_key, "base_url": proxy.base_url}
    with UnitPay(**options, retries=0) as client:
        usage = UnitPayIngestion(client, batch_size=1, on_error=lambda error: failed.set())
        usage.track(event())
        assert failed.wait(30)
        usage.shutdown()
    assert used() == "1"


def test_refused_events_are_told_and_the_others_count(
    ingestion: Any, event: Any, used: Any, told: Told
) -> None:
    usage = ingestion()
    usage.track(
        [
            event(idempotencyKey="a"),
            event(eventName="nothing-measures-this"),
            event(customerId="nobody"),
            event(quantity=-1),
            event(properties={"text": "x" * 5000}),
            event(properties={"unwritable": object()}),
            event(quantity=float("nan")),
            event(quantity=2),
        ]
    )
    usage.shutdown()
    assert used() == "3"
    assert sorted(told.reasons()) == sorted(
        ["rejected_no_metric", "rejected_unknown_customer", *["rejected_invalid"] * 4]
    )
    assert (event()["eventName"], -1) in [
        (one["eventName"], one.get("quantity")) for one, _ in told.rejected
    ]


def test_refused_batch_is_halved_and_sent_halves_stay_sent(
    ingestion: Any, event: Any, used: Any, proxy: Proxy, told: Told
) -> None:
    usage = ingestion()
    wrong = event(eventName="nothing-measures-this")
    usage.track([wrong, event(), event(quantity=-1), event()])
    proxy.faults = [(422, {}, ""), FORWARD, UNAVAILABLE]
    with pytest.raises(ApiError):
        usage.flush()
    assert (sizes(proxy), usage.buffer_size, len(told.rejected)) == ([4, 2, 2], 2, 1)
    usage.shutdown()
    assert sizes(proxy)[3:] == [2]
    assert (used(), usage.buffer_size) == ("2", 0)
    assert told.reasons() == ["rejected_no_metric", "rejected_invalid"]


def test_large_events_go_in_several_requests(
    ingestion: Any, event: Any, used: Any, proxy: Proxy, told: Told
) -> None:
    usage = ingestion(batch_size=1000)
    usage.track([event(properties={"text": "é" * 1900}) for _ in range(400)])
    usage.shutdown()
    assert (used(), told.rejected) == ("400", [])
    assert max(len(seen.body) for seen in proxy.seen) < 2**20


def test_failing_callback_sends_no_event_again(
    ingestion: Any, event: Any, used: Any, proxy: Proxy, told: Told
) -> None:
    def fail(event: Any, rejection: Any) -> None:
        raise OSError("the log is full")

    usage = ingestion(on_rejected=fail)
    usage.track([event(eventName="nothing-measures-this"), event()])
    usage.shutdown()
    assert (used(), usage.buffer_size, sizes(proxy)) == ("1", 0, [2])
    assert [str(error) for error in told.errors] == ["the log is full"]


def test_full_buffer_and_shutdown_refuse_events(ingestion: Any, event: Any, used: Any) -> None:
    usage = ingestion(max_buffer_size=2)
    usage.track(event())
    with pytest.raises(queue.Full):
        usage.track([event(), event()])
    assert usage.buffer_size == 1
    usage.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        usage.track(event())
    assert used() == "1"
    usage.shutdown()
    for wrong in ({"batch_size": 1001}, {"batch_size": 0}, {"flush_interval": 0}):
        with pytest.raises(ValueError, match="must be"):
            ingestion(**wrong)


def test_check_sends_events_first(ingestion: Any, event: Any, shop: Any, customer_id: str) -> None:
    usage = ingestion()
    usage.track(event(quantity=9))
    answer = usage.check(
        {
            "customerId": customer_id,
            "featureSlug": shop.metered["slug"],
            "requestedUsage": 2,
        }
    )
    assert (answer["access"], answer["deniedReason"]) == (False, "usage_exceeded")
    usage.shutdown()


def test_refused_events_are_logged_by_default(
    server: Server, event: Any, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"flush_interval": 600}
    with UnitPay(**server.options()) as client, UnitPayIngestion(client, **options) as usage:
        usage.track(event(eventName="nothing-measures-this", idempotencyKey="lost-1"))
    assert "usage event lost-1 rejected_no_metric" in caplog.text
