"""Markdown: nothing of a document acts, it fits where it is pasted, and fixes can be copied."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from envprint.core.comparison import Change
from envprint.core.shell import Code, Command
from envprint.core.way_back import InProgram, Step, WayBack, WithoutCommand
from envprint.outputs.fingerprints.markdown import render as shown
from envprint.outputs.formats import View
from envprint.outputs.formats.markdown import render
from envprint.outputs.markdown_text import MAX_CHARACTERS, code, prose
from tests.builders.reports import ACTING, a_finding, a_report, hostile_report
from tests.builders.support import fingerprint

OURS = {
    *("p", "strong", "code", "ol", "ul", "li", "pre", "a", "br"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary"),
}
"""Elements that envprint itself makes."""
MENTION = r"@\w|#\d|GH-\d|://|www\.|:[\w+-]+:"
each_text = pytest.mark.parametrize("text", ACTING.values(), ids=ACTING)


class Page(HTMLParser):
    """The elements of a page, its addresses, and its text outside code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.addresses: list[str] = []
        self.rows: list[int] = []
        self.outside = ""
        self._codes = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        self._codes += tag in ("code", "a")
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag == "tr":
            self.rows.append(0)
        if tag in ("td", "th"):
            self.rows[-1] += 1

    def handle_endtag(self, tag: str) -> None:
        self._codes -= tag in ("code", "a")

    def handle_data(self, data: str) -> None:
        if not self._codes:
            self.outside += data


def page_of(markdown: str) -> Page:
    return Page(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))


@each_text
def test_no_text_of_a_document_becomes_markup_or_a_link_or_a_mention(text: str) -> None:
    page, tame = (page_of(render(hostile_report(one))) for one in (text, "tame"))
    assert set(page.opened) <= OURS
    assert page.addresses == tame.addresses
    assert set(page.rows) == set(tame.rows)
    assert not re.search(MENTION, page.outside)


@each_text
def test_no_text_of_a_fingerprint_becomes_markup_either(text: str) -> None:
    values = {"facts.environ.variables[TZ]": text, "facts.os.distribution_name": text}
    one = fingerprint(values, unknown={"facts.packages.edited": text})
    page = page_of(shown(one._replace(label=text, note=text, tags={text: text})))
    assert set(page.opened) <= OURS
    assert page.addresses == []
    assert set(page.rows) == {2}
    assert not re.search(MENTION, page.outside)


@each_text
def test_a_reader_sees_the_text_itself(text: str) -> None:
    from envprint.core.text import one_line

    class Text(HTMLParser):
        said = ""

        def handle_data(self, data: str) -> None:
            self.said += data

    for form in (code, prose):
        read = Text()
        read.feed(MarkdownIt("commonmark").render(f"x {form(text)} x"))
        seen = read.said.replace("\u200b", "").split()
        assert seen == ["x", *(one_line(text) or ("empty" if form is code else "")).split(), "x"]


def test_a_fix_is_a_block_of_code_that_can_be_copied_whole() -> None:
    fixes = (Command("export A='`x`'"), Code("import x\nx.y()"), "Do *this*.")
    findings = tuple(a_finding(f"rule-{n}", remedy=fix) for n, fix in enumerate(fixes))
    text = render(a_report(findings=findings))
    assert "   ```sh\n   export A='`x`'\n   ```\n" in text
    assert "   ```python\n   import x\n   x.y()\n   ```\n" in text
    assert "   Fix: Do \\*this\\*.\n" in text


def test_a_command_longer_than_anybody_pastes_is_not_cut_in_half() -> None:
    text = render(a_report(findings=(a_finding(remedy=Command("pip install " + "x" * 9000)),)))
    assert "xxx" not in text
    assert "Fix: a long command; `--format json` has all of it" in text


@pytest.mark.parametrize("letter", ["x", "é", "|", "<", "\x1b", "`", "\U0001f600"])
def test_it_fits_where_it_is_pasted_and_counts_what_is_left_out(letter: str) -> None:
    changes = tuple(
        Change(f"facts.environ.variables[V_{n}]", "changed", letter * 500, letter * 5000)
        for n in range(400)
    )
    findings = tuple(a_finding(f"rule-{n}", message=letter * 5000) for n in range(100))
    report = a_report(changes=changes, findings=findings)
    text = render(report)
    assert len(text) <= MAX_CHARACTERS
    assert "<summary>Other changes (400)</summary>" in text
    assert re.search(r"^and [\d,]+ more: `--format json` has all of it$", text, re.MULTILINE)
    assert text.count("<details>") == text.count("</details>")
    larger = render(report, View(limit=900_000))
    assert len(text.encode()) < len(larger.encode()) <= 900_000


@pytest.mark.parametrize("letter", ["x", "@a", "|", "`", "*", "\x1b", "\u202e"])
def test_it_fits_whatever_stands_at_its_top(letter: str) -> None:
    text = letter * 5000
    alike = tuple(a_finding(message=f"{number}{text}") for number in range(200))
    hostile = hostile_report(text)._replace(findings=alike, look_next=(text,) * 50)
    for report in (hostile, hostile._replace(not_checked=None)):
        assert len(render(report)) <= MAX_CHARACTERS
    one = fingerprint({"facts.os.distribution_name": text})
    tags = {f"tag {number}": text for number in range(100)}
    said = shown(one._replace(label=text, note=text, tags=tags))
    assert len(said) <= MAX_CHARACTERS
    assert "| captured | `2026-11-21T12:00:00Z" in said
    assert "tag 1" not in said


def test_300_packages_of_two_machines_fit() -> None:
    changes = tuple(
        Change(f"facts.packages.distributions[package-{n}].version", "changed", "1.0", "1.1")
        for n in range(300)
    )
    text = render(a_report(changes=changes))
    assert all(f"`package-{n}`" in text for n in range(300))


def test_the_way_back_is_in_it() -> None:
    way = WayBack(
        (Step("unset A", ("a-rule",), "in the shell"),),
        (InProgram("x.y()", "b-rule"),),
        (WithoutCommand("c-rule", "a driver", "Install it."),),
    )
    text = render(a_report(way_back=way))
    for part in ("```sh\nunset A\n```", "```python\nx.y()\n```", "`c-rule`: `a driver`"):
        assert part in text


def test_each_package_of_a_fingerprint_has_a_row() -> None:
    packages = {
        f"facts.packages.distributions[p{n}]": {"version": "1.0", "origin": None}
        for n in range(300)
    }
    text = shown(fingerprint(packages))
    assert all(f"| `private-package-{n + 1}` | `1.0` |" in text for n in range(300))
