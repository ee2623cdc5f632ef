"""The client when the network, a proxy or the server fails."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import re
import traceback
import uuid
from email.utils import formatdate
from typing import Any, Callable, Iterator, List, Optional, Type

import httpx
import pytest
from conftest import Clock
from support.clients import Clients
from support.program import Server
from support.proxy import CUT, DRIP, HANG, LOSE, RESET, Fault, Proxy

from unitpay import (
    ApiConnectionError,
    ApiError,
    ApiTimeoutError,
    AsyncUnitPay,
    ConflictError,
    InternalServerError,
    PaymentError,
    PermissionDeniedError,
    RateLimitError,
    ValidationError,
)

HTML: Fault = (502, {"content-type": "text/html"}, "<html><title>Bad gateway</title></html>")


def answer(status: int, **headers: str) -> Fault:
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, ""


@pytest.fixture(scope="module")
def elsewhere(server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server.origin)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def customer_id(new_customer: Callable[..., str]) -> str:
    return new_customer()


@pytest.fixture
def connect(clients: Clients, server: Server, proxy: Proxy) -> Callable[..., Any]:
    def connect(**options: Any) -> Any:
        return clients(**{**server.options(), "base_url": proxy.base_url, **options})

    return connect


@pytest.mark.parametrize(
    "faults",
    [
        [answer(429)],
        [answer(500)],
        [answer(503)],
        [HTML],
        [RESET],
        [CUT],
        [answer(503), RESET],
    ],
    ids=str,
)
def test_call_survives_passing_faults(
    faults: List[Fault], connect: Any, proxy: Proxy, clock: Clock, customer_id: str
) -> None:
    proxy.faults = list(faults)
    assert connect().customers.get(customer_id)["id"] == customer_id
    assert clock.pauses == [0.375, 0.75][: len(faults)]


def test_attempts_of_a_post_share_one_idempotency_key(
    connect: Any, proxy: Proxy, clock: Clock, customer_id: str
) -> None:
    proxy.faults = [answer(503), RESET]
    sessions = connect(idempotency_key_prefix="shop-").portal_sessions
    sessions.create({"customerId": customer_id})
    sessions.create({"customerId": customer_id})
    keys = [seen.headers["idempotency-key"] for seen in proxy.seen]
    assert len(keys) == 4
    assert len(set(keys[:3])) == 1
    assert len(set(keys)) == 2
    assert all(re.fullmatch("shop-[0-9a-f-]{36}", key) for key in keys)


def test_only_post_and_delete_carry_idempotency_keys(
    connect: Any, proxy: Proxy, customer_id: str
) -> None:
    unitpay = connect()
    unitpay.customers.get(customer_id)
    unitpay.customers.update(customer_id, {"name": "Ada"})
    with pytest.raises(ApiError):
        unitpay.payment_methods.remove("pm_none")
    keyed = [(seen.method, "idempotency-key" in seen.headers) for seen in proxy.seen]
    assert keyed == [("GET", False), ("PATCH", False), ("DELETE", True)]


def test_lost_answer_does_not_mint_twice(
    connect: Any, proxy: Proxy, clock: Clock, new_customer: Callable[..., str]
) -> None:
    customer_id = new_customer()
    proxy.faults = [LOSE]
    sessions = connect().portal_sessions
    session = sessions.create({"customerId": customer_id})
    listed = sessions.list({"customerId": customer_id}).to_list()
    assert [one["id"] for one in listed] == [session["jti"]]


def test_bad_idempotency_key_is_refused_before_sending(
    connect: Any, proxy: Proxy, customer_id: str
) -> None:
    sessions = connect().portal_sessions
    given = f"order-{uuid.uuid4()}"
    sessions.create({"customerId": customer_id}, idempotency_key=given)
    assert proxy.seen[0].headers["idempotency-key"] == given
    for key in ("", "a b", "é", "x" * 256):
        with pytest.raises(ValueError, match="idempotency key"):
            sessions.create({"customerId": customer_id}, idempotency_key=key)
    assert len(proxy.seen) == 1


def test_call_fails_with_the_last_error_after_its_retries(
    connect: Any, proxy: Proxy, clock: Clock, customer_id: str
) -> None:
    proxy.faults = [RESET, answer(500), HTML]
    with pytest.raises(InternalServerError) as failed:
        connect().customers.get(customer_id)
    error = failed.value
    assert (error.status, error.code, error.request_id) == (502, None, None)
    assert error.message == "The server answered 502, and not as UnitPay does."
    assert len(proxy.seen) == 3


def test_zero_retries_mean_one_attempt(
    connect: Any, proxy: Proxy, clock: Clock, customer_id: str
) -> None:
    proxy.faults = [answer(503), RESET]
    with pytest.raises(InternalServerError):
        connect(retries=0).customers.get(customer_id)
    with pytest.raises(ApiConnectionError):
        connect().customers.get(customer_id, retries=0)
    assert len(proxy.seen) == 2
    assert clock.pauses == []


def test_final_answer_is_not_retried(connect: Any, proxy: Proxy, customer_id: str) -> None:
    with pytest.raises(ApiError):
        connect().customers.get("nobody")
    with pytest.raises(ApiError):
        connect().portal_sessions.create({"customerId": customer_id, "ttlSeconds": 1})
    with pytest.raises(ApiError):
        connect(api_key="upay_sk_wrong").customers.get(customer_id)
    assert len(proxy.seen) == 3


def test_retry_after_is_waited_for(
    connect: Any, proxy: Proxy, clock: Clock, customer_id: str
) -> None:
    date = formatdate(clock.time + 9, usegmt=True)
    proxy.faults = [answer(429, retry_after="7"), answer(503, retry_after=date)]
    connect().customers.get(customer_id)
    assert clock.pauses[0] == 7
    assert clock.pauses[1] in (8, 9)


def test_long_retry_after_is_left_to_the_caller(
    connect: Any, proxy: Proxy, clock: Clock, customer_id: str
) -> None:
    proxy.faults = [answer(429, retry_after="3600")]
    with pytest.raises(RateLimitError) as failed:
        connect().customers.get(customer_id)
    assert (failed.value.status, failed.value.retry_after) == (429, 3600)
    assert clock.pauses == []


@pytest.mark.parametrize("fault", [HANG, DRIP])
def test_slow_answer_ends_the_attempt(
    fault: str, connect: Any, proxy: Proxy, clock: Clock, customer_id: str
) -> None:
    proxy.faults = [fault]
    with pytest.raises(ApiTimeoutError) as failed:
        connect().customers.get(customer_id, timeout=0.25, retries=0)
    assert (failed.value.status, failed.value.message) == (0, "No answer within 0.25 seconds.")
    # Long enough for the answer of a busy server.
    proxy.faults = [fault]
    assert connect(timeout=2).customers.get(customer_id)["id"] == customer_id
    assert len(proxy.seen) == 3


def test_absent_server_is_a_connection_error_with_its_cause(
    connect: Any, server: Server, clock: Clock
) -> None:
    gone = Proxy(server.origin)
    gone.close()
    with pytest.raises(ApiConnectionError, match=r"(?i)connect|refused") as failed:
        connect(base_url=gone.base_url).customers.get("cus_123")
    assert isinstance(failed.value.__cause__, httpx.ConnectError)
    assert len(clock.pauses) == 2


def test_redirect_is_not_followed(
    connect: Any, proxy: Proxy, elsewhere: Proxy, customer_id: str
) -> None:
    proxy.faults = [answer(307, location=f"{elsewhere.base_url}/customers")]
    with pytest.raises(ApiError, match="redirect.*base_url") as failed:
        connect().customers.get(customer_id)
    assert (type(failed.value), failed.value.status) == (ApiError, 307)
    assert elsewhere.seen == []


def test_redirect_is_not_followed_by_a_client_of_the_caller(
    clients: Clients, server: Server, proxy: Proxy, elsewhere: Proxy
) -> None:
    kind = httpx.AsyncClient if clients.is_async else httpx.Client
    own: Any = kind(follow_redirects=True)
    unitpay = clients(api_key=server.api_key, base_url=proxy.base_url, http_client=own)
    proxy.faults = [answer(307, location=f"{elsewhere.base_url}/customers")]
    with pytest.raises(ApiError):
        unitpay.customers.get("cus_123")
    assert elsewhere.seen == []
    unitpay.close()
    assert not own.is_closed
    if clients.is_async:
        clients.loop.run_until_complete(own.aclose())
    else:
        own.close()


def test_page_in_place_of_an_answer_is_an_error(
    connect: Any, proxy: Proxy, customer_id: str
) -> None:
    proxy.faults = [(200, {"content-type": "text/html"}, "<html></html>")]
    with pytest.raises(ApiError, match="not JSON") as failed:
        connect().customers.get(customer_id)
    assert (type(failed.value), failed.value.status, failed.value.code) == (ApiError, 200, None)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (402, PaymentError),
        (403, PermissionDeniedError),
        (409, ConflictError),
        (413, ApiError),
    ],
)
def test_status_maps_to_its_error(
    status: int, kind: Type[ApiError], connect: Any, proxy: Proxy, customer_id: str
) -> None:
    proxy.faults = [(status, {}, '{"code":"teapot","detail":"of another service"}')]
    with pytest.raises(ApiError) as failed:
        connect().customers.get(customer_id)
    assert type(failed.value) is kind
    assert (failed.value.status, failed.value.code) == (status, None)


@pytest.mark.parametrize(
    "body", ["", "null", "[]", '{"code":7,"detail":{},"errors":"x"}', '{"code":', "\udcff"]
)
def test_broken_problem_breaks_nothing(
    body: str, connect: Any, proxy: Proxy, customer_id: str
) -> None:
    headers = {"content-type": "application/problem+json", "x-request-id": "req_1"}
    raw: Any = body.encode("utf-8", "surrogateescape")
    proxy.faults = [(422, headers, raw)]
    with pytest.raises(ValidationError) as failed:
        connect().customers.get(customer_id)
    error = failed.value
    assert (error.code, error.errors, error.request_id) == (None, [], "req_1")


def local_variables(error: Optional[BaseException]) -> Iterator[str]:
    """The variables of this package's frames, which error reporters send to their service."""
    while error is not None:
        stack = traceback.TracebackException.from_exception(error, capture_locals=True).stack
        yield from (str(frame.locals) for frame in stack if "/src/unitpay/" in frame.filename)
        error = error.__cause__


def test_neither_client_nor_error_nor_log_shows_the_key(
    connect: Any, server: Server, proxy: Proxy, customer_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    unitpay = connect(retries=0)
    proxy.faults = [RESET, HTML]
    shown: List[str] = []
    with caplog.at_level(logging.DEBUG):
        for name in (customer_id, customer_id, "nobody"):
            with pytest.raises(ApiError) as failed:
                unitpay.customers.get(name)
            error = failed.value
            shown += [repr(error), str(error), repr(vars(error))]
            shown += list(local_variables(error))
    assert any("Secret" in text for text in shown)
    shown += [repr(unitpay), str(unitpay), repr(unitpay._client.config), caplog.text]
    assert caplog.records
    assert [text for text in shown if server.api_key in text] == []


def test_error_can_be_pickled_and_copied(connect: Any) -> None:
    with pytest.raises(ValidationError) as failed:
        connect().portal_sessions.create({"customerId": "cus_123", "ttlSeconds": 1})
    for error in (pickle.loads(pickle.dumps(failed.value)), copy.copy(failed.value)):
        assert type(error) is ValidationError
        assert (error.code, error.errors) == ("validation_failed", failed.value.errors)
        assert str(error) == str(failed.value)
        assert error.request_id in str(error)


def test_cancelled_task_ends_the_attempt(
    server: Server, proxy: Proxy, loop: asyncio.AbstractEventLoop
) -> None:
    proxy.faults = [HANG]

    async def run() -> None:
        async with AsyncUnitPay(api_key=server.api_key, base_url=proxy.base_url) as unitpay:
            task = asyncio.ensure_future(unitpay.customers.get("cus_123"))
            proxy.on_hang = lambda: loop.call_soon_threadsafe(task.cancel) and None
            with pytest.raises(asyncio.CancelledError):
                await task

    loop.run_until_complete(run())
    assert len(proxy.seen) == 1
