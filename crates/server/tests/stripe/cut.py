"""Cuts the parts that the tests need out of Stripe's OpenAPI description and its fixtures.

    python3 cut.py SPEC3.json FIXTURES3.json > description.json

Kept are the parameters of the operations that the adapter and its judges call, and the first level of the objects that
come back. `ENDIVE` is what version 2026-10-28.endive changed and the description does not have yet.
"""

import json
import sys

OPERATIONS = [
    ("get", "/v1/account"),
    ("get", "/v1/customers"),
    ("post", "/v1/customers"),
    ("post", "/v1/customers/{customer}"),
    ("delete", "/v1/customers/{customer}"),
    ("get", "/v1/customers/{customer}/payment_methods"),
    ("get", "/v1/disputes/{dispute}"),
    ("get", "/v1/events"),
    ("get", "/v1/payment_intents"),
    ("post", "/v1/payment_intents"),
    ("post", "/v1/payment_intents/{intent}/cancel"),
    ("get", "/v1/payment_methods/{payment_method}"),
    ("post", "/v1/payment_methods/{payment_method}/attach"),
    ("post", "/v1/payment_methods/{payment_method}/detach"),
    ("get", "/v1/refunds"),
    ("post", "/v1/refunds"),
    ("post", "/v1/setup_intents"),
    ("get", "/v1/setup_intents/{intent}"),
    ("get", "/v1/subscriptions"),
    ("get", "/v1/subscriptions/{subscription_exposed_id}"),
    ("post", "/v1/subscriptions/{subscription_exposed_id}"),
    ("get", "/v1/webhook_endpoints"),
    ("post", "/v1/webhook_endpoints"),
]
OBJECTS = [
    "account",
    "customer",
    "dispute",
    "event",
    "payment_intent",
    "payment_method",
    "price",
    "refund",
    "setup_intent",
    "subscription",
    "subscription_item",
    "tax_id",
    "webhook_endpoint",
]
KEYWORDS = ["type", "enum", "nullable", "required", "additionalProperties", "maxLength"]
MOST = 1500
CARDS = {"type": "array", "items": {"type": "string"}}
ENDIVE = {"add": {"allowed_payment_method_types": CARDS}, "remove": ["payment_method_types"]}


def cut(schema, depth):
    """A schema without descriptions; a large or deep one is any value."""
    if depth == 0 or "$ref" in schema or len(json.dumps(schema)) > MOST and depth < 3:
        return {}
    kept = {name: schema[name] for name in KEYWORDS if name in schema}
    if "properties" in schema:
        kept["properties"] = {n: cut(s, depth - 1) for n, s in sorted(schema["properties"].items())}
    if "anyOf" in schema:
        kept["anyOf"] = [cut(s, depth - 1) for s in schema["anyOf"]]
    if "items" in schema:
        kept["items"] = cut(schema["items"], depth - 1)
    if isinstance(kept.get("additionalProperties"), dict):
        kept["additionalProperties"] = cut(kept["additionalProperties"], depth - 1)
    return kept


def request(operation, method, path):
    if method == "post":
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/x-www-form-urlencoded", {}).get("schema", {})
        kept = cut({"type": "object", "properties": {}, **schema}, 3)
        if path in ("/v1/payment_intents", "/v1/setup_intents"):
            kept["properties"].update(ENDIVE["add"])
            for name in ENDIVE["remove"]:
                kept["properties"].pop(name, None)
    else:
        given = [p for p in operation.get("parameters", []) if p["in"] == "query"]
        properties = {p["name"]: cut(p["schema"], 3) for p in given}
        needed = [p["name"] for p in given if p.get("required")]
        kept = {"type": "object", "properties": properties, "required": needed}
    return {**kept, "additionalProperties": False}


def main():
    spec, fixtures = (json.load(open(name)) for name in sys.argv[1:3])
    described = spec["paths"]
    objects = {
        name: cut({**spec["components"]["schemas"][name], "additionalProperties": False}, 3)
        for name in OBJECTS
    }
    examples = {
        # The examples are of another version: what the description does not have is left out.
        name: {m: v for m, v in fixtures["resources"][name].items() if m in objects[name]["properties"]}
        for name in OBJECTS
    }
    endpoints = described["/v1/webhook_endpoints"]["post"]["requestBody"]["content"]
    form = endpoints["application/x-www-form-urlencoded"]["schema"]["properties"]
    found = {
        "event_types": sorted(form["enabled_events"]["items"]["enum"]),
        "source": "https://github.com/stripe/openapi, MIT, see LICENSE",
        "version": spec["info"]["version"],
        "requests": {
            f"{method.upper()} {path}": request(described[path][method], method, path)
            for method, path in OPERATIONS
        },
        "objects": objects,
        "fixtures": examples,
    }
    json.dump(found, sys.stdout, indent=1, sort_keys=True)
    print()


main()
