from __future__ import annotations

from typing import Any, Callable

import pytest

from unitpay import ConflictError


@pytest.fixture(scope="module")
def customer_id(client: Any, shop: Any, new_customer: Any) -> str:
    customer_id: str = new_customer()
    client.payment_methods.add(customer_id, {"processorToken": "pm_sandbox_visa"})
    client.subscriptions.create({"customerId": customer_id, "planId": shop.free["id"]})
    return customer_id


@pytest.fixture
def wallet(client: Any, customer_id: str) -> Any:
    [wallet] = client.customers.list_credit_accounts(customer_id).to_list()
    return wallet


@pytest.fixture
def answer(client: Any, shop: Any, customer_id: str) -> Callable[[int], Any]:
    event = {"customerId": customer_id, "eventName": shop.answers["eventName"]}
    return lambda quantity: client.track({**event, "quantity": quantity})


def package(client: Any, shop: Any, credits: int, price: int) -> str:
    id: str = client.credit_packages.create(
        {
            "creditCurrencyId": shop.credits["id"],
            "name": "Pack",
            "credits": credits,
            "price": price,
            "currency": "USD",
        }
    )["id"]
    return id


def test_ledger_records_purchase_grant_use_and_refund(
    client: Any, shop: Any, customer_id: str, wallet: Any, answer: Any
) -> None:
    assert (wallet["balance"], wallet["status"], wallet["autoTopUp"]) == (50, "active", None)
    assert client.credits.list_accounts({"customerId": customer_id}).to_list() == [wallet]
    bought = client.credits.top_up(
        customer_id,
        {
            "creditCurrencyId": shop.credits["id"],
            "packageId": package(client, shop, 100, 500),
            "quantity": 2,
        },
    )
    assert bought["kind"] == "charged_inline"
    assert bought["invoice"]["totalAmount"] == 1000
    [top_up] = client.credits.list_top_ups(wallet["id"]).to_list()
    assert (top_up["status"], top_up["credits"], top_up["automatic"]) == ("succeeded", 200, False)
    grant = client.credits.grant(wallet["id"], {"amount": 7, "description": "sorry"})
    assert grant["source"] == "promotional"
    assert answer(4)["accepted"] == 1
    [spent] = client.credits.ledger(wallet["id"]).to_list(max=1)
    assert (spent["type"], spent["amount"], spent["balanceAfter"]) == ("deduction", -8, 249)
    refund = {"ledgerEntryId": spent["id"]}
    assert client.credits.refund(wallet["id"], refund)["amount"] == 8
    with pytest.raises(ConflictError):
        client.credits.refund(wallet["id"], refund)
    entries = client.credits.ledger(wallet["id"], {"limit": 2}).to_list()
    assert [entry["amount"] for entry in entries] == [8, -8, 7, 200, 50]
    stats = client.credits.stats({"creditAccountId": wallet["id"], "days": 7})
    assert (stats["balance"], stats["granted"], stats["used"]) == (257, 257, 0)
    assert len(stats["days"]) == 7


def test_frozen_wallet_pays_for_nothing(client: Any, wallet: Any, answer: Any) -> None:
    assert client.credits.freeze(wallet["id"])["status"] == "frozen"
    assert answer(1)["rejections"][0]["reason"] == "rejected_insufficient_credits"
    assert client.credits.unfreeze(wallet["id"])["status"] == "active"
    assert answer(1)["accepted"] == 1


def test_auto_top_up_is_set_and_turned_off(client: Any, shop: Any, customer_id: str) -> None:
    rule = {
        "enabled": True,
        "mode": "package",
        "threshold": 5,
        "packageId": package(client, shop, 10, 100),
    }
    currency_id = shop.credits["id"]
    on = client.credits.set_auto_top_up(customer_id, currency_id, rule)["autoTopUp"]
    expected = {**rule, "quantity": 1, "maxPerMonth": 10, "paused": False}
    assert {name: on[name] for name in expected} == expected
    off = client.credits.set_auto_top_up(customer_id, currency_id, {**rule, "enabled": False})
    assert off["autoTopUp"]["enabled"] is False
