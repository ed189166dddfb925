"""Pages: complete in themselves, closed to what documents hold, and readable without a mouse."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from envprint.core.way_back import InProgram, Step, WayBack, WithoutCommand
from envprint.documents.codec import to_document
from envprint.outputs.fingerprints.html import render as shown
from envprint.outputs.formats.html import render
from envprint.outputs.html_page import element, link, text, to_copy
from tests.builders.edits import edited
from tests.builders.pages import PACKAGES, two_machines
from tests.builders.reports import ACTING, a_finding, a_report, hostile_report
from tests.builders.support import fingerprint

each_text = pytest.mark.parametrize("acting", ACTING.values(), ids=ACTING)
VOID = {"meta", "input", "br"}
LOADING = {"src", "srcset", "data", "poster", "action", "formaction", "background", "ping"}


class Page(HTMLParser):
    """What a page is made of; fails where an element is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.content: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.content.setdefault(self._open[-1], []).append(data)

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


@pytest.fixture(scope="module")
def two() -> str:
    return render(two_machines())


def policy(page: Page) -> dict[str, str]:
    (content,) = [value for value in page.values("content") if value.startswith("default-src")]
    return dict(part.split(" ", 1) for part in content.split("; "))


def test_a_page_may_load_nothing_and_run_nothing_but_its_own_script(two: str) -> None:
    page = Page(two)
    assert policy(page)["default-src"] == policy(page)["form-action"] == "'none'"
    for name in ("style", "script"):
        (content,) = page.content[name]
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert policy(page)[f"{name}-src"] == f"'sha256-{digest}'"
    assert not LOADING & {name for _, name, _ in page.attributes}
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert not page.values("style")
    assert {value[:8] for value in page.values("href")} <= {"https://"} | {
        value[:8] for value in page.values("href") if value.startswith("#")
    }


@each_text
def test_no_text_of_a_document_becomes_an_element_or_an_attribute(acting: str) -> None:
    page, tame = (Page(render(hostile_report(one))) for one in (acting, "tame"))
    assert set(page.opened) == set(tame.opened)
    assert {(tag, name) for tag, name, _ in page.attributes} == {
        (tag, name) for tag, name, _ in tame.attributes
    }
    addresses = [value for value in page.values("href") if not value.startswith("#")]
    assert addresses == [value for value in tame.values("href") if not value.startswith("#")]


@each_text
def test_no_text_of_a_fingerprint_becomes_one_either(acting: str) -> None:
    def made(value: str) -> Page:
        packages = {value: {"version": value}, "no version": {}}
        values = {
            "facts.environ.variables": {value: value},
            "facts.packages.distributions": packages,
        }
        one = fingerprint(values, unknown={"facts.os.kernel_release": value})
        return Page(shown(one._replace(label=value, note=value, tags={value: value})))

    page, tame = made(acting), made("tame")
    assert set(page.opened) == set(tame.opened)
    assert {name for _, name, _ in page.attributes} == {name for _, name, _ in tame.attributes}


def test_every_address_inside_a_page_leads_somewhere_and_to_one_place(two: str) -> None:
    page = Page(two)
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    inside = [value[1:] for value in page.values("href") if value.startswith("#")]
    assert inside and set(inside) <= set(ids)
    assert set(page.values("aria-labelledby")) | set(page.values("data-for")) <= set(ids)


def test_findings_of_one_rule_in_one_place_have_addresses_of_their_own() -> None:
    alike = tuple(a_finding(title=title) for title in ("One", "Two", "Three"))
    page = Page(render(a_report(findings=alike)))
    ids = [value for value in page.values("id") if value.startswith("finding-")]
    assert len(set(ids)) == len(ids) == 3


def test_both_fingerprints_are_whole(two: str) -> None:
    assert len(re.findall(r"<code>distributions\[package-\d+\]</code>", two)) == PACKAGES
    report = two_machines()
    assert len(report.sides) == 2
    for side in report.sides:
        sections = [key for place in ("facts", "live") for key in to_document(side)[place]]
        assert all(re.search(rf"<summary>[^<]*\b{key}<", two) for key in sections)


def test_a_page_holds_no_secret_of_a_document_that_somebody_wrote() -> None:
    host = {"host": "debian12-cpu-vm"}
    secret = "https://user:SECRETsecret1@example.invalid/x"
    side = edited({**host, "set": {"facts.environ.variables[TORCH_HOME]": secret}})
    assert "SECRETsecret1" not in render(a_report(sides=(side, side)))


def test_memory_of_a_gpu_is_a_bar_with_the_same_as_a_table(two: str) -> None:
    assert 'aria-label="before: GPU 0, NVIDIA GeForce RTX 2080 Ti, 11.0 GiB: Xorg (pid 1201)' in two
    assert re.search(r"</svg>firefox \(pid 2950\)</th><td>\s*396 MiB</td>", two)
    for bar in re.findall(r'<svg viewBox="0 0 100 4".*?</svg>', two):
        ends = [float(x) + float(w) for x, w in re.findall(r'x="([\d.]+)".*?width="([\d.]+)"', bar)]
        assert ends == sorted(ends)
        assert ends[-1] <= 100.01


def test_sections_that_were_not_looked_at_are_not_shown() -> None:
    page = render(two_machines()._replace(only=("gpu", "live.gpu")))
    assert 'id="gpu-memory"' in page
    assert 'id="packages"' not in page
    assert "<code>distributions[" not in page


def test_a_fix_is_a_block_to_copy_as_it_is() -> None:
    assert to_copy(["export A='<b>'", "x\x1b"]) == (
        "<pre><code>export A=&#x27;&lt;b&gt;&#x27;\nx\\x1b</code></pre>"
    )


def test_only_an_address_of_a_page_is_a_link() -> None:
    assert link("https://numpy.org/a?b=1#c").startswith('<a href="https://numpy.org')
    for address in ("javascript:alert(1)", "http://x", "https://a b", "https://é", '"><b>'):
        assert "<a" not in link(address)


def test_an_attribute_cannot_be_left() -> None:
    made = element("p", "x", title="\"'><script>", hidden=True, lang=None, dir=False)
    assert made == '<p title="&quot;&#x27;&gt;&lt;script&gt;" hidden>x</p>'
    assert text("a\x00\ud800\n  b") == "a\\x00\ufffd b"


def test_the_way_back_is_in_it() -> None:
    way = WayBack(
        (Step("unset A", ("a-rule",), "in the shell"),),
        (InProgram("x.y()", "b-rule"),),
        (WithoutCommand("c-rule", "a driver", "Install it."),),
    )
    page = render(a_report(way_back=way))
    for part in ("<code>unset A</code>", "<code>x.y()</code>", "c-rule: a driver. Install it."):
        assert part in page
