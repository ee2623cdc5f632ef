from __future__ import annotations

import math
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from unitpay import NotFoundError
from unitpay._usage import round_quantity


@pytest.fixture(scope="module")
def customer_id(client: Any, shop: Any, new_customer: Any) -> Any:
    customer_id = new_customer()
    client.subscriptions.create({"customerId": customer_id, "planId": shop.free["id"]})
    return customer_id


def test_event_counts_once_for_its_key(client: Any, shop: Any, customer_id: Any) -> None:
    name = shop.calls["eventName"]
    event = {"customerId": customer_id, "eventName": name, "quantity": 3, "idempotencyKey": "a"}
    assert client.track(event) == {"accepted": 1, "rejected": 0, "rejections": []}
    again = client.usage.track([event, {**event, "quantity": 4}])
    assert (again["accepted"], again["rejected"]) == (1, 1)
    assert [(r["index"], r["reason"]) for r in again["rejections"]] == [(1, "rejected_duplicate")]
    # Without a key each call counts.
    for quantity in ("0.5", Decimal("0.4"), 0.1):
        client.track({"customerId": customer_id, "eventName": name, "quantity": quantity})
    meter = client.usage.get({"customerId": customer_id, "metricId": shop.calls["id"]})
    assert (meter["usage"], meter["limit"], meter["percentage"]) == ("4", 10, 40)
    day = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    history = client.usage.aggregate({"customerId": customer_id, "from": day, "to": day})
    assert history["data"] == [{"date": day, "eventName": name, "total": "4"}]


def test_check_gives_the_answer_and_the_reason(
    client: Any, shop: Any, customer_id: Any, new_customer: Any
) -> None:
    limited = {"customerId": customer_id, "featureSlug": shop.metered["slug"]}
    assert client.check({**limited, "requestedUsage": 6})["access"] is True
    denied = client.check({**limited, "requestedUsage": "10.000001"})
    assert (denied["access"], denied["deniedReason"]) == (False, "usage_exceeded")
    paid = {"customerId": customer_id, "featureSlug": shop.credit["slug"]}
    allowed = client.check({**paid, "requestedUsage": 25})
    assert (allowed["access"], allowed["creditBalance"]) == (True, 50)
    assert client.check({**paid, "requestedUsage": 26})["deniedReason"] == "credit_exhausted"
    nobody = client.check({**paid, "customerId": new_customer()})
    assert nobody["deniedReason"] == "no_entitlement"
    with pytest.raises(NotFoundError):
        client.check({"customerId": customer_id, "featureSlug": "none"})
    entitlements = client.customers.entitlements(customer_id)["data"]
    found = {(one["slug"], one["type"]) for one in entitlements}
    assert found == {(shop.metered["slug"], "metered"), (shop.credit["slug"], "credit")}


@pytest.mark.parametrize(
    ("quantity", "rounded"),
    [
        (0.1 + 0.2, 0.3),
        (1 / 3, 0.333333),
        (0.0000005, 0.000001),
        (0.0000004, 0),
        (-0.0000005, -0.000001),
        (2.5e-6, 0.000003),
        (1.0000005, 1.000001),
        (1e-30, 0),
        (12.0, 12),
        (999_999_999_999_999.5, 999_999_999_999_999.5),
        (1e21, 1e21),
    ],
)
def test_quantity_is_rounded_to_six_decimals(quantity: float, rounded: float) -> None:
    assert round_quantity(quantity) == rounded


def test_number_that_json_lacks_is_refused_before_sending(client: Any) -> None:
    for quantity in (math.nan, math.inf):
        with pytest.raises(ValueError, match="JSON"):
            client.track({"customerId": "cus_123", "eventName": "x", "quantity": quantity})
