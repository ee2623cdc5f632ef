#!/usr/bin/env python3
"""Generates `unitpay/types.py` and `unitpay/_resources.py` from openapi.json.

Needs nothing but Python. The build of the package runs it; docs/decisions/0043 says why.

The name of a method follows from its path: `POST /v1/plans` is `plans.create`, and
`GET /v1/customers/{id}/invoices` is `customers.list_invoices`. NAMES holds the exceptions.
"""

from __future__ import annotations

import itertools
import json
import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

PACKAGE = Path(__file__).resolve().parent.parent
DOCUMENT = PACKAGE.parent.parent / "openapi.json"
TARGET = PACKAGE / "src" / "unitpay"
HEADER = '"""{}\n\nGenerated from openapi.json by scripts/generate.py; do not edit.\n"""\n'

# The resource and the method of an operation whose path gives no good name. The resource
# "" is the client itself.
NAMES = {
    "addPaymentMethod": ("payment_methods", "add"),
    "advanceTestClock": ("test_clock", "advance"),
    "checkEntitlement": ("", "check"),
    "confirmSandboxForm": ("sandbox", "confirm_form"),
    "deleteSubscriptionDiscount": ("subscriptions", "remove_discount"),
    "freezeCreditAccount": ("credits", "freeze"),
    "getBillingSettings": ("subscriptions", "get_settings"),
    "getBranding": ("", "get_branding"),
    "getEmailSettings": ("emails", "get_settings"),
    "getLoginSettings": ("portal_sessions", "get_login_settings"),
    "getPricing": ("", "pricing"),
    "getTestClock": ("test_clock", "get"),
    "getUsage": ("usage", "get"),
    "grantCredits": ("credits", "grant"),
    "listCreditAccounts": ("credits", "list_accounts"),
    "listLedgerEntries": ("credits", "ledger"),
    "listTopUps": ("credits", "list_top_ups"),
    "putBillingSettings": ("subscriptions", "put_settings"),
    "putBranding": ("", "put_branding"),
    "putEmailSettings": ("emails", "put_settings"),
    "putLoginSettings": ("portal_sessions", "put_login_settings"),
    "putSubscriptionDiscount": ("subscriptions", "put_discount"),
    "recordInvoicePayment": ("invoices", "record_payment"),
    "refundCredits": ("credits", "refund"),
    "removePaymentMethod": ("payment_methods", "remove"),
    "resendWebhookDelivery": ("webhook_endpoints", "resend"),
    "setAutoTopUp": ("credits", "set_auto_top_up"),
    "setDefaultPaymentMethod": ("payment_methods", "set_default"),
    "setUpPaymentMethod": ("payment_methods", "setup"),
    "topUpCredits": ("credits", "top_up"),
    "unfreezeCreditAccount": ("credits", "unfreeze"),
}

# Operations that a client with a secret key has no use for.
OMITTED = {
    "checkCustomerEntitlement",  # `check` does the same.
}

# The parameter that stands for the body, and the body made of it.
BODIES = {
    "advanceTestClock": ("to: str", '{"to": to}'),
    "introspectPortalToken": ("token: str", '{"token": token}'),
    "trackUsage": ("events: Union[t.UsageEvent, Sequence[t.UsageEvent]]", "track_body(events)"),
}

# The hand-written bases of resources.
BASES = {"portal_sessions": "TokenChecks"}

# Rows of lists, and results, that differ from the schema that the document names.
ROWS = {"Invoice": "InvoiceSummary"}
RESULTS = {"createApiKey": "CreatedApiKey"}

Schema = dict[str, Any]


def adapt(schemas: dict[str, Schema]) -> None:
    """Makes the schemas say what a secret key is sent; the document also covers portal tokens."""
    schemas["Customer"]["required"].append("metadata")
    invoice = schemas["Invoice"]
    schemas["InvoiceSummary"] = {
        **invoice,
        "description": "An invoice of a list: without `items` and `payments`.",
        "properties": {
            name: schema
            for name, schema in invoice["properties"].items()
            if name not in ("items", "payments")
        },
    }
    invoice["required"] = sorted({*invoice["required"], "items", "payments"})
    for name in ("items", "payments"):
        # `null` only in lists, which leave them out.
        invoice["properties"][name] = {**invoice["properties"][name], "type": "array"}
    key = schemas["ApiKey"]
    schemas["CreatedApiKey"] = {
        **key,
        "description": "A new key. A repeated answer has no `secret`, the key itself.",
    }
    properties = {name: schema for name, schema in key["properties"].items() if name != "secret"}
    schemas["ApiKey"] = {**key, "properties": properties}
    event = schemas["UsageEvent"]
    event["required"].remove("idempotencyKey")
    event["properties"]["quantity"]["x-python"] = "Union[str, float, Decimal]"
    revoke = schemas["RevokePortalSessionRequest"]
    schemas["RevokePortalSessionRequest"] = {
        "oneOf": [
            {
                "type": "object",
                "required": [name],
                "title": "RevokePortalSessionBy" + pascal(name),
                "properties": {name: revoke["properties"][name]},
            }
            for name in ("jti", "customerId")
        ]
    }


def pascal(text: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", text))


def snake(text: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = re.sub(r"[^A-Za-z0-9]+", "_", words).lower()
    return name + "_" if keyword.iskeyword(name) else name


def docstring(text: Optional[str], indent: str) -> list[str]:
    if not text:
        return []
    lines = [line.rstrip() for line in text.replace("\\", "\\\\").strip().split("\n")]
    if len(lines) == 1:
        return [f'{indent}"""{lines[0]}"""']
    body = [f"{indent}{line}" if line else "" for line in lines[1:]]
    return [f'{indent}"""{lines[0]}', *body, f'{indent}"""']


class Types:
    """Writes schemas as Python types. Every type has a name, so that it can be imported."""

    def __init__(self, schemas: dict[str, Schema]) -> None:
        self.schemas = schemas
        self.classes: list[str] = []
        self.aliases: list[str] = []
        self.names: list[str] = []

    def write(self) -> None:
        for name, schema in self.schemas.items():
            if not name.startswith("ListResponse_"):
                self.define(name, schema)

    def define(self, name: str, schema: Schema) -> None:
        """Writes one schema under a name."""
        if name in self.names:
            sys.exit(f"openapi.json has two types named {name}")
        self.names.append(name)
        if "allOf" in schema:
            schema = self.merged(schema)
        if schema.get("type") == "object" and "properties" in schema:
            self.classes.append(self.typed_dict(name, schema))
            return
        alias = f"{name} = {self.expression(name, schema)}"
        self.aliases.append("\n".join([alias, *docstring(schema.get("description"), "")]))

    def typed_dict(self, name: str, schema: Schema) -> str:
        properties: dict[str, Schema] = schema["properties"]
        required = [key for key in properties if key in schema.get("required", ())]
        optional = [key for key in properties if key not in required]
        fields = {key: self.expression(name + pascal(key), s) for key, s in properties.items()}
        if any(keyword.iskeyword(key) for key in properties):
            return self.functional(name, fields, required)
        doc = docstring(schema.get("description"), "    ")
        if not required or not optional:
            total = "" if not optional else ", total=False"
            lines = [f"class {name}(TypedDict{total}):", *doc]
            return "\n".join([*lines, *self.fields(properties, fields)])
        # `NotRequired` needs Python 3.11, so that the required members stand in a base.
        base = f"_{name}Required"
        first = [f"class {base}(TypedDict):", *self.fields(required, fields, properties)]
        second = [f"class {name}({base}, total=False):", *doc]
        second += self.fields(optional, fields, properties)
        return "\n".join([*first, "", "", *second])

    def fields(
        self, keys: Any, fields: dict[str, str], properties: Optional[dict[str, Schema]] = None
    ) -> list[str]:
        lines: list[str] = []
        for key in keys:
            lines.append(f"    {key}: {fields[key]}")
            lines += docstring((properties or keys)[key].get("description"), "    ")
        return lines or ["    pass"]

    def functional(self, name: str, fields: dict[str, str], required: list[str]) -> str:
        """Writes a type with a member that is a keyword of Python, such as `from`."""

        def call(name: str, keys: list[str], total: str) -> str:
            members = ", ".join(f'"{key}": {quoted(fields[key])}' for key in keys)
            return f'{name} = TypedDict("{name}", {{{members}}}{total})'

        optional = [key for key in fields if key not in required]
        if not optional:
            return call(name, required, "")
        base = f"_{name}Required"
        if any(keyword.iskeyword(key) for key in optional):
            sys.exit(f"{name} has an optional member that is a keyword; teach the generator")
        rest = "\n".join(f"    {key}: {fields[key]}" for key in optional)
        head = f"class {name}({base}, total=False):\n"
        return f"{call(base, required, '')}\n\n\n{head}{rest}"

    def merged(self, schema: Schema) -> Schema:
        """Merges `allOf` into one object, or into one object for each variant of a part."""
        parts = [self.variants(part) for part in schema["allOf"]]
        merged = []
        for choice in itertools.product(*parts):
            properties: Schema = {}
            required: set[str] = set()
            for part in choice:
                properties.update(part["properties"])
                required |= set(part.get("required", ()))
            merged.append({"type": "object", "properties": properties, "required": required})
        about = {"description": schema.get("description")}
        return {**merged[0], **about} if len(merged) == 1 else {"oneOf": merged, **about}

    def variants(self, schema: Schema) -> list[Schema]:
        if "$ref" in schema:
            return self.variants(self.schemas[name_of(schema)])
        if "allOf" in schema:
            return self.variants(self.merged(schema))
        if "oneOf" not in schema:
            return [schema]
        kinds = [part for part in schema["oneOf"] if part != {"type": "null"}]
        found = [variant for part in kinds for variant in self.variants(part)]
        if len(kinds) < len(schema["oneOf"]):
            # A flattened `null` has no members.
            found = [{**variant, "required": ()} for variant in found]
        return found

    def expression(self, name: str, schema: Schema) -> str:
        """Returns a type expression; defines the objects in it under `name`."""
        if "x-python" in schema:
            return str(schema["x-python"])
        if "$ref" in schema:
            return name_of(schema)
        if "oneOf" in schema:
            return self.union(name, schema["oneOf"])
        if "enum" in schema:
            return f"Literal[{', '.join(repr(value) for value in schema['enum'])}]"
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        found = [self.simple(name, kind, schema) for kind in kinds if kind != "null"]
        one = found[0] if len(found) == 1 else f"Union[{', '.join(found)}]" if found else "Any"
        return f"Optional[{one}]" if "null" in kinds else one

    def union(self, name: str, parts: list[Schema]) -> str:
        found: list[str] = []
        for part in parts:
            if part.get("type") == "object" and "properties" in part:
                variant = part.get("title") or name + pascal(tag_of(part))
                self.define(variant, part)
                found.append(variant)
            elif part != {"type": "null"}:
                found.append(self.expression(name, part))
        members = ", ".join(quoted(one) for one in found)
        one = members if len(found) == 1 else f"Union[{members}]"
        return f"Optional[{one}]" if {"type": "null"} in parts else one

    def simple(self, name: str, kind: str, schema: Schema) -> str:
        if kind == "array":
            return f"List[{self.expression(name, schema['items'])}]"
        if kind != "object":
            return {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}[kind]
        if "properties" in schema:
            self.define(name, {**schema, "type": "object"})
            return name
        values = schema.get("additionalProperties")
        return f"Dict[str, {self.expression(name, values) if values else 'Any'}]"

    def text(self) -> str:
        imports = (
            "from __future__ import annotations\n\n"
            "from decimal import Decimal\n"
            "from typing import Any, Dict, List, Literal, Optional, TypedDict, Union\n"
        )
        listed = "".join(f'    "{name}",\n' for name in sorted(self.names))
        blocks = [
            HEADER.format(
                "The requests and responses of the API, with the names that they have in JSON.\n\n"
                "Times are RFC 3339 texts; money is in minor units."
            )
            + imports,
            f"__all__ = [\n{listed}]",
            *self.classes,
            "\n\n".join(self.aliases),
        ]
        return "\n\n\n".join(blocks) + "\n"


def quoted(expression: str) -> str:
    """Returns the expression as a forward reference: an alias may stand before its types."""
    return f'"{expression}"'


def name_of(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def tag_of(variant: Schema) -> str:
    """Returns the constant by which one variant of a union is told from the others."""
    for schema in variant["properties"].values():
        if len(schema.get("enum", ())) == 1:
            return str(schema["enum"][0])
    return "_".join(sorted(variant["properties"]))


@dataclass
class Operation:
    """A method of a resource."""

    id: str
    method: str
    path: list[str]
    doc: str
    query: Optional[str]
    needs_query: bool
    body: Optional[str]
    needs_body: bool
    result: str
    kind: str

    @property
    def resource_and_name(self) -> tuple[str, str]:
        if self.id in NAMES:
            return NAMES[self.id]
        resource, *rest = self.path
        words = [part for part in rest if not part.startswith("{")]
        own = {"GET": "list" if not rest else "get", "POST": "create", "PATCH": "update"}
        others = {"PUT": "put", "DELETE": "delete"}
        name = "_".join(words) if words else {**own, **others}[self.method]
        if words and self.kind == "list":
            name = f"list_{name}"
        return snake(resource), snake(name)


def operations(document: Schema, types: Types) -> list[Operation]:
    """Returns the operations that accept a secret key."""
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            accepts = any("secretKey" in scheme for scheme in operation.get("security", ()))
            if accepts and operation["operationId"] not in OMITTED:
                found.append(read_operation(path, method.upper(), operation, types))
    return found


def read_operation(path: str, method: str, operation: Schema, types: Types) -> Operation:
    id = operation["operationId"]
    parameters = [p for p in operation.get("parameters", ()) if p["in"] == "query"]
    query = None
    if parameters:
        query = pascal(id) + "Query"
        types.define(
            query,
            {
                "type": "object",
                "properties": {
                    p["name"]: {**p["schema"], "description": p.get("description")}
                    for p in parameters
                },
                "required": [p["name"] for p in parameters if p.get("required")],
            },
        )
    body, needs_body = read_body(operation)
    result, kind = read_result(operation)
    text = [operation.get("summary"), operation.get("description")]
    return Operation(
        id=id,
        method=method,
        path=path.removeprefix("/v1").strip("/").split("/"),
        doc="\n\n".join(part for part in text if part),
        query=query,
        needs_query=any(p.get("required") for p in parameters),
        body=body,
        needs_body=needs_body,
        result=RESULTS.get(id, result),
        kind=kind,
    )


def read_body(operation: Schema) -> tuple[Optional[str], bool]:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if schema is None:
        return None, False
    schema = schema["schema"]
    if "$ref" in schema:
        return name_of(schema), True
    # A body that may be absent.
    return name_of(next(part for part in schema["oneOf"] if "$ref" in part)), False


def read_result(operation: Schema) -> tuple[str, str]:
    status = min(status for status in operation["responses"] if status.startswith("2"))
    content = operation["responses"][status].get("content", {})
    if not content:
        return "None", "none"
    if "application/json" not in content:
        return "bytes", "bytes"
    name = name_of(content["application/json"]["schema"])
    if name.startswith("ListResponse_"):
        row = name.removeprefix("ListResponse_")
        return ROWS.get(row, row), "list"
    return name, "json"


def method_text(operation: Operation, is_async: bool) -> str:
    """Writes one method; the two kinds of clients differ in two words."""
    _, name = operation.resource_and_name
    parameters = []
    parts = []
    for part in operation.path:
        if part.startswith("{"):
            argument = snake(part.strip("{}"))
            argument = "id" if argument == "sid" else argument
            parameters.append(f"{argument}: str")
            parts.append(argument)
        else:
            parts.append(f'"{part}"')
    arguments = [f'"{operation.method}"', f"({', '.join(parts)},)"]
    if operation.query:
        kind = f"t.{operation.query}"
        parameters.append(
            f"query: {kind}" if operation.needs_query else f"query: Optional[{kind}] = None"
        )
        arguments.append("query=query")
    if operation.id in BODIES:
        parameter, body = BODIES[operation.id]
        parameters.append(parameter)
        arguments.append(f"body={body}")
    elif operation.body:
        kind = f"t.{operation.body}"
        parameters.append(
            f"body: {kind}" if operation.needs_body else f"body: Optional[{kind}] = None"
        )
        arguments.append(
            "body=body" if operation.needs_body else "body={} if body is None else body"
        )
    options = ["timeout: Optional[float] = None", "retries: Optional[int] = None"]
    values = ["timeout", "retries"]
    if operation.method in ("POST", "DELETE"):
        options.append("idempotency_key: Optional[str] = None")
        values.append("idempotency_key")
    result = operation.result if operation.kind in ("none", "bytes") else f"t.{operation.result}"
    call = f"call: Call[{result}] = Call({', '.join(arguments)})"
    send = {"list": "list", "bytes": "download"}.get(operation.kind, "send")
    returned = f"self._client.{send}(call, Options({', '.join(values)}))"
    if operation.kind == "list":
        result = f"{'AsyncPager' if is_async else 'Pager'}[{result}]"
    waits = is_async and operation.kind != "list"
    signature = ", ".join(["self", *parameters, "*", *options])
    lines = [
        f"    {'async ' if waits else ''}def {name}({signature}) -> {result}:",
        *docstring(operation.doc, "        "),
        f"        {call}",
        f"        return {'await ' if waits else ''}{returned}",
    ]
    return "\n".join(lines)


def resources_text(found: list[Operation]) -> str:
    by_resource: dict[str, dict[str, Operation]] = {}
    for operation in found:
        resource, name = operation.resource_and_name
        methods = by_resource.setdefault(resource, {})
        if name in methods:
            ids = f"{methods[name].id} and {operation.id}"
            sys.exit(f"{ids} are both {resource}.{name}: give one a name in {__file__}")
        methods[name] = operation
    own = by_resource.pop("", {})
    blocks = [
        HEADER.format("The resources of a client: one method for each operation of the API.")
        + "from __future__ import annotations\n\n"
        + "from typing import Optional, Sequence, Union\n\n"
        + "from . import types as t\n"
        + "from ._calls import Call, Options\n"
        + "from ._pages import AsyncPager, Pager\n"
        + "from ._clients import AsyncCalls, AsyncResource, Calls, Resource\n"
        + "from ._tokens import AsyncTokenChecks, TokenChecks\n"
        + "from ._usage import track_body"
    ]
    for prefix in ("", "Async"):
        is_async = prefix == "Async"
        for resource, methods in sorted(by_resource.items()):
            base = prefix + BASES.get(resource, "Resource")
            head = f"class {prefix}{pascal(resource)}({base}):"
            about = [f'    """`unitpay.{resource}`."""']
            texts = [method_text(operation, is_async) for operation in methods.values()]
            blocks.append("\n".join([head, *about, "", "\n\n".join(texts)]))
        start = [
            f"class {prefix}Resources({prefix}Resource):",
            '    """The resources, and the methods of the client itself."""',
            "",
            f"    def __init__(self, client: {prefix}Calls) -> None:",
            "        super().__init__(client)",
        ]
        fields = [
            f"        self.{resource} = {prefix}{pascal(resource)}(client)"
            for resource in sorted(by_resource)
        ]
        texts = [method_text(operation, is_async) for operation in own.values()]
        blocks.append("\n".join([*start, *fields, "", "\n\n".join(texts)]))
    return "\n\n\n".join(blocks) + "\n"


def generate(document: Schema) -> dict[str, str]:
    """Returns the text of each generated file."""
    schemas: dict[str, Schema] = document["components"]["schemas"]
    codes = schemas["Problem"]["properties"]["code"]["enum"]
    scopes = schemas["CreatePortalSessionResponse"]["properties"]["scopes"]["items"]["enum"]
    schemas["ErrorCode"] = {"enum": codes, "description": "The `code` of an error."}
    schemas["Scope"] = {"enum": scopes, "description": "A permission of a portal session."}
    schemas.setdefault("Event", {"type": "object", "description": "A webhook's body."})
    adapt(schemas)
    types = Types(schemas)
    types.write()
    resources = resources_text(operations(document, types))
    return {"types.py": types.text(), "_resources.py": resources}


def main() -> None:
    files = generate(json.loads(DOCUMENT.read_text(encoding="utf-8")))
    for name, text in files.items():
        target = TARGET / name
        # A file that is up to date keeps its time, so that watchers stay quiet.
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
