from __future__ import annotations

import re
import uuid
from typing import Any, Callable

import httpx
import pytest
from support.clients import Clients
from support.program import Server

from unitpay import AuthenticationError, NotFoundError, ValidationError


@pytest.fixture
def current(server: Server) -> Callable[[str], int]:
    def current(token: str) -> int:
        """Reads the session and the customer with a token, as a browser does."""
        url = f"{server.base_url}/portal-sessions/current"
        return httpx.get(url, headers={"authorization": f"Bearer {token}"}).status_code

    return current


def test_minted_token_works_until_its_jti_is_revoked(
    client: Any, new_customer: Any, current: Any
) -> None:
    customer_id = new_customer()
    session = client.portal_sessions.create({"customerId": customer_id, "ttlSeconds": 3600})
    assert session["customerId"] == customer_id
    assert session["token"].count(".") == 2
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", session["expiresAt"])
    assert session["absoluteExpiresAt"] > session["expiresAt"]
    assert current(session["token"]) == 200
    assert client.portal_sessions.revoke({"jti": session["jti"]}) is None
    assert current(session["token"]) == 401


def test_revoking_by_customer_ends_only_its_sessions(
    client: Any, new_customer: Any, current: Any
) -> None:
    external_id = f"revoke-all-{uuid.uuid4()}"
    new_customer(externalId=external_id)
    other = new_customer()
    ids = (external_id, external_id, other)
    tokens = [client.portal_sessions.create({"customerId": id})["token"] for id in ids]
    client.portal_sessions.revoke({"customerId": external_id})
    assert [current(token) for token in tokens] == [401, 401, 200]


def test_session_keeps_its_options(client: Any, new_customer: Any) -> None:
    customer_id = new_customer()
    wanted = {
        "scopes": ["customer:read", "invoices:read"],
        "allowedOrigins": ["https://app.example.com"],
        "metadata": {"device": "phone"},
    }
    minted = client.portal_sessions.create(
        {"customerId": customer_id, "ttlSeconds": 60, "maxLifetimeSeconds": 120, **wanted}
    )
    session = client.portal_sessions.get(minted["jti"])
    expected = {
        **wanted,
        "id": minted["jti"],
        "customerId": customer_id,
        "status": "active",
        "expiresAt": minted["expiresAt"],
        "absoluteExpiresAt": minted["absoluteExpiresAt"],
        "refreshCount": 0,
        "revokedAt": None,
        "revokedReason": None,
    }
    assert {name: session[name] for name in expected} == expected
    read_only = client.portal_sessions.create({"customerId": customer_id, "readOnly": True})
    assert all(scope.endswith(":read") for scope in read_only["scopes"])


def test_sessions_are_listed_by_customer_and_status(client: Any, new_customer: Any) -> None:
    customer_id = new_customer()
    sessions = client.portal_sessions
    minted = [sessions.create({"customerId": customer_id})["jti"] for _ in range(3)]
    sessions.revoke({"jti": minted[0]})
    listed = sessions.list({"customerId": customer_id, "limit": 1}).to_list()
    assert [session["id"] for session in listed] == minted[::-1]
    page = sessions.list({"customerId": customer_id, "status": "revoked"}).page()
    assert (page.has_more, page.next_cursor) == (False, None)
    assert [session["id"] for session in page.data] == minted[:1]
    assert page.data[0]["revokedAt"] is not None


def test_introspection_sees_a_revocation_at_once(client: Any, new_customer: Any) -> None:
    customer_id = new_customer()
    session = client.portal_sessions.create({"customerId": customer_id})
    active = client.portal_sessions.introspect(session["token"])
    assert (active["active"], active["sub"], active["jti"]) == (True, customer_id, session["jti"])
    client.portal_sessions.revoke({"jti": session["jti"]})
    for token in (session["token"], "no token at all"):
        assert client.portal_sessions.introspect(token) == {"active": False}


def test_unknown_customer_differs_from_a_wrong_parameter(client: Any, new_customer: Any) -> None:
    with pytest.raises(NotFoundError) as unknown:
        client.portal_sessions.create({"customerId": "nobody"})
    assert (unknown.value.status, unknown.value.code) == (404, "customer_not_found")
    with pytest.raises(ValidationError) as wrong:
        client.portal_sessions.create({"customerId": new_customer(), "ttlSeconds": 59})
    error = wrong.value
    assert (error.status, error.code) == (422, "validation_failed")
    assert [one["param"] for one in error.errors] == ["ttlSeconds"]
    assert error.request_id is not None
    assert error.request_id.startswith("req_")
    assert error.headers["x-request-id"] == error.request_id


def test_revoking_takes_exactly_one_of_two(client: Any) -> None:
    for body in ({"jti": "ps_01kwgt3qt8f689ez1ekre217xw", "customerId": "cus_123"}, {}):
        with pytest.raises(ValidationError):
            client.portal_sessions.revoke(body)


def test_wrong_key_is_an_authentication_error(clients: Clients, server: Server) -> None:
    stranger = clients(api_key="upay_sk_wrong", base_url=server.base_url)
    with pytest.raises(AuthenticationError) as failed:
        stranger.portal_sessions.list().page()
    assert (failed.value.status, failed.value.code) == (401, "invalid_api_key")
