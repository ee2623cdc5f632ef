"""Webhooks: what the server sends, and other implementations of Standard Webhooks."""

from __future__ import annotations

import base64
import json
import queue
import secrets
import threading
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, Iterator, List, Tuple

import httpx
import pytest
from conftest import Clock
from standardwebhooks.webhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError as StandardError
from support.program import start_server
from svix.webhooks import Webhook as Svix
from svix.webhooks import WebhookVerificationError as SvixError

from unitpay import UnitPay, WebhookVerificationError, verify_webhook

BODY = '{"type":"invoice.paid","data":{"name":"Zoë"}}'
ID = "evt_01kwgt3qt8f689ez1ekre217xw"


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


SECRET = new_secret()


def signed(clock: Clock, secret: str = SECRET, body: str = BODY) -> Dict[str, str]:
    at = datetime.fromtimestamp(int(clock.time), timezone.utc)
    return {
        "webhook-id": ID,
        "webhook-timestamp": str(int(clock.time)),
        "webhook-signature": Webhook(secret).sign(ID, at, body),
    }


def refusal(headers: Dict[str, str], body: Any = BODY, secret: Any = SECRET) -> str:
    with pytest.raises(WebhookVerificationError) as refused:
        verify_webhook(body, headers, secret)
    return str(refused.value)


def test_signed_webhook_returns_its_event(clock: Clock) -> None:
    headers = signed(clock)
    event = json.loads(BODY)
    assert verify_webhook(BODY, headers, SECRET) == event
    assert verify_webhook(BODY.encode(), httpx.Headers(headers), SECRET) == event
    titled = {name.title(): value for name, value in headers.items()}
    assert verify_webhook(bytearray(BODY.encode()), titled, SECRET) == event


def test_both_implementations_agree() -> None:
    clock = Clock()
    headers = signed(clock)
    assert Webhook(SECRET).verify(BODY, headers) == verify_webhook(BODY, headers, SECRET)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "evt_other"),
        ("webhook-timestamp", "1"),
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", "v1,not base64"),
        ("webhook-signature", "v2," + "A" * 44),
        ("webhook-signature", "v1"),
    ],
)
def test_changed_header_is_refused(name: str, value: str, clock: Clock) -> None:
    assert "signature" in refusal({**signed(clock), name: value})


def test_changed_body_is_refused(clock: Clock) -> None:
    assert "signature" in refusal(signed(clock), BODY + " ")


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_missing_header_is_named(name: str, clock: Clock) -> None:
    headers = signed(clock)
    assert name in refusal({**headers, name: ""})
    del headers[name]
    assert name in refusal(headers)


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1.5", "1e9", "٣", "9" * 5000])
def test_timestamp_must_be_a_number(timestamp: str, clock: Clock) -> None:
    assert "webhook-timestamp" in refusal({**signed(clock), "webhook-timestamp": timestamp})


def test_webhook_is_good_for_five_minutes_either_way(clock: Clock) -> None:
    clock.time = float(int(clock.time))
    headers, now = signed(clock), clock.time
    for away in (-300, 300):
        clock.time = now + away
        assert verify_webhook(BODY, headers, SECRET)
    for away in (-301, 301):
        clock.time = now + away
        assert "old" in refusal(headers)
        assert verify_webhook(BODY, headers, SECRET, tolerance=301)


def test_one_of_several_signatures_suffices(clock: Clock) -> None:
    other = new_secret()
    both = " ".join(signed(clock, one)["webhook-signature"] for one in (other, SECRET))
    headers = {**signed(clock), "webhook-signature": f"v1a,AAAA {both}"}
    for secret in (SECRET, other, [new_secret(), SECRET]):
        assert verify_webhook(BODY, headers, secret)
    assert "signature" in refusal(headers, secret=new_secret())


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64", "whsec_é", []])
def test_bad_secret_is_the_callers_error(secret: Any, clock: Clock) -> None:
    with pytest.raises(ValueError, match="secret") as refused:
        verify_webhook(BODY, signed(clock), secret)
    assert "base64_" not in str(refused.value)


def test_signed_body_must_be_json(clock: Clock) -> None:
    assert "JSON" in refusal(signed(clock, body="ready"), "ready")


def test_refusal_does_not_show_the_secret(clock: Clock) -> None:
    messages: List[str] = [refusal({**signed(clock), "webhook-id": "other"}), refusal({})]
    assert [text for text in messages if SECRET in text or SECRET[6:] in text] == []


Received = Tuple[bytes, Dict[str, str]]


@pytest.fixture
def receiver() -> Iterator[Tuple[str, queue.Queue[Received]]]:
    """A webhook endpoint of this machine, and what it received."""
    received: queue.Queue[Received] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()
            received.put((body, dict(self.headers.items())))

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{http.server_address[1]}/hook", received
    http.shutdown()
    thread.join()
    http.server_close()


def test_others_verify_what_the_server_sends(
    receiver: Tuple[str, queue.Queue[Received]],
) -> None:
    url, received = receiver
    local = {
        "UNITPAY_WEBHOOKS_ALLOW_HTTP": "true",
        "UNITPAY_WEBHOOKS_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    server = start_server(local)
    try:
        with UnitPay(**server.options()) as client:
            endpoint = client.webhook_endpoints.create({"url": url})
            secret = endpoint["secret"]
            customer = client.customers.create({"name": "Zoë", "email": "zoe@example.com"})
            body, headers = received.get(timeout=60)
            event = verify_webhook(body, headers, secret)
            assert event["type"] == "customer.created"
            assert event["data"]["object"] == customer
            assert client.events.get(event["id"]) == event
            rotated = client.webhook_endpoints.rotate_secret(endpoint["id"])["secret"]
            client.webhook_endpoints.test(endpoint["id"])
            tested = received.get(timeout=60)
        for got, one in [((body, headers), secret), (tested, secret), (tested, rotated)]:
            sent, fields = got
            event = verify_webhook(sent, fields, one)
            assert Webhook(one).verify(sent, fields) == event
            # It raises an error, and returns nothing.
            Svix(one).verify(sent, {name.lower(): value for name, value in fields.items()})
        assert "signature" in refusal(headers, body, new_secret())
    finally:
        server.stop()


def altered(name: str) -> Tuple[str, Dict[str, str], str]:
    """Returns a webhook that is good but for one thing."""
    at = time.time() + {"old": -310, "early": 310}.get(name, 0)
    headers = {
        "webhook-id": ID,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": Webhook(SECRET).sign(
            ID, datetime.fromtimestamp(int(at), timezone.utc), BODY
        ),
    }
    if name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        del headers[name]
    signature = headers.get("webhook-signature", "")
    headers.update(
        {
            "another id": {"webhook-id": "evt_other"},
            "another time": {"webhook-timestamp": str(int(at) + 1)},
            "no time": {"webhook-timestamp": "soon"},
            "cut signature": {"webhook-signature": signature[:-8] + "="},
            "another version": {"webhook-signature": signature.replace("v1,", "v2,")},
            "no signature": {"webhook-signature": "v1,"},
        }.get(name, {})
    )
    body = BODY + " " if name == "another body" else BODY
    return body, headers, new_secret() if name == "another secret" else SECRET


@pytest.mark.parametrize(
    "name",
    [
        "old",
        "early",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "another id",
        "another time",
        "no time",
        "cut signature",
        "another version",
        "no signature",
        "another body",
        "another secret",
    ],
)
def test_all_implementations_refuse_the_same(name: str) -> None:
    body, headers, secret = altered("")
    assert Webhook(secret).verify(body, headers) == verify_webhook(body, headers, secret)
    Svix(secret).verify(body, headers)
    body, headers, secret = altered(name)
    refusal(headers, body, secret)
    with pytest.raises(StandardError):
        Webhook(secret).verify(body, headers)
    with pytest.raises(SvixError):
        Svix(secret).verify(body, headers)
