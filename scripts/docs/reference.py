"""Writes the pages of the API reference from openapi.json."""

from __future__ import annotations

import json
import re
from typing import Any, Optional

Schema = dict[str, Any]

CREDENTIALS = {
    "secretKey": "secret key",
    "publishableKey": "publishable key",
    "portalToken": "portal token",
}
TITLES = {"apiKeys": "API keys", "jwks": "JWKS"}


def pages(document: Schema) -> dict[str, str]:
    """Returns the text of each page by its path."""
    by_tag: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = operation["tags"][0]
            by_tag.setdefault(tag, []).append(section(method.upper(), path, operation))
    found = {
        f"reference/{kebab(tag)}.md": "\n".join([f"# {title(tag)}", "", about(tag), *sections])
        for tag, sections in sorted(by_tag.items())
    }
    found["reference/objects.md"] = objects_page(document["components"]["schemas"])
    return found


def kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def title(tag: str) -> str:
    return TITLES.get(tag, kebab(tag).replace("-", " ").capitalize())


def about(tag: str) -> str:
    return (
        f"The operations of `{tag}`, from the [OpenAPI description](../openapi.json). "
        "Errors are a [Problem](objects.md#Problem).\n"
    )


def section(method: str, path: str, operation: Schema) -> str:
    name: str = operation.get("summary") or operation["operationId"]
    heading = name.rstrip(".").replace("`", "")
    lines = [
        f"## {escape(heading)} {{ #{operation['operationId']} }}",
        "",
        f"```http\n{method} {path}\n```",
        "",
    ]
    if operation.get("description"):
        lines += [operation["description"], ""]
    lines += [credentials(operation), ""]
    parameters = [p for p in operation.get("parameters", ()) if p["in"] != "cookie"]
    if parameters:
        lines += ["| parameter | in | type | |", "|---|---|---|---|"]
        for one in parameters:
            needed = "**required** " if one.get("required") and one["in"] != "path" else ""
            note = needed + cell(one.get("description"))
            lines.append(f"| `{one['name']}` | {one['in']} | {kind(one['schema'])} | {note} |")
        lines.append("")
    for content, media in operation.get("requestBody", {}).get("content", {}).items():
        lines += [f"Body (`{content}`): {kind(media.get('schema', {}))}", ""]
    for status, response in operation["responses"].items():
        if status == "default":
            continue
        contents = response.get("content", {})
        media = [
            kind(one.get("schema") or {}) if name == "application/json" else f"`{name}`"
            for name, one in contents.items()
        ]
        lines += [f"Answers `{status}`: {', '.join(media) or 'no body'}", ""]
    return "\n".join(lines)


def credentials(operation: Schema) -> str:
    schemes = operation.get("security", [])
    if not schemes:
        return "Needs no credential."
    texts = []
    for scheme in schemes:
        for name, scopes in scheme.items():
            with_scopes = " with " + ", ".join(f"`{scope}`" for scope in scopes) if scopes else ""
            texts.append(CREDENTIALS.get(name, name) + with_scopes)
    return "Credential: " + ", or ".join(texts) + "."


def objects_page(schemas: dict[str, Schema]) -> str:
    lines = [
        "# Objects",
        "",
        "The bodies of requests and responses, from the [OpenAPI description](../openapi.json). "
        "Times are RFC 3339 texts. Money is in minor units.",
        "",
    ]
    for name, schema in sorted(schemas.items()):
        if not name.startswith("ListResponse_"):
            lines += [f"## {name} {{ #{name} }}", "", *fields(schema), ""]
    return "\n".join(lines)


def fields(schema: Schema) -> list[str]:
    lines = [schema["description"], ""] if schema.get("description") else []
    if "properties" in schema:
        required = schema.get("required", ())
        lines += ["| field | type | |", "|---|---|---|"]
        for name, one in schema["properties"].items():
            optional = "" if name in required else "*optional* "
            lines.append(f"| `{name}` | {kind(one)} | {optional}{cell(one.get('description'))} |")
        return lines
    for word, heading in (("oneOf", "One of:"), ("allOf", "All of:")):
        if word in schema:
            lines += [heading, ""]
            for part in schema[word]:
                if "properties" in part:
                    lines += [*fields(part), ""]
                else:
                    lines += [f"- {kind(part)}", ""]
            return lines
    return [*lines, kind(schema)]


def kind(schema: Schema) -> str:
    """Returns a type as it stands in a table."""
    if "$ref" in schema:
        return reference_to(schema["$ref"].rpartition("/")[2])
    if "oneOf" in schema:
        return " or ".join(kind(part) for part in schema["oneOf"])
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    kinds = schema.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    texts = []
    for one in kinds:
        if one == "array":
            texts.append(f"list of {kind(schema['items'])}")
        elif one == "string" and schema.get("format") in ("date-time", "date"):
            texts.append(schema["format"])
        else:
            texts.append(one)
    return " or ".join(texts)


def reference_to(name: str) -> str:
    if name.startswith("ListResponse_"):
        row = name[len("ListResponse_") :]
        return f"a page of [{row}](objects.md#{row})"
    return f"[{name}](objects.md#{name})"


def cell(text: Optional[str]) -> str:
    return escape(" ".join((text or "").split())).replace("|", "\\|")


def escape(text: str) -> str:
    """Keeps placeholders such as `<sid>` from being read as HTML."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else p.replace("<", "&lt;") for p in parts)
