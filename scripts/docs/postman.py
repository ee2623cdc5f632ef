"""Writes a collection of requests for Postman, Bruno and Insomnia from openapi.json.

Each operation is one request with its path variables, its query and an example of its body. The
variables `baseUrl`, `apiKey` and `portalToken` stand for a server and its credentials. Each kind of
id is a variable, too: set `planId` once, and every request about that plan has it.
"""

from __future__ import annotations

import json
import re
from typing import Any

Schema = dict[str, Any]

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
EXAMPLES = {
    "accentColor": "#3b5bdb",
    "country": "DE",
    "creditCost": "2",
    "currency": "USD",
    "denomination": "unit",
    "email": "ada@example.com",
    "locale": "en",
    "quantity": 1,
}
FORMATS = {"date-time": "{{$isoTimestamp}}", "date": "2030-01-31"}
# Optional fields that a request with a secret key needs, or one of which it needs.
NEEDED = ("customerId", "amount")


def collection(document: Schema) -> Schema:
    """Returns the collection: one folder for each tag."""
    folders: dict[str, list[Schema]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = operation["tags"][0]
            item = request(document, method.upper(), path, operation)
            folders.setdefault(tag, []).append(item)
    ids = sorted(set(re.findall(r"\{\{(\w+Id)\}\}", json.dumps(folders))))
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "version": document["info"]["version"],
            "schema": SCHEMA,
        },
        "item": [{"name": tag, "item": items} for tag, items in sorted(folders.items())],
        "variable": [
            {"key": "baseUrl", "value": "http://127.0.0.1:4000"},
            {"key": "apiKey", "value": "", "description": "upay_sk_…"},
            {"key": "portalToken", "value": "", "description": "Of a minted session."},
            *({"key": id, "value": "cus_123" if id == "customerId" else ""} for id in ids),
        ],
    }


def request(document: Schema, method: str, path: str, operation: Schema) -> Schema:
    parameters = operation.get("parameters", ())
    segments = [re.sub(r"^\{(.+)\}$", r":\1", part) for part in path.strip("/").split("/")]
    is_list = any(one["name"] == "limit" for one in parameters)
    query = [
        {
            "key": one["name"],
            "value": str(example(document, one["schema"], one["name"])),
            # An optional parameter is there to be switched on.
            "disabled": not one.get("required") and (is_list or one["name"] not in NEEDED),
        }
        for one in parameters
        if one["in"] == "query"
    ]
    url: Schema = {
        "raw": "{{baseUrl}}/" + "/".join(segments),
        "host": ["{{baseUrl}}"],
        "path": segments,
        "query": query,
        "variable": [
            {
                "key": one["name"],
                "value": str(example(document, one["schema"], id_name(path, one["name"]))),
            }
            for one in parameters
            if one["in"] == "path"
        ],
    }
    sent: Schema = {"method": method, "header": [], "url": url, "auth": credential(operation)}
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        body = example(document, content["application/json"].get("schema") or {}, "")
        sent["header"].append({"key": "Content-Type", "value": "application/json"})
        sent["body"] = {
            "mode": "raw",
            "raw": json.dumps(body, indent=2),
            "options": {"raw": {"language": "json"}},
        }
    description = "\n\n".join(
        operation[part] for part in ("summary", "description") if operation.get(part)
    )
    return {"name": operation["operationId"], "request": {**sent, "description": description}}


def id_name(path: str, name: str) -> str:
    """Returns `planId` for the `id` in `/v1/plans/{id}`."""
    folder = re.search(r"/([a-z-]+)s/\{" + name + r"\}", path)
    if folder is None or name not in ("id", "sid"):
        return name
    word = re.sub("ie$", "y", folder[1]).removeprefix("billable-")
    return re.sub("-(.)", lambda match: match[1].upper(), word) + "Id"


def credential(operation: Schema) -> Schema:
    """Returns the secret key if it is accepted, or else the portal token."""
    accepted = [name for scheme in operation.get("security", ()) for name in scheme]
    if "secretKey" in accepted:
        return {
            "type": "apikey",
            "apikey": [
                {"key": "key", "value": "x-api-key", "type": "string"},
                {"key": "value", "value": "{{apiKey}}", "type": "string"},
                {"key": "in", "value": "header", "type": "string"},
            ],
        }
    if "portalToken" in accepted:
        token = {"key": "token", "value": "{{portalToken}}", "type": "string"}
        return {"type": "bearer", "bearer": [token]}
    return {"type": "noauth"}


def example(document: Schema, schema: Schema, name: str) -> Any:
    """Returns the smallest value that a schema accepts and that says something."""
    if "$ref" in schema:
        target = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return example(document, target, name)
    if "allOf" in schema:
        parts = [example(document, part, name) for part in schema["allOf"]]
        return {key: value for part in parts for key, value in part.items()}
    if "oneOf" in schema:
        kinds = [part for part in schema["oneOf"] if part.get("type") != "null"]
        return example(document, kinds[0], name)
    if "enum" in schema:
        return schema["enum"][0]
    types = schema.get("type", "object")
    kinds = [types] if isinstance(types, str) else types
    if "object" in kinds:
        return members(document, schema)
    if "array" in kinds:
        return [example(document, schema["items"], name)] if schema.get("minItems") else []
    return scalar(schema, kinds, name)


def members(document: Schema, schema: Schema) -> Schema:
    properties = schema.get("properties", {})
    # A body without required fields shows one of the optional ones.
    names = list(schema.get("required") or list(properties)[:1])
    names += [name for name in NEEDED if name in properties and name not in names]
    return {name: example(document, properties[name], name) for name in names}


def scalar(schema: Schema, kinds: list[str], name: str) -> Any:
    if "boolean" in kinds:
        return False
    if name in EXAMPLES:
        return EXAMPLES[name]
    if name.endswith("Id"):
        return f"{{{{{name}}}}}"
    if "integer" in kinds or "number" in kinds:
        return max(1, schema.get("minimum", 1))
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    return name or "text"
