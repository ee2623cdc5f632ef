from __future__ import annotations

import math
from typing import Any

import pytest

from unitpay import AsyncUnitPay, UnitPay
from unitpay._config import read_config

KEY = "upay_sk_0123456789abcdef"
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjdXNfMTIzIn0.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNITPAY_API_KEY", raising=False)
    monkeypatch.delenv("UNITPAY_BASE_URL", raising=False)


def config(api_key: Any = KEY, base_url: Any = None) -> Any:
    return read_config(api_key, base_url, 30, 2, "")


def test_key_comes_from_the_options_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config().api_key.reveal() == KEY
    monkeypatch.setenv("UNITPAY_API_KEY", "upay_sk_environment")
    assert config(None).api_key.reveal() == "upay_sk_environment"
    assert config().api_key.reveal() == KEY


def test_missing_key_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    for make in (UnitPay, AsyncUnitPay):
        with pytest.raises(ValueError, match="api_key.*UNITPAY_API_KEY"):
            make()
        with pytest.raises(ValueError, match="no API key"):
            make("")
    monkeypatch.setenv("UNITPAY_API_KEY", "")
    with pytest.raises(ValueError, match="no API key"):
        UnitPay()


@pytest.mark.parametrize(
    ("api_key", "reason"),
    [
        ("upay_pk_0123456789abcdef", "publishable"),
        (TOKEN, "JWT"),
        (f"{KEY}\n", "white space"),
        (f"{KEY}é", "characters"),
    ],
)
def test_wrong_key_is_refused_and_not_shown(api_key: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        UnitPay(api_key)
    assert api_key[8:20] not in str(refused.value)


def test_base_url_has_three_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config().base_url == "http://127.0.0.1:4000/v1"
    monkeypatch.setenv("UNITPAY_BASE_URL", "")
    assert config().base_url == "http://127.0.0.1:4000/v1"
    monkeypatch.setenv("UNITPAY_BASE_URL", "https://pay.example.com/v1/")
    assert config().base_url == "https://pay.example.com/v1"
    other = "https://other.example.com/v1"
    assert config(base_url=other).base_url == other


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        ("https://pay.example.com/v1", "https://pay.example.com"),
        ("HTTPS://PAY.example.com:443/v1/", "https://pay.example.com"),
        ("http://[::1]:4000/v1", "http://[::1]:4000"),
        ("http://gateway.internal/unitpay/v1", "http://gateway.internal/unitpay"),
        ("http://gateway.internal/unitpay", "http://gateway.internal/unitpay"),
    ],
)
def test_origin_is_the_base_url_without_v1(base_url: str, origin: str) -> None:
    assert config(base_url=base_url).origin == origin


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "pay.example.com/v1"},
        {"base_url": ""},
        {"base_url": "file:///v1"},
        {"base_url": "https:///v1"},
        {"base_url": "https://pay.example.com:port/v1"},
        {"base_url": "https://user:secret@pay.example.com/v1"},
        {"base_url": "https://pay.example.com/v1?key=secret"},
        {"base_url": "https://pay.example.com/v1#secret"},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": math.nan},
        {"timeout": math.inf},
        {"timeout": 2**31},
        {"retries": -1},
        {"retries": 1.5},
        {"idempotency_key_prefix": "with space"},
        {"idempotency_key_prefix": "x" * 201},
    ],
    ids=str,
)
def test_options_that_cannot_work_are_refused(options: Any) -> None:
    with pytest.raises(ValueError, match=".") as refused:
        UnitPay(KEY, **options)
    assert "secret" not in str(refused.value)


def test_portal_token_is_no_option() -> None:
    with pytest.raises(TypeError):
        UnitPay(portal_token=TOKEN)  # type: ignore[call-arg]
