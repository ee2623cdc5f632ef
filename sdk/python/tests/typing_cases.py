"""Programs that mypy accepts or refuses. It also refuses an ignored error that does not occur."""

from __future__ import annotations

from typing import Optional

from unitpay import AsyncUnitPay, UnitPay
from unitpay.types import Customer, InvoiceSummary, SettleOutcome


def accepted(unitpay: UnitPay) -> Optional[str]:
    customer: Customer = unitpay.customers.update("cus_123", {"externalId": None})
    for invoice in unitpay.invoices.list({"customerId": customer["id"], "status": "paid"}):
        row: InvoiceSummary = invoice
        total: int = row["totalAmount"]
        print(total)
    outcome: SettleOutcome = unitpay.subscriptions.create({"customerId": "a", "planId": "b"})
    if outcome["kind"] == "charged_inline":
        return outcome["invoice"]["id"]
    if outcome["kind"] == "deferred":
        return outcome["effectiveAt"]
    unitpay.portal_sessions.create(
        {"customerId": "a", "flow": {"type": "cancel", "subscriptionId": "s"}}
    )
    unitpay.usage.aggregate({"from": "2027-01-01", "to": "2027-01-31"})
    return customer["externalId"]


def refused(unitpay: UnitPay) -> None:
    unitpay.portal_sessions.create({})  # type: ignore[typeddict-item]
    unitpay.portal_sessions.create({"customer_id": "a"})  # type: ignore[typeddict-item]
    unitpay.portal_sessions.revoke({})  # type: ignore[arg-type]
    unitpay.invoices.list({"status": "lost"})  # type: ignore[arg-type]
    unitpay.invoices.list()["data"]  # type: ignore[index]
    unitpay.customers.get(None)  # type: ignore[arg-type]
    unitpay.customers.get("a", idempotency_key="b")  # type: ignore[call-arg]
    outcome = unitpay.invoices.pay("inv_1")
    outcome["invoice"]  # type: ignore[typeddict-item]


async def asynchronous(unitpay: AsyncUnitPay) -> bytes:
    async for customer in unitpay.customers.list({"limit": 5}):
        print(customer["name"])
    page = await unitpay.plans.list().page()
    cursor: Optional[str] = page.next_cursor
    print(cursor)
    unitpay.customers.get("a")["name"]  # type: ignore[index]
    return await unitpay.invoices.pdf("inv_1")
