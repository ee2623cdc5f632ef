"""Something to sell: plans for money, with metered calls and answers that cost credits."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any


def make_shop(unitpay: Any) -> Any:
    slug = f"shop-{uuid.uuid4()}"
    product = unitpay.products.create({"slug": slug, "name": "Nimbus"})

    def metric(event_name: str) -> Any:
        return unitpay.billable_metrics.create(
            {
                "productId": product["id"],
                "eventName": event_name,
                "name": event_name,
                "aggregation": "sum",
            }
        )

    calls, answers = metric(f"call-{slug}"), metric(f"answer-{slug}")
    credits = unitpay.credit_currencies.create(
        {"slug": slug, "name": "AI credits", "denomination": "unit"}
    )
    feature = {"productId": product["id"], "name": "Feature"}
    metered = unitpay.features.create(
        {**feature, "slug": f"calls-{slug}"[:60], "type": "metered", "metricId": calls["id"]}
    )
    credit = unitpay.features.create(
        {
            **feature,
            "slug": f"answers-{slug}"[:60],
            "type": "credit",
            "metricId": answers["id"],
            "creditCurrencyId": credits["id"],
            "creditCost": "2",
        }
    )

    def plan(name: str, amount: int) -> Any:
        return unitpay.plans.create(
            {
                "productId": product["id"],
                "slug": f"{name}-{slug}"[:60],
                "name": name,
                "billingInterval": "month",
                "currency": "USD",
                "status": "active",
                "charges": [{"type": "recurring", "amount": amount}] if amount else [],
                "entitlements": [
                    {"featureId": metered["id"], "type": "metered", "limit": 10},
                    {"featureId": credit["id"], "type": "credit"},
                ],
                "grantRules": [
                    {
                        "creditCurrencyId": credits["id"],
                        "amount": 50,
                        "cadence": "period",
                        "rolloverCap": 0,
                    }
                ],
            }
        )

    return SimpleNamespace(
        product_id=product["id"],
        calls=calls,
        answers=answers,
        credits=credits,
        metered=metered,
        credit=credit,
        free=plan("free", 0),
        pro=plan("pro", 2900),
        scale=plan("scale", 9900),
    )
