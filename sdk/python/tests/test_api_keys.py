from __future__ import annotations

from typing import Any

import pytest
from support.clients import Clients
from support.program import Server, unitpay

from unitpay import AuthenticationError, PermissionDeniedError

# A key grants its sessions only scopes that it has itself.
TILL = ["portal_sessions:write", "customers:read"]


@pytest.fixture(scope="module")
def admin(clients: Clients, server: Server) -> Any:
    """A client with a key that may create keys; by default none may."""
    scopes = ",".join(["api_keys:read", "api_keys:write", "audit:read", *TILL])
    command = ("keys", "create", "--env", "sandbox", "--scopes", scopes)
    return clients(api_key=unitpay(server.data_dir, *command), base_url=server.base_url)


def till(admin: Any, clients: Clients, server: Server) -> Any:
    key = admin.api_keys.create({"name": "till", "scopes": TILL})
    return key, clients(api_key=key["secret"], base_url=server.base_url)


def test_revoked_key_can_end_its_sessions(
    admin: Any, clients: Clients, server: Server, client: Any, new_customer: Any
) -> None:
    key, own = till(admin, clients, server)
    session = own.portal_sessions.create({"customerId": new_customer()})
    assert session["scopes"] == ["customer:read"]
    listed = next(one for one in admin.api_keys.list() if one["id"] == key["id"])
    assert (listed["name"], listed["scopes"]) == ("till", TILL)
    assert key["secret"] not in str(listed)
    admin.api_keys.revoke(key["id"], {"revokeSessions": True})
    with pytest.raises(AuthenticationError) as refused:
        own.portal_sessions.list().page()
    assert refused.value.code == "invalid_api_key"
    assert client.portal_sessions.introspect(session["token"]) == {"active": False}


def test_sessions_outlive_their_key_by_default(
    admin: Any, clients: Clients, server: Server, client: Any, new_customer: Any
) -> None:
    key, own = till(admin, clients, server)
    token = own.portal_sessions.create({"customerId": new_customer()})["token"]
    assert admin.api_keys.revoke(key["id"])["revokedAt"] is not None
    assert client.portal_sessions.introspect(token)["active"] is True


def test_missing_scope_is_a_permission_error(client: Any) -> None:
    with pytest.raises(PermissionDeniedError) as failed:
        client.api_keys.create({"name": "till"})
    assert (failed.value.status, failed.value.code) == (403, "insufficient_scope")


def test_audit_events_are_listed_newest_first(admin: Any) -> None:
    key = admin.api_keys.create({"name": "audited", "scopes": ["audit:read"]})
    events = admin.audit_events.list({"limit": 100}).to_list(max=100)
    ids = [event["id"] for event in events]
    assert ids == sorted(ids, reverse=True)
    assert key["id"] in str(events)
