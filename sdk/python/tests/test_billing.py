"""Subscriptions, invoices and payments, on a server of their own: its test clock moves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Callable, Iterator

import httpx
import pytest
from support.clients import Clients
from support.program import Server, start_server
from support.proxy import LOSE, Proxy

from unitpay import ConflictError, PaymentError


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = start_server()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def customer(client: Any, new_customer: Any) -> Callable[..., str]:
    def customer(token: str = "") -> str:
        customer_id: str = new_customer()
        if token:
            client.payment_methods.add(customer_id, {"processorToken": token})
        return customer_id

    return customer


def test_catalog_is_read_updated_and_shown(client: Any, shop: Any) -> None:
    assert client.plans.get(shop.pro["id"]) == shop.pro
    plans = client.plans.list({"productId": shop.product_id}).to_list()
    assert [plan["name"] for plan in plans] == ["scale", "pro", "free"]
    changed = client.plans.update(shop.pro["id"], {"description": "For teams."})
    assert changed["description"] == "For teams."
    pricing = client.pricing(shop.product_id)
    assert pricing["product"]["id"] == shop.product_id
    names = [plan["name"] for tier in pricing["tiers"] for plan in tier["monthly"]]
    assert sorted(names) == ["free", "pro", "scale"]
    branding = client.put_branding({"name": "Nimbus", "accentColor": "#3b5bdb"})
    assert client.get_branding() == branding


def test_subscription_is_previewed_changed_and_canceled(
    client: Any, shop: Any, customer: Any
) -> None:
    customer_id = customer("pm_sandbox_visa")
    wanted = {"customerId": customer_id, "planId": shop.pro["id"]}
    assert client.subscriptions.preview(wanted)["totalAmount"] == 2900
    made = client.subscriptions.create(wanted)
    assert made["kind"] == "charged_inline"
    assert (made["invoice"]["status"], made["invoice"]["totalAmount"]) == ("paid", 2900)
    id = made["subscription"]["id"]
    assert client.subscriptions.get(id)["status"] == "active"
    assert len(client.subscriptions.list({"customerId": customer_id}).to_list()) == 1
    with pytest.raises(ConflictError) as exists:
        client.subscriptions.create(wanted)
    assert exists.value.code == "subscription_exists"

    change = {"planId": shop.scale["id"]}
    shown = client.subscriptions.preview_change(id, change)
    paid = client.subscriptions.change_plan(id, {**change, "prorationDate": shown["prorationDate"]})
    assert paid["kind"] == "charged_inline"
    assert paid["invoice"]["totalAmount"] == shown["totalAmount"]
    back = client.subscriptions.change_plan(id, {"planId": shop.pro["id"]})
    assert back["kind"] == "deferred"
    assert back["effectiveAt"] == back["subscription"]["currentBillingPeriodEnd"]

    assert client.subscriptions.cancel(id)["cancelAtPeriodEnd"] is True
    assert client.subscriptions.uncancel(id)["cancelAtPeriodEnd"] is False
    assert "invoice" in client.subscriptions.upcoming_invoice(id)
    ended = client.subscriptions.cancel(id, {"mode": "now", "reason": "moved"})
    assert ended["status"] == "canceled"
    with pytest.raises(ConflictError) as inactive:
        client.subscriptions.cancel(id)
    assert inactive.value.code == "subscription_not_active"


def test_missing_card_asks_for_a_form(client: Any, shop: Any, customer: Any) -> None:
    outcome = client.subscriptions.create({"customerId": customer(), "planId": shop.pro["id"]})
    assert (outcome["kind"], outcome["reason"]) == ("requires_form", "payment_method_required")
    assert outcome["client"]["processor"] == "sandbox"
    assert outcome["subscription"]["status"] == "pending"
    attempt = client.payment_attempts.get(outcome["paymentAttemptId"])
    assert attempt["id"] == outcome["paymentAttemptId"]


def test_declined_payment_changes_nothing(client: Any, shop: Any, customer: Any) -> None:
    poor = customer("pm_sandbox_declined")
    with pytest.raises(PaymentError) as failed:
        client.subscriptions.create({"customerId": poor, "planId": shop.pro["id"]})
    error = failed.value
    assert (error.code, error.decline_reason) == ("payment_declined", "card_declined")
    assert client.subscriptions.list({"customerId": poor}).to_list() == []


def test_invoices_are_drawn_paid_and_voided(client: Any, shop: Any, customer: Any) -> None:
    customer_id = customer()
    client.customers.update(customer_id, {"collectionMethod": "send_invoice", "netDays": 14})
    wanted = {"customerId": customer_id, "planId": shop.pro["id"]}
    outcome = client.subscriptions.create(wanted)
    assert outcome["kind"] == "invoice_sent"
    id = outcome["invoice"]["id"]
    assert [one["id"] for one in client.invoices.list({"customerId": customer_id})] == [id]
    assert len(client.customers.list_invoices(customer_id).to_list()) == 1
    items = client.invoices.get(id)["items"]
    assert [(item["type"], item["amount"]) for item in items] == [("recurring", 2900)]
    pdf = client.invoices.pdf(id)
    assert isinstance(pdf, bytes)
    assert pdf.startswith(b"%PDF-")

    part = client.invoices.record_payment(id, {"amount": 900, "reference": "SEPA"})
    assert (part["status"], part["amountDue"]) == ("partially_paid", 2000)
    with pytest.raises(ConflictError) as refused:
        client.invoices.void(id)
    assert refused.value.code == "invoice_not_payable"
    card = client.payment_methods.add(customer_id, {"processorToken": "pm_sandbox_visa"})
    paid = client.invoices.pay(id, {"paymentMethodId": card["id"]})
    assert (paid["invoice"]["status"], paid["invoice"]["amountDue"]) == ("paid", 0)
    payments = client.invoices.get(id)["payments"]
    assert [payment["amount"] for payment in payments] == [900, 2000]

    offer = {"name": "Hundred", "credits": 100, "price": 500, "currency": "USD"}
    currency = {"creditCurrencyId": shop.credits["id"]}
    package = client.credit_packages.create({**currency, **offer})
    second = client.credits.top_up(customer_id, {**currency, "packageId": package["id"]})
    assert client.invoices.void(second["invoice"]["id"])["status"] == "void"


def test_payment_methods_are_added_listed_and_removed(
    client: Any, shop: Any, customer: Any
) -> None:
    customer_id = customer("pm_sandbox_visa")
    assert client.payment_methods.setup(customer_id)["processor"] == "sandbox"
    second = client.payment_methods.add(customer_id, {"processorToken": "pm_sandbox_mastercard"})
    assert (second["isDefault"], second["card"]["last4"]) == (False, "4444")
    _, first = client.customers.list_payment_methods(customer_id).to_list()
    assert first["isDefault"] is True
    assert client.payment_methods.set_default(second["id"])["isDefault"] is True
    assert client.payment_methods.remove(first["id"]) is None
    client.subscriptions.create({"customerId": customer_id, "planId": shop.pro["id"]})
    assert client.payment_methods.dependencies(second["id"])["blocksDetach"] is True
    with pytest.raises(ConflictError) as failed:
        client.payment_methods.remove(second["id"])
    assert failed.value.code == "payment_method_in_use"
    assert failed.value.dependencies is not None
    assert len(failed.value.dependencies["subscriptions"]) == 1


def test_lost_answer_moves_no_money_twice(
    clients: Clients, client: Any, server: Server, proxy: Proxy, shop: Any, customer: Any
) -> None:
    customer_id = customer("pm_sandbox_visa")
    flaky = clients(api_key=server.api_key, base_url=proxy.base_url)
    proxy.faults = [LOSE]
    flaky.subscriptions.create({"customerId": customer_id, "planId": shop.pro["id"]})
    assert len(client.subscriptions.list({"customerId": customer_id}).to_list()) == 1
    assert len(client.invoices.list({"customerId": customer_id}).to_list()) == 1


def test_every_month_on_the_test_clock_is_billed(client: Any, shop: Any, customer: Any) -> None:
    customer_id = customer("pm_sandbox_visa")
    client.subscriptions.create({"customerId": customer_id, "planId": shop.pro["id"]})
    now = datetime.fromisoformat(client.test_clock.get()["now"].replace("Z", "+00:00"))
    to = (now + timedelta(days=95)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert client.test_clock.advance(to)["status"] == "ready"
    invoices = client.invoices.list({"customerId": customer_id}).to_list()
    assert [(one["status"], one["totalAmount"]) for one in invoices] == [("paid", 2900)] * 4


def test_authorization_of_the_caller_is_replaced(clients: Clients, server: Server) -> None:
    kind = httpx.AsyncClient if clients.is_async else httpx.Client
    own: Any = kind(auth=("user", "password"))
    unitpay = clients(**server.options(), http_client=own)
    assert unitpay.processors.list()
    if clients.is_async:
        clients.loop.run_until_complete(own.aclose())
    else:
        own.close()
