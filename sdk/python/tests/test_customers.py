from __future__ import annotations

import uuid
from typing import Any

import pytest
from support.clients import Clients
from support.program import Server, unitpay
from support.proxy import Proxy

from unitpay import ConflictError, ValidationError


def test_customer_is_created_read_updated_and_listed(client: Any) -> None:
    external_id = f"user/7 ?#%é {uuid.uuid4()}"
    customer = client.customers.create(
        {
            "name": "Grace",
            "email": "grace@example.com",
            "externalId": external_id,
            "metadata": {"plan": "gold"},
        }
    )
    assert customer["id"].startswith("cus_")
    assert client.customers.get(customer["id"]) == customer
    assert client.customers.get(external_id) == customer
    changed = client.customers.update(external_id, {"name": "Grace H.", "externalId": None})
    assert changed["id"] == customer["id"]
    assert (changed["name"], changed["externalId"]) == ("Grace H.", None)
    assert changed in client.customers.list({"limit": 100}).page().data


def test_archived_customer_gets_no_session(client: Any, new_customer: Any) -> None:
    customer_id = new_customer()
    client.customers.archive(customer_id)
    with pytest.raises(ConflictError) as failed:
        client.portal_sessions.create({"customerId": customer_id})
    assert (failed.value.status, failed.value.code) == (409, "customer_archived")
    client.customers.unarchive(customer_id)
    session = client.portal_sessions.create({"customerId": customer_id})
    assert session["customerId"] == customer_id


@pytest.mark.parametrize("id", ["", ".", "..", None])
def test_id_that_a_url_cannot_hold_is_refused(id: Any, client: Any) -> None:
    for method in (client.customers.get, client.customers.archive):
        with pytest.raises(ValueError, match="not an id"):
            method(id)


def test_taken_external_id_is_a_conflict(new_customer: Any) -> None:
    external_id = f"taken-{uuid.uuid4()}"
    new_customer(externalId=external_id)
    with pytest.raises(ConflictError):
        new_customer(externalId=external_id)


@pytest.fixture(scope="module")
def live_key(server: Server) -> str:
    """A key of another environment, where no other test's customers stand in between."""
    return unitpay(server.data_dir, "keys", "create", "--env", "live")


@pytest.fixture(scope="module")
def live(clients: Clients, server: Server, live_key: str) -> Any:
    return clients(api_key=live_key, base_url=server.base_url)


@pytest.fixture(scope="module")
def five(live: Any) -> Any:
    """The five newest customers, newest first."""
    made = []
    for name in ("one", "two", "three", "four", "five"):
        made.insert(0, live.customers.create({"name": name, "email": f"{name}@example.com"}))
    return made


def test_cursors_lead_to_the_other_pages(live: Any, five: Any) -> None:
    first = live.customers.list({"limit": 2}).page()
    assert (first.data, first.has_more) == (five[:2], True)
    second = live.customers.list({"limit": 2, "cursor": first.next_cursor}).page()
    assert (second.data, second.has_more) == (five[2:4], True)
    third = live.customers.list({"limit": 2, "cursor": second.next_cursor}).page()
    assert third.data[0] == five[4]
    back = live.customers.list({"limit": 2, "cursor": third.prev_cursor}).page()
    assert back.data == second.data


def test_iteration_gives_every_row(live: Any, five: Any) -> None:
    rows = list(live.customers.list({"limit": 2}))
    assert rows[:5] == five
    assert len({row["id"] for row in rows}) == len(rows)


def test_to_list_loads_no_page_too_many(
    clients: Clients, live_key: str, five: Any, proxy: Proxy
) -> None:
    customers = clients(api_key=live_key, base_url=proxy.base_url).customers
    assert customers.list({"limit": 2}).to_list(max=2) == five[:2]
    assert len(proxy.seen) == 1
    assert customers.list({"limit": 2}).to_list(max=3) == five[:3]
    assert len(proxy.seen) == 3
    assert customers.list().to_list(max=0) == []
    assert len(proxy.seen) == 3


def test_list_is_asked_for_once_and_when_needed(
    clients: Clients, server: Server, proxy: Proxy
) -> None:
    unitpay = clients(api_key=server.api_key, base_url=proxy.base_url)
    pager = unitpay.customers.list({"limit": 1})
    assert proxy.seen == []
    first = pager.page()
    assert pager.page() is first
    assert pager.to_list(max=1) == first.data
    assert len(proxy.seen) == 1


def test_failing_list_says_so(client: Any) -> None:
    for ask in ("page", "to_list", "__iter__"):
        with pytest.raises(ValidationError) as failed:
            list(getattr(client.customers.list({"cursor": "no cursor"}), ask)())
        assert [one["param"] for one in failed.value.errors] == ["cursor"]
