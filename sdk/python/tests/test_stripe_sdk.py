"""Stripe's own SDK for Python as a judge: the stand-in speaks to it as Stripe does, and the
signatures of webhooks are checked alike."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.parse
import urllib.request
from typing import Any, Dict, Iterator

import httpx
import pytest
import stripe
from support.program import ENVIRONMENT, PROGRAM, Server, start_server
from support.stripe_stand import WEBHOOK_SECRET, StripeStand, start_stand_in


@pytest.fixture(scope="module")
def stand() -> Iterator[StripeStand]:
    stand = start_stand_in()
    yield stand
    stand.stop()


@pytest.fixture(scope="module")
def connected(stand: StripeStand) -> Iterator[Server]:
    """A server that has the account of the stand-in connected."""
    variables = {"UNITPAY_STRIPE_API_BASE": stand.url}
    server = start_server(variables)
    credentials = {
        "secret_key": stand.secret_key,
        "publishable_key": stand.publishable_key,
        "webhook_secret": WEBHOOK_SECRET,
    }
    connect = ["processors", "connect", "stripe", "--env", "sandbox"]
    subprocess.run(
        [PROGRAM, *connect, "--data-dir", server.data_dir],
        input="\n".join(f"{name}={value}" for name, value in credentials.items()),
        env={**ENVIRONMENT, **variables},
        check=True,
        text=True,
        capture_output=True,
    )
    yield server
    server.stop()


@pytest.fixture(scope="module")
def sdk(stand: StripeStand) -> Any:
    bases = {"api": stand.url}
    return stripe.StripeClient(stand.secret_key, base_addresses=bases, max_network_retries=0)


def fill_in(stand: StripeStand, secret: str, card: str) -> None:
    """Fills in the form that a secret opens, as Stripe's script does."""
    form = {"key": stand.publishable_key, "client_secret": secret, "payment_method": card}
    setup = secret.split("_secret")[0]
    httpx.post(f"{stand.url}/v1/setup_intents/{setup}/confirm", data=form).raise_for_status()


@pytest.fixture(scope="module")
def held(stand: StripeStand, sdk: Any) -> Dict[str, str]:
    """A customer with a saved card."""
    customer = sdk.v1.customers.create({"metadata": {"unitpay_customer": "ada"}})
    types = ["card"]
    setup = sdk.v1.setup_intents.create(
        {"customer": customer.id, "allowed_payment_method_types": types, "usage": "off_session"}
    )
    fill_in(stand, setup.client_secret, "pm_card_visa")
    done = sdk.v1.setup_intents.retrieve(setup.id, {"expand": ["payment_method"]})
    assert (done.status, done.payment_method.card.last4) == ("succeeded", "4242")
    return {"customer": customer.id, "payment_method": done.payment_method.id}


def charge(held: Dict[str, str], **more: Any) -> Dict[str, Any]:
    types = ["card"]
    order = {"amount": 1_000, "currency": "usd", "confirm": True}
    return {**held, **order, "allowed_payment_method_types": types, **more}


def test_sdk_charges_lists_and_refunds(sdk: Any, held: Dict[str, str]) -> None:
    once = {"idempotency_key": "python"}
    intent = sdk.v1.payment_intents.create(charge(held), once)
    assert intent.status == "succeeded"
    assert sdk.v1.payment_intents.create(charge(held), once).id == intent.id
    for _ in range(3):
        sdk.v1.payment_intents.create(charge(held, off_session=True))
    listed = sdk.v1.payment_intents.list({"customer": held["customer"]})
    assert len(list(listed.auto_paging_iter())) == 4
    part = sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 400})
    rest = sdk.v1.refunds.create({"payment_intent": intent.id})
    assert [part.amount, rest.amount, rest.status] == [400, 600, "succeeded"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"
    form = sdk.v1.payment_intents.create({"amount": 1_000, "currency": "usd"})
    assert sdk.v1.payment_intents.cancel(form.id).status == "canceled"


def test_sdk_reads_the_errors_as_those_of_stripe(sdk: Any, held: Dict[str, str]) -> None:
    def refusal(kind: Any, options: Any = None, **more: Any) -> Any:
        with pytest.raises(kind) as refused:
            sdk.v1.payment_intents.create(charge(held, **more), options)
        return refused.value

    assert refusal(stripe.InvalidRequestError, amount=1).code == "amount_too_small"
    unknown = refusal(stripe.InvalidRequestError, payment_method="pm_nothing")
    assert unknown.param == "payment_method"
    old = refusal(stripe.InvalidRequestError, payment_method_types=["card"])
    assert old.code == "parameter_unknown"
    used = {"idempotency_key": "used by python"}
    sdk.v1.payment_intents.create(charge(held), used)
    refusal(stripe.IdempotencyError, used, amount=2_000)
    refusal(stripe.AuthenticationError, {"api_key": "sk_test_unknown"})
    shared = charge({"payment_method": "pm_card_visa"})
    assert sdk.v1.payment_intents.create(shared).status == "succeeded"


def test_signatures_are_judged_alike(
    connected: Server, stand: StripeStand, sdk: Any, held: Dict[str, str]
) -> None:
    """The SDK checks signatures and makes none: the stand-in makes them."""
    shown = httpx.get(f"{connected.base_url}/processors", headers={"x-api-key": connected.api_key})
    path = urllib.parse.urlsplit(shown.json()["data"][0]["webhookUrl"]).path
    event = sdk.v1.events.list({"types": ["setup_intent.succeeded"]}).data[0]
    payload = json.dumps(event.to_dict())
    now = int(time.time())

    def sign(secret: str, seconds: int, body: str = payload) -> str:
        form = urllib.parse.urlencode({"secret": secret, "seconds": seconds, "body": body})
        with urllib.request.urlopen(f"{stand.url}/sign", form.encode()) as answer:
            return str(json.load(answer))

    good = sign(WEBHOOK_SECRET, now)
    tag = good.split("v1=")[1]
    other = sign("whsec_another", now)
    for signature, status in [
        (good, 204),
        (f"{good},v0=0", 204),
        (sign(WEBHOOK_SECRET, now - 290), 204),
        (sign(WEBHOOK_SECRET, now - 301), 400),
        (other, 400),
        (sign(WEBHOOK_SECRET, now, f"{payload} "), 400),
        (f"t={now - 1},v1={tag}", 400),
        (f"t={now},v0={tag}", 400),
        ("", 400),
    ]:
        headers = {"stripe-signature": signature, "content-type": "application/json"}
        sent = httpx.post(f"{connected.origin}{path}", content=payload, headers=headers)
        assert sent.status_code == status, signature
        if status == 204:
            assert sdk.construct_event(payload, signature, WEBHOOK_SECRET).id == event.id
        else:
            with pytest.raises(stripe.SignatureVerificationError):
                sdk.construct_event(payload, signature, WEBHOOK_SECRET)
