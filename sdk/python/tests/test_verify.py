"""The local check against the real server's keys: which are loaded, and how often."""

from __future__ import annotations

import asyncio
import base64
import re
import subprocess
import sys
import threading
from datetime import datetime
from typing import Any, Callable, Dict, Iterator, List

import pytest
from conftest import Clock
from support.clients import Clients
from support.program import ROOT, Server, unitpay
from support.proxy import HANG, RESET, Proxy

from unitpay import ApiConnectionError, ApiError, AsyncUnitPay, InvalidTokenError, UnitPay


@pytest.fixture(scope="module")
def mint(client: Any, new_customer: Any) -> Callable[[], str]:
    customer_id = new_customer()
    return lambda: client.portal_sessions.create({"customerId": customer_id})["token"]


@pytest.fixture
def sessions(clients: Clients, server: Server, proxy: Proxy) -> Iterator[Any]:
    """Sessions of a new client, which has loaded no keys."""
    made = clients.new(api_key=server.api_key, base_url=proxy.base_url)
    yield made.portal_sessions
    made.close()


def loads(proxy: Proxy) -> int:
    return sum(seen.path == "/.well-known/jwks.json" for seen in proxy.seen)


def with_unknown_key(token: str) -> str:
    """Returns a token of the same form that names a key which nobody has."""
    header = '{"alg":"EdDSA","typ":"portal+jwt","kid":"' + "A" * 43 + '"}'
    encoded = base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()
    return re.sub(r"^[^.]+", encoded, token)


def reason(sessions: Any, token: str, **options: str) -> str:
    with pytest.raises(InvalidTokenError) as refused:
        sessions.verify(token, **options)
    return refused.value.reason


def test_claims_are_those_of_the_session(client: Any, server: Server, new_customer: Any) -> None:
    customer_id = new_customer()
    session = client.portal_sessions.create({"customerId": customer_id, "ttlSeconds": 600})
    claims = client.portal_sessions.verify(session["token"])
    expected = {
        "iss": server.origin,
        "aud": "unitpay:portal",
        "sub": customer_id,
        "sid": session["jti"],
        "jti": session["jti"],
        "env": "sandbox",
        "scope": " ".join(session["scopes"]),
    }
    assert {name: claims[name] for name in expected} == expected
    ends = datetime.fromisoformat(session["expiresAt"].replace("Z", "+00:00"))
    assert claims["exp"] == ends.timestamp()
    assert claims["exp"] - claims["iat"] == 600


def test_issuer_must_be_the_expected_one(
    sessions: Any, server: Server, proxy: Proxy, mint: Any
) -> None:
    token = mint()
    # Behind the proxy, the server's address is not the issuer of its tokens.
    with pytest.raises(InvalidTokenError, match=re.escape(proxy.origin)) as refused:
        sessions.verify(token)
    assert refused.value.reason == "bad_claims"
    assert sessions.verify(token, issuer=server.origin)["iss"] == server.origin


def test_token_ends_at_its_exp(
    sessions: Any, server: Server, clock: Clock, proxy: Proxy, mint: Any
) -> None:
    token = mint()
    exp = sessions.verify(token, issuer=server.origin)["exp"]
    clock.time = exp - 0.001
    assert sessions.verify(token, issuer=server.origin)["exp"] == exp
    clock.time = exp
    assert reason(sessions, token, issuer=server.origin) == "expired"


def test_verify_does_not_see_a_revocation(client: Any, new_customer: Any) -> None:
    session = client.portal_sessions.create({"customerId": new_customer()})
    client.portal_sessions.revoke({"jti": session["jti"]})
    assert client.portal_sessions.verify(session["token"])["jti"] == session["jti"]
    assert client.portal_sessions.introspect(session["token"]) == {"active": False}


def test_keys_are_loaded_once_in_five_minutes(
    sessions: Any, server: Server, proxy: Proxy, clock: Clock, mint: Any
) -> None:
    token = mint()
    sessions.verify(token, issuer=server.origin)
    clock.time += 299.999
    sessions.verify(token, issuer=server.origin)
    assert loads(proxy) == 1
    assert "authorization" not in proxy.seen[0].headers
    clock.time += 0.001
    sessions.verify(token, issuer=server.origin)
    assert loads(proxy) == 2


def test_unknown_key_loads_every_30_seconds_at_most(
    sessions: Any, server: Server, proxy: Proxy, clock: Clock, mint: Any
) -> None:
    token = mint()
    sessions.verify(token, issuer=server.origin)
    for pause, expected in ((29.999, 1), (0.001, 2), (29.999, 2), (0.001, 3)):
        clock.time += pause
        for _ in range(3):
            unknown = with_unknown_key(token)
            assert reason(sessions, unknown, issuer=server.origin) == "unknown_key"
        assert loads(proxy) == expected


def test_malformed_token_loads_nothing(sessions: Any, proxy: Proxy) -> None:
    assert reason(sessions, "no token") == "malformed"
    assert loads(proxy) == 0


def test_token_of_a_rotated_key_is_good_at_once(
    sessions: Any, server: Server, proxy: Proxy, clock: Clock, mint: Any
) -> None:
    old = mint()
    sessions.verify(old, issuer=server.origin)
    # The next key is always published, so it takes two rotations to sign with an unknown one.
    unitpay(server.data_dir, "signing-keys", "rotate")
    unitpay(server.data_dir, "signing-keys", "rotate")
    clock.time += 30
    assert sessions.verify(mint(), issuer=server.origin)["sub"]
    assert loads(proxy) == 2
    assert sessions.verify(old, issuer=server.origin)["sub"]


def test_keys_that_do_not_load_are_tried_again(
    sessions: Any, server: Server, proxy: Proxy, clock: Clock, mint: Any
) -> None:
    token = mint()
    proxy.faults = [RESET, RESET, RESET]
    with pytest.raises(ApiConnectionError):
        sessions.verify(token, issuer=server.origin)
    assert sessions.verify(token, issuer=server.origin)["sub"]


def test_known_keys_stay_good_while_keys_do_not_load(
    sessions: Any, server: Server, proxy: Proxy, clock: Clock, mint: Any
) -> None:
    token = mint()
    sessions.verify(token, issuer=server.origin)
    clock.time += 30
    proxy.faults = [RESET, RESET, RESET]
    for _ in range(2):
        with pytest.raises(ApiConnectionError):
            sessions.verify(with_unknown_key(token), issuer=server.origin)
        assert sessions.verify(token, issuer=server.origin)["sub"]
    assert len(proxy.seen) == 4


def test_document_that_is_no_key_set_is_an_error(sessions: Any, proxy: Proxy, mint: Any) -> None:
    proxy.faults = [(200, {}, '{"keys":{}}')]
    with pytest.raises(ApiError, match="JWK set"):
        sessions.verify(mint())


def test_threads_share_one_load(server: Server, proxy: Proxy, mint: Any) -> None:
    token, found = mint(), []
    proxy.faults = [HANG]
    with UnitPay(**{**server.options(), "base_url": proxy.base_url}, timeout=2) as client:

        def verify() -> None:
            found.append(client.portal_sessions.verify(token, issuer=server.origin))

        threads = [threading.Thread(target=verify) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 5
    # The attempt that hung, and the one after it.
    assert loads(proxy) == 2


def test_tasks_share_one_load(
    server: Server, proxy: Proxy, loop: asyncio.AbstractEventLoop, mint: Any
) -> None:
    token = mint()

    async def run() -> List[Any]:
        options: Dict[str, Any] = {**server.options(), "base_url": proxy.base_url}
        async with AsyncUnitPay(**options) as client:
            sessions = client.portal_sessions
            # A task that is cancelled during the load leaves it to the others.
            proxy.faults = [HANG]
            first = asyncio.ensure_future(sessions.verify(token, issuer=server.origin))
            proxy.on_hang = lambda: loop.call_soon_threadsafe(first.cancel) and None
            others = [sessions.verify(token, issuer=server.origin) for _ in range(4)]
            return await asyncio.gather(first, *others, return_exceptions=True)

    cancelled, *found = loop.run_until_complete(run())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert [claims["iss"] for claims in found] == [server.origin] * 4
    assert loads(proxy) == 2


def test_verify_says_which_extra_it_needs(server: Server, mint: Any) -> None:
    program = (
        "import sys; sys.modules['cryptography.exceptions'] = None\n"
        "from unitpay import UnitPay\n"
        "UnitPay(sys.argv[1], base_url=sys.argv[2]).portal_sessions.verify(sys.argv[3])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, server.api_key, server.base_url, mint()],
        cwd=ROOT / "sdk/python/src",
        capture_output=True,
        text=True,
    )
    assert "unitpay[verify]" in done.stderr
