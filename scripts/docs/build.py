#!/usr/bin/env python3
"""Builds the documentation site from the Markdown of the repository, with Zensical.

Every page is a Markdown file that also reads well in the repository. This script copies the pages
and the files that they link to into target/docs/src, rewrites the links between them, and adds the
API reference, the list of decisions, a collection of requests, and llms.txt. The site is
target/docs/site; any web server can serve it.

Zensical comes from the authors of Material for MkDocs, which is no longer developed. It checks
every link and anchor, and loads nothing from other sites.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import postman
import reference

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target/docs"
SOURCE = TARGET / "src"
SITE = TARGET / "site"

# The order of the pages. Pages in docs/ that no section names are added to the guides.
SECTIONS = {
    "Guides": [
        "docs/integrate.md",
        "docs/billing.md",
        "docs/react.md",
        "docs/stripe.md",
        "docs/processors.md",
        "docs/webhooks.md",
        "docs/email.md",
        "docs/operate.md",
    ],
    "Packages": ["sdk/node/README.md", "sdk/react/README.md", "sdk/python/README.md"],
    "Examples": [],
    "Reference": ["docs/glossary.md", "docs/versioning.md"],
    "Explanation": [
        "docs/security.md",
        "docs/performance.md",
        "bench/README.md",
        "ARCHITECTURE.md",
    ],
    "Project": ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"],
}
HOME = "docs/index.md"
# Shorter than the heading of the page, or different from another one's.
TITLES = {
    "docs/react.md": "React",
    "docs/security.md": "Threat model",
    "sdk/python/README.md": "unitpay (Python)",
}
ABOUT = (
    "A self-hosted customer billing portal: portal sessions, subscriptions, invoices, "
    "payment methods, credits and usage, with packages for Node, React and Python."
)

LINK = re.compile(r"(?P<start>!?\[(?:[^\]\[]|\[[^\]]*\])*\]\()(?P<target>[^)\s]+)(?P<end>[^)]*\))")
FENCE = re.compile(r"^\s*(```|~~~)")


@dataclass
class Page:
    """A page of the site, and the file that it comes from."""

    path: str
    """In the site, as `sdk/node.md`."""
    text: str
    origin: Optional[str] = None
    """In the repository, as `sdk/node/README.md`."""

    @property
    def title(self) -> str:
        if self.origin in TITLES:
            return TITLES[self.origin]
        found = re.search(r"^# (.+)$", self.text, re.MULTILINE)
        if found is None:
            sys.exit(f"{self.origin or self.path} has no title")
        return found.group(1).replace("`", "")

    @property
    def about(self) -> str:
        """The first sentence after the title."""
        body = re.split(r"^# .+$", self.text, maxsplit=1, flags=re.MULTILINE)[1]
        first = next((part for part in body.split("\n\n") if re.match(r"\s*[\w`*\[]", part)), "")
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(first.split()))
        return re.split(r"(?<=\.)\s", plain, maxsplit=1)[0].replace("**", "")


def site_path(origin: str) -> str:
    """Returns where the page of a file stands: READMEs are pages beside their folder."""
    if origin.startswith("docs/"):
        return origin[len("docs/") :]
    if origin.endswith("/README.md"):
        return origin[: -len("/README.md")] + ".md"
    return f"project/{origin.lower()}"


def find_pages() -> tuple[dict[str, list[str]], list[str]]:
    """Returns the sections with their files, and the decisions."""
    sections = {name: list(files) for name, files in SECTIONS.items()}
    sections["Examples"] = names("examples/*/README.md")
    sections["Project"] += names("sdk/*/CHANGELOG.md")
    listed = {HOME, *(one for files in sections.values() for one in files)}
    sections["Guides"] += [one for one in names("docs/*.md") if one not in listed]
    return sections, names("docs/decisions/*.md")


def names(pattern: str) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(pattern))


def read(origin: str) -> Page:
    return Page(site_path(origin), (ROOT / origin).read_text(encoding="utf-8"), origin)


class Links:
    """Rewrites the links of pages, and copies the files that they lead to."""

    def __init__(self, pages: list[Page], folders: dict[str, str]) -> None:
        self.pages = {page.origin: page.path for page in pages if page.origin}
        self.folders = folders
        self.faults: list[str] = []

    def rewrite(self, page: Page) -> str:
        lines = []
        is_code = False
        for line in page.text.split("\n"):
            is_code ^= FENCE.match(line) is not None
            lines.append(line if is_code else LINK.sub(lambda m: self.link(page, m), line))
        return "\n".join(lines)

    def link(self, page: Page, match: re.Match[str]) -> str:
        target = match["target"]
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path, _, anchor = target.partition("#")
        wanted = os.path.normpath(os.path.join(os.path.dirname(page.origin or ""), path))
        found = self.find(wanted)
        if found is None:
            self.faults.append(f"{page.origin}: {target} leads nowhere")
            return match[0]
        to = os.path.relpath(found, os.path.dirname(page.path) or ".")
        return match["start"] + to + (f"#{anchor}" if anchor else "") + match["end"]

    def find(self, wanted: str) -> Optional[str]:
        """Returns the page or the copied file that a path of the repository stands for."""
        for candidate in (wanted, f"{wanted}/README.md"):
            if candidate in self.pages:
                return self.pages[candidate]
        if wanted in self.folders:
            return self.folders[wanted]
        origin = ROOT / wanted
        if not origin.exists():
            return None
        if origin.is_dir():
            return self.copy_folder(wanted)
        is_text_of_ours = wanted.startswith("docs/")
        return self.copy(wanted, wanted[len("docs/") :] if is_text_of_ours else f"files/{wanted}")

    def copy(self, origin: str, to: str) -> str:
        if not Path(to).suffix or to.endswith(".html"):
            to += ".txt"
        (SOURCE / to).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / origin, SOURCE / to)
        return to

    def copy_folder(self, wanted: str) -> Optional[str]:
        """A folder of source files stands for its only file."""
        files = [path for path in (ROOT / wanted).rglob("*") if path.is_file()]
        if len(files) != 1:
            return None
        origin = str(files[0].relative_to(ROOT))
        return self.copy(origin, f"files/{origin}")


def decisions_page(decisions: list[Page]) -> Page:
    rows = "\n".join(f"- [{page.title}]({Path(page.path).name})" for page in decisions)
    text = f"# Decisions\n\nThe reasons for the shape of the code, one page each.\n\n{rows}\n"
    return Page("decisions/index.md", text)


def navigation(home: Page, sections: dict[str, list[Page]]) -> str:
    def entry(page: Page) -> str:
        return f"{{ {json.dumps(page.title)} = {json.dumps(page.path)} }}"

    groups = [
        f"  {{ {json.dumps(name)} = [\n    " + ",\n    ".join(map(entry, pages)) + "\n  ] }"
        for name, pages in sections.items()
    ]
    return "[\n  " + ",\n".join([entry(home), *groups]) + "\n]"


def llms_text(home: Page, sections: dict[str, list[Page]]) -> str:
    """Returns llms.txt (llmstxt.org): the pages as Markdown, each with its first sentence."""
    lines = ["# UnitPay", "", f"> {ABOUT}", "", f"- [{home.title}]({home.path}): {home.about}"]
    for name, pages in sections.items():
        lines += ["", f"## {name}", ""]
        lines += [f"- [{page.title}]({page.path}): {page.about}" for page in pages]
    return "\n".join(lines) + "\n"


def write(path: str, text: str) -> None:
    file = SOURCE / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def main() -> None:
    for folder in (SOURCE, SITE):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    origins, decision_files = find_pages()
    home = read(HOME)
    sections = {name: [read(origin) for origin in files] for name, files in origins.items()}
    decisions = [read(origin) for origin in decision_files]
    index = decisions_page(decisions)
    links = Links(
        [home, *decisions, *(page for pages in sections.values() for page in pages)],
        {"docs/decisions": index.path, "openapi.json": "openapi.json"},
    )
    for page in [home, *decisions, *(page for pages in sections.values() for page in pages)]:
        page.text = links.rewrite(page)
    if links.faults:
        sys.exit("\n".join(links.faults))
    document = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))
    write("openapi.json", json.dumps(document, indent=2))
    write("postman.json", json.dumps(postman.collection(document), indent=2))
    sections["Reference"] += [Page(path, text) for path, text in reference.pages(document).items()]
    sections["Explanation"].append(index)
    everything = [home, *decisions, *(page for pages in sections.values() for page in pages)]
    for page in everything:
        write(page.path, page.text)
    write("llms.txt", llms_text(home, sections))
    write("llms-full.txt", "\n\n".join(page.text for page in everything))
    config = (Path(__file__).parent / "zensical.toml").read_text(encoding="utf-8")
    config = config.replace("nav = []", f"nav = {navigation(home, sections)}")
    (TARGET / "zensical.toml").write_text(config, encoding="utf-8")
    # Zensical is installed beside the Python that runs this script.
    zensical = Path(sys.executable).parent / "zensical"
    command = [str(zensical), "build", "--strict", "--clean", "-f", str(TARGET / "zensical.toml")]
    done = subprocess.run(  # noqa: S603 -- a command without any input
        command, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr))
    # The Markdown that llms.txt names stands beside the page.
    for page in everything:
        shutil.copyfile(SOURCE / page.path, SITE / page.path)
    print(f"{len(everything)} pages in {SITE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
