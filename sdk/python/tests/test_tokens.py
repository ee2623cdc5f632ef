"""The tokens that the server's own verifier is held to: accepted and refused, with the reason."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Dict

import pytest
from support.program import ROOT

from unitpay import InvalidTokenError
from unitpay._tokens import check_token, import_keys, read_token

FILE = json.loads((ROOT / "testdata/tokens.json").read_text())
KEYS = import_keys(FILE["jwks"])
ACCEPTED = [one for one in FILE["tokens"] if one["accept"]]
REFUSED = [one for one in FILE["tokens"] if not one["accept"]]


def verify(token: Any) -> Any:
    kid, *parts = read_token(token)
    return check_token(KEYS.get(kid), *parts, FILE["issuer"], FILE["now"])


def test_there_are_tokens_of_both_kinds() -> None:
    assert ACCEPTED
    assert REFUSED


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case["name"])
def test_good_token_is_accepted(case: Dict[str, Any]) -> None:
    payload = case["token"].split(".")[1]
    assert verify(case["token"]) == json.loads(base64.urlsafe_b64decode(payload + "=="))


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_bad_token_is_refused_and_not_shown(case: Dict[str, Any]) -> None:
    with pytest.raises(InvalidTokenError) as refused:
        verify(case["token"])
    assert refused.value.reason == case["reason"]
    shown = str(refused.value)
    assert [part for part in case["token"].split(".") if len(part) > 20 and part in shown] == []


@pytest.mark.parametrize("token", [None, 1, {}, [], b"a.b.c", "", "é.é.é"])
def test_other_values_are_malformed(token: Any) -> None:
    with pytest.raises(InvalidTokenError) as refused:
        verify(token)
    assert refused.value.reason == "malformed"


def test_changed_byte_is_refused() -> None:
    token = ACCEPTED[0]["token"]
    for match in re.finditer(r"[A-Za-z0-9_-]", token):
        at = match.start()
        other = "A" if token[at] != "A" else "B"
        with pytest.raises(InvalidTokenError):
            verify(token[:at] + other + token[at + 1 :])


def test_other_keys_of_the_set_are_ignored() -> None:
    key = FILE["jwks"]["keys"][0]
    others = [
        {"kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB"},
        {**key, "crv": "X25519", "kid": "x25519"},
        {**key, "x": "AQAB", "kid": "short"},
        {**key, "x": 7, "kid": "number"},
        {**key, "kid": 1},
        None,
    ]
    found = import_keys({"keys": [*others, *FILE["jwks"]["keys"]]})
    assert list(found) == [key["kid"] for key in FILE["jwks"]["keys"]]
