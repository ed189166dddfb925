"""The site: every page has its place, and what is built is whole and loads nothing from outside."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

from tests.builders import shared
from tests.conftest import Build

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SETTINGS = tomllib.loads((DOCS / "zensical.toml").read_text("utf-8"))["project"]
SECTIONS: dict[str, list[str]] = {
    section: [page for entry in entries for page in entry.values()]
    for part in SETTINGS["nav"]
    for section, entries in part.items()
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
(ZENSICAL,) = PROJECT["optional-dependencies"]["docs"]
PLAYWRIGHT = "playwright==1.58.0"
BROWSER = ROOT / "tests" / "builders" / "site_browser.py"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LOADS = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}
NO_RESOURCE = ("canonical", "next", "prev", "alternate")


def test_the_sections_are_those_by_which_a_reader_looks() -> None:
    assert list(SECTIONS) == ["Start", "How to", "Understand", "Reference", "Project"]


def test_every_page_stands_in_exactly_one_section() -> None:
    """Those of rules and of decisions are listed by the index of their directory."""
    pages = [page.name for page in DOCS.glob("*.md")]
    pages += [f"{index.parent.name}/README.md" for index in DOCS.glob("*/README.md")]
    assert sorted(page for listed in SECTIONS.values() for page in listed) == sorted(pages)


@pytest.mark.parametrize("section", SECTIONS)
def test_the_index_lists_the_pages_of_each_section_in_the_same_order(section: str) -> None:
    index = (DOCS / "README.md").read_text("utf-8")
    listed = index.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    pages = [page for page in SECTIONS[section] if page != "README.md"]
    assert re.findall(r"^\* \[[^]]+\]\(([^)]+)\)", listed, re.MULTILINE) == pages


@pytest.mark.parametrize("page", [page for pages in SECTIONS.values() for page in pages])
def test_the_first_paragraph_of_a_page_says_what_it_is_for(page: str) -> None:
    """And neither how it is made nor the first of its examples."""
    begin = (DOCS / page).read_text("utf-8").split("\n\n")[1]
    assert not begin.startswith(("#", "```", "|", "* ", "Generated", "Made", "`zensical"))


@pytest.mark.parametrize("folder", ["rules", "decisions"])
def test_an_index_lists_every_page_of_its_directory(folder: str) -> None:
    linked = re.findall(r"\]\(([^)#/]+\.md)\)", (DOCS / folder / "README.md").read_text("utf-8"))
    pages = {page.name for page in (DOCS / folder).glob("*.md")} - {"README.md"}
    assert pages == set(linked)


class Page(NamedTuple):
    """What a built page refers to."""

    anchors: set[str]
    links: list[str]
    loaded: list[str]


class Reader(HTMLParser):
    """Collects that."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page(set(), [], [])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.page.anchors.update(given[name] for name in ("id", "name") if name in given)
        if tag == "a" and "href" in given:
            self.page.links.append(given["href"])
        elif given.get(LOADS.get(tag, "")) and given.get("rel") not in NO_RESOURCE:
            self.page.loaded.append(given[LOADS[tag]])


def read(path: Path) -> Page:
    reader = Reader()
    reader.feed(path.read_text("utf-8"))
    return reader.page


def dead(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Links and resources of the site that lead to no file, or to no anchor in it."""
    for path, page in pages.items():
        for target in (*page.links, *page.loaded):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            base = site if parts.path.startswith("/") else path.parent
            file = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            file = file / "index.html" if file.is_dir() else file
            if not file.is_relative_to(site) or not file.is_file():
                yield f"{path.relative_to(site)}: {target}: no such file"
            elif parts.fragment and file in pages:
                anchors = pages[file].anchors | {"__top"}
                if unquote(parts.fragment) not in anchors:
                    yield f"{path.relative_to(site)}: {target}: no such anchor"


def foreign(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """What pages and style sheets load from elsewhere."""
    for path, page in pages.items():
        for target in page.loaded:
            if urlsplit(target).netloc:
                yield f"{path.relative_to(site)}: {target}"
    for sheet in site.rglob("*.css"):
        for target in re.findall(r"""(?:url\(|@import)\s*["']?(https?:|//)""", sheet.read_text()):
            yield f"{sheet.relative_to(site)}: {target}"


def test_the_check_of_links_sees_what_is_dead_and_what_is_foreign(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<h1 id="here">A</h1><a href="#here">1</a><a href="#there">2</a><a href="b.html">3</a>'
        '<a href="../c.html">4</a><a href="https://example.org">5</a>'
        '<link rel="canonical" href="https://example.org/a"><script src="//example.org/x.js">'
    )
    (tmp_path / "x.css").write_text("a { background: url('https://example.org/x.png') }")
    pages = {tmp_path / "a.html": read(tmp_path / "a.html")}
    assert list(dead(tmp_path, pages)) == [
        "a.html: #there: no such anchor",
        "a.html: b.html: no such file",
        "a.html: ../c.html: no such file",
    ]
    assert list(foreign(tmp_path, pages)) == ["a.html: //example.org/x.js", "x.css: https:"]


@pytest.fixture(scope="module", name="site")
def _site(environment: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as the command in docs/README.md builds it, without a warning, of a copy."""
    place = shared.folder(tmp_path_factory) / "site"
    return Path(shared.once(place.with_suffix(".json"), lambda: built(environment, place)))


def built(environment: Build, copy: Path) -> str:
    shutil.copytree(DOCS, copy / "docs", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    (command,) = re.findall(r"`zensical (build [^`]+)`", (DOCS / "README.md").read_text("utf-8"))
    program = Path(environment(ZENSICAL)).parent / "zensical"
    done = subprocess.run(
        [program, *command.split()], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout + done.stderr
    shutil.rmtree(copy / "docs/.cache")
    return str(copy / "docs/.site")


@pytest.fixture(scope="module", name="pages")
def _pages(site: Path) -> dict[Path, Page]:
    return {path: read(path) for path in site.rglob("*.html")}


@pytest.mark.slow
def test_every_page_is_built_and_no_link_in_it_is_dead(site: Path, pages: dict[Path, Page]) -> None:
    assert len(pages) == len(list(DOCS.rglob("[!.]*.md"))) + 1  # and the one for "not found"
    assert not list(dead(site, pages))


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    assert not list(foreign(site, pages))
    scripts = {target for page in pages.values() for target in page.loaded if ".js" in target}
    assert len({Path(target).name for target in scripts}) == 1


@pytest.mark.slow
def test_the_search_knows_every_page(site: Path, pages: dict[Path, Page]) -> None:
    found: dict[str, Any] = json.loads((site / "search.json").read_text("utf-8"))
    known = {entry["location"].partition("#")[0] for entry in found["items"]}
    assert known == {path.relative_to(site).as_posix() for path in pages} - {"404.html"}


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
def test_in_a_browser_the_search_finds_a_page_every_width_fits_and_nothing_leaves_the_host(
    site: Path, environment: Build
) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        words = [environment(PLAYWRIGHT), BROWSER, CHROMIUM, f"{address}index.html", "conflict"]
        done = subprocess.run(
            [str(word) for word in words], capture_output=True, text=True, check=False, timeout=120
        )
        server.shutdown()
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert "conflict" in seen["results"][0].lower()
    assert seen["led to"][0].startswith(f"{address}rules/conflicts-")
    assert [url for url in seen["requests"] if not url.startswith(address)] == []
    assert seen["complaints"] == []
    assert seen["wide"] == []
