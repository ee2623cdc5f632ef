"""The generated types and resources: current, complete, and true of the real server's answers."""

from __future__ import annotations

import inspect
import json
import runpy
from pathlib import Path
from typing import Any, Set, get_type_hints

import pytest
from support.program import ROOT

from unitpay import AsyncUnitPay, UnitPay, types

PACKAGE = Path(__file__).resolve().parents[1]
GENERATOR = runpy.run_path(str(PACKAGE / "scripts/generate.py"))
DOCUMENT = (ROOT / "openapi.json").read_text()


def members(schema: str) -> Set[str]:
    return set(get_type_hints(getattr(types, schema)))


def methods(client: Any) -> Set[str]:
    """Returns the names of all methods, as `customers.list`."""
    found = set()
    for name, value in inspect.getmembers(client):
        if name.startswith("_"):
            continue
        if callable(value):
            found.add(name)
        else:
            found |= {f"{name}.{one}" for one in methods(value)}
    return found


def test_generated_files_are_current() -> None:
    for name, text in GENERATOR["generate"](json.loads(DOCUMENT)).items():
        current = (PACKAGE / "src/unitpay" / name).read_text()
        assert current == text, f"run sdk/python/scripts/generate.py: {name} is stale"


def test_every_operation_for_secret_keys_has_a_method() -> None:
    document = json.loads(DOCUMENT)
    expected = set()
    read = GENERATOR["Types"](document["components"]["schemas"])
    for operation in GENERATOR["operations"](document, read):
        resource, name = operation.resource_and_name
        expected.add(f"{resource}.{name}" if resource else name)
    accepting = [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if any("secretKey" in scheme for scheme in operation.get("security", ()))
    ]
    assert len(expected) == len(accepting) - len(GENERATOR["OMITTED"])
    by_hand = {"close", "track", "portal_sessions.verify"}
    assert methods(UnitPay("upay_sk_x")) == expected | by_hand


def test_both_clients_have_the_same_methods() -> None:
    sync, other = UnitPay("upay_sk_x"), AsyncUnitPay("upay_sk_x")
    assert methods(sync) == methods(other)
    for name in methods(sync):
        one, two = sync, other
        for part in name.split("."):
            one, two = getattr(one, part), getattr(two, part)
        parameters = inspect.signature(one).parameters
        assert inspect.signature(two).parameters.keys() == parameters.keys(), name


def test_types_exist_when_the_program_runs() -> None:
    assert "SettleOutcomeChargedInline" in types.__all__
    for name in types.__all__:
        assert hasattr(types, name)
        if inspect.isclass(getattr(types, name)):
            assert get_type_hints(getattr(types, name)) is not None


@pytest.mark.parametrize(
    ("schema", "resource"),
    [
        ("Customer", "customers"),
        ("PortalSession", "portal_sessions"),
        ("ApiKey", "api_keys"),
        ("Plan", "plans"),
    ],
)
def test_answer_has_every_member_of_its_type(
    schema: str, resource: str, client: Any, shop: Any, new_customer: Any
) -> None:
    client.portal_sessions.create({"customerId": new_customer()})
    [row] = getattr(client, resource).list({"limit": 1}).page().data
    assert set(getattr(types, schema).__required_keys__) <= set(row) <= members(schema)
