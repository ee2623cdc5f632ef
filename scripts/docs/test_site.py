"""The documentation site: built, complete, and without a dead link."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Optional
from urllib.parse import unquote, urlsplit

import build
import jsonschema  # type: ignore[import-untyped]
import postman
import pytest
import tomllib

ROOT = build.ROOT
DOCUMENT = json.loads((ROOT / "openapi.json").read_text())


class Html(HTMLParser):
    """The links, the anchors and the parts of a page that a browser loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, Optional[str]]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if "id" in found:
            self.anchors.add(found["id"])
        if "src" in found or tag == "link":
            self.loaded.append(found.get("src") or found.get("href", ""))
        elif "href" in found:
            self.links.append(found["href"])


@pytest.fixture(scope="session")
def site() -> Path:
    done = subprocess.run(
        [sys.executable, "build.py"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return build.SITE


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, Html]:
    # The page for a wrong address may be shown at any depth.
    files = [file for file in site.rglob("*.html") if file.name != "404.html"]
    return {file: Html(file.read_text()) for file in files}


def test_every_link_and_anchor_exists(site: Path, pages: dict[Path, Html]) -> None:
    dead = []
    for file, page in pages.items():
        for link in [*page.links, *page.loaded]:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            to = (file.parent / unquote(url.path)).resolve() if url.path else file
            to = to / "index.html" if to.is_dir() else to
            anchors = pages[to].anchors if to in pages else set()
            if not to.is_file() or (url.fragment and unquote(url.fragment) not in anchors):
                dead.append(f"{file.relative_to(site)}: {link}")
    assert dead == []
    assert len(pages) > 60


def test_pages_load_nothing_from_elsewhere(pages: dict[Path, Html]) -> None:
    assert [one for page in pages.values() for one in page.loaded if urlsplit(one).netloc] == []


def test_every_markdown_file_has_a_page(site: Path, pages: dict[Path, Html]) -> None:
    sections, decisions = build.find_pages()
    origins = [build.HOME, *decisions, *(one for files in sections.values() for one in files)]
    assert all((site / build.site_path(origin)).is_file() for origin in origins)
    tracked = subprocess.run(
        ["git", "ls-files", "docs/*.md", "examples/*/README.md", "sdk/*/README.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert set(tracked) <= set(origins)


def test_search_finds_every_page(site: Path, pages: dict[Path, Html]) -> None:
    index = json.loads((site / "search.json").read_text())
    found = {urlsplit(item["location"]).path.strip("/") for item in index["items"]}
    expected = {str(file.parent.relative_to(site)).strip(".") for file in pages}
    assert expected <= found


def test_llms_text_links_every_page_as_markdown(site: Path) -> None:
    text = (site / "llms.txt").read_text()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert text.startswith("# UnitPay\n\n> ")
    assert [link for link in links if not (site / link).is_file()] == []
    assert {"integrate.md", "sdk/python.md", "reference/portal-sessions.md"} <= set(links)
    assert len((site / "llms-full.txt").read_text()) > 100_000


def test_reference_has_every_operation_and_object(site: Path) -> None:
    text = "".join(file.read_text() for file in (site / "reference").glob("*.md"))
    operations = [one for path in DOCUMENT["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    names += [one for one in DOCUMENT["components"]["schemas"] if "ListResponse_" not in one]
    assert [name for name in names if f"{{ #{name} }}" not in text] == []


@pytest.mark.parametrize("target", ["none.md", "../none.rs", "../crates", "../../outside.md"])
def test_link_that_leads_nowhere_is_a_fault(target: str) -> None:
    links = build.Links([], {})
    page = build.Page(
        "page.md", f"# Page\n\n```\n[not](a-link.md)\n```\n[it]({target})", "docs/page.md"
    )
    links.rewrite(page)
    assert links.faults == [f"docs/page.md: {target} leads nowhere"]


def test_glossary_uses_the_words_of_the_api() -> None:
    text = (ROOT / "docs/glossary.md").read_text()
    known = json.dumps(DOCUMENT)
    own = {"code", "stripe", "unitpay new-epoch", "upay_sk_…", "upay_pk_…", "GET /v1/audit-events"}
    prefixes = re.findall(
        r'^    \w+Id "(\w+)" ', (ROOT / "crates/server/src/base/ids.rs").read_text(), re.M
    )
    own |= {f"{prefix}_" for prefix in prefixes}
    words = [word for word in re.findall(r"`([^`]+)`", text) if word not in own]
    assert len(words) > 40
    assert [word for word in words if not re.search(rf"\b{re.escape(word)}\b", known)] == []


def test_versioning_states_the_versions_of_the_manifests() -> None:
    text = (ROOT / "docs/versioning.md").read_text()
    node = json.loads((ROOT / "sdk/node/package.json").read_text())
    python = tomllib.loads((ROOT / "sdk/python/pyproject.toml").read_text())["project"]
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    assert f"Node {node['engines']['node'].removeprefix('>=')} or later" in text
    assert f"Python {python['requires-python'].removeprefix('>=')} or later" in text
    [httpx] = python["dependencies"]
    assert re.sub(r"httpx>=([\d.]+),<1", r"httpx \1 or later", httpx) in text
    assert f"Rust {cargo['rust-version']} or later" in text
    versions = {node["version"], python["version"], cargo["version"], DOCUMENT["info"]["version"]}
    assert len(versions) == 1


def requests() -> list[tuple[str, Any]]:
    folders = postman.collection(DOCUMENT)["item"]
    return [(item["name"], item["request"]) for folder in folders for item in folder["item"]]


def test_collection_has_every_operation_once() -> None:
    expected = Counter(
        (method.upper(), path)
        for path, operations in DOCUMENT["paths"].items()
        for method in operations
    )
    found = Counter(
        (
            sent["method"],
            "/" + "/".join(re.sub("^:(.+)", r"{\1}", part) for part in sent["url"]["path"]),
        )
        for _, sent in requests()
    )
    assert found == expected


@pytest.mark.parametrize(
    ("name", "sent"), requests(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_request_matches_the_description(name: str, sent: Any) -> None:
    operations = {
        one["operationId"]: (path, one)
        for path, methods in DOCUMENT["paths"].items()
        for one in methods.values()
    }
    path, operation = operations[name]
    parameters = operation.get("parameters", [])
    places = {"path": sent["url"]["variable"], "query": sent["url"]["query"]}
    for place, given in places.items():
        declared = [one["name"] for one in parameters if one["in"] == place]
        assert [one["key"] for one in given] == declared
    assert [one["key"] for one in sent["url"]["variable"]] == re.findall(r"\{(\w+)\}", path)
    required = {one["name"] for one in parameters if one["in"] == "query" and one.get("required")}
    if "limit" not in declared:
        # A secret key must say whose usage it asks for.
        required |= {"customerId"} & set(declared)
    assert {one["key"] for one in sent["url"]["query"] if not one["disabled"]} == required
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    assert ("body" in sent) == (content is not None)
    if content is not None:
        schema = {**content.get("schema", {}), "components": DOCUMENT["components"]}
        validator = jsonschema.Draft202012Validator(schema)
        body = json.loads(sent["body"]["raw"])
        assert [error.message for error in validator.iter_errors(body)] == []
    accepted = {name for scheme in operation.get("security", ()) for name in scheme}
    kinds = {"apikey": "secretKey", "bearer": "portalToken"}
    kind = sent["auth"]["type"]
    assert kinds[kind] in accepted if kind in kinds else not accepted


def test_every_variable_of_the_collection_is_declared() -> None:
    text = json.dumps(postman.collection(DOCUMENT))
    used = set(re.findall(r"\{\{(\w+)\}\}", text))
    declared = {one["key"] for one in postman.collection(DOCUMENT)["variable"]}
    assert used == declared
    # One name for one thing, in paths and in bodies.
    assert {"creditCurrencyId", "metricId", "portalSessionId"} < declared
    assert not {"billableMetricId", "id", "sid"} & declared


def test_site_offers_the_collection(site: Path) -> None:
    assert json.loads((site / "postman.json").read_text()) == postman.collection(DOCUMENT)
