from __future__ import annotations

import asyncio
import time
from typing import Any, Callable, Iterator, List

import pytest
from support.clients import Clients
from support.program import Server, start_server
from support.proxy import Proxy
from support.shop import make_shop

import unitpay
from unitpay import _runtime


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One real server for all tests, with the customer that the guide speaks of."""
    server = start_server()
    with unitpay.UnitPay(**server.options()) as client:
        client.customers.create(
            {"name": "Ada", "email": "ada@example.com", "externalId": "cus_123"}
        )
    yield server
    server.stop()


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="module", params=["sync", "async"])
def clients(request: pytest.FixtureRequest, loop: asyncio.AbstractEventLoop) -> Iterator[Clients]:
    """Every test that uses it runs with both kinds of clients."""
    clients = Clients(request.param, loop)
    yield clients
    clients.close()


@pytest.fixture(scope="module")
def client(clients: Clients, server: Server) -> Any:
    return clients(**server.options())


@pytest.fixture(scope="module")
def shop(client: Any) -> Any:
    return make_shop(client)


@pytest.fixture(scope="module")
def new_customer(client: Any) -> Callable[..., str]:
    def new_customer(**fields: Any) -> str:
        body = {"name": "Ada", "email": "ada@example.com", **fields}
        return client.customers.create(body)["id"]

    return new_customer


@pytest.fixture(scope="module")
def real_proxy(server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server.origin)
    yield proxy
    proxy.close()


@pytest.fixture
def proxy(real_proxy: Proxy) -> Iterator[Proxy]:
    real_proxy.reset()
    yield real_proxy
    assert real_proxy.faults == []


class Clock:
    """The time, which only the test moves, and the pauses between attempts, which do not last."""

    def __init__(self) -> None:
        self.time = time.time()
        self.pauses: List[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def sleep_async(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(_runtime, "now", lambda: clock.time)
    monkeypatch.setattr(_runtime, "random", lambda: 0.5)
    monkeypatch.setattr(_runtime, "sleep", clock.sleep)
    monkeypatch.setattr(_runtime, "sleep_async", clock.sleep_async)
    return clock
