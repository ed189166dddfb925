"""HTML that is safe by default, and the page around it, which may load nothing.

A plain text becomes content and never markup; only `Html`, which `element` makes, stays as it is.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from html import escape

from envprint.core.text import plain
from envprint.core.version import __version__
from envprint.outputs.html_script import SCRIPT
from envprint.outputs.html_style import STYLE

MAX_TEXT = 4_000
"""Characters that are shown of one text of a document; commands are never cut."""
_VOID = frozenset({"meta", "input", "br", "rect", "line", "polyline", "circle"})
Attribute = str | float | bool | None


class Html(str):
    """Markup that envprint has made."""

    __slots__ = ()


def element(_name: str, *content: str, **attributes: Attribute) -> Html:
    """An element; content that is not `Html` is text. `class_` and `aria_label` name attributes.

    An attribute that is None or False is left out, and one that is True has no value.
    """
    opening = "".join([_name, *map(_attribute, attributes, attributes.values())])
    if _name in _VOID:
        return Html(f"<{opening}/>")
    return Html(f"<{opening}>{joined(content)}</{_name}>")


def joined(parts: Iterable[str]) -> Html:
    """The parts one after the other; those that are not `Html` are text."""
    return Html("".join(part if isinstance(part, Html) else text(part) for part in parts))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    named = name.rstrip("_").replace("_", "-")
    return f" {named}" if value is True else f' {named}="{text(str(value))}"'


def text(value: str) -> Html:
    """`value` on one line, as it can stand anywhere."""
    cut = value if len(value) <= MAX_TEXT else f"{value[: MAX_TEXT - 1]}…"
    safe = plain(re.sub(r"\s+", " ", cut))
    return Html(escape(re.sub("[\ud800-\udfff\ufffe\uffff]", "\ufffd", safe)))


def to_copy(lines: Iterable[str]) -> Html:
    """Lines to paste as they are."""
    whole = escape("\n".join(map(plain, lines)))
    return element("pre", Html(f"<code>{whole}</code>"))


def code(value: str) -> Html:
    """A value or a path."""
    return element("code", value)


def link(address: str) -> Html:
    """An address as a link if nothing but a page can be behind it; anything else as text."""
    is_page = re.fullmatch(r"https://[\w./~:?#@!&'()*+,;=%-]+", address, re.ASCII)
    return element("a", address, href=address, rel="noreferrer") if is_page else text(address)


def table(
    caption: str, columns: Sequence[str], rows: Iterable[str], *, sorts: bool = False
) -> Html:
    """A table with its name; a wide one scrolls inside itself. `rows` are made by `row`."""
    heads = joined(element("th", name, scope="col") for name in columns)
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", heads)),
        element("tbody", *rows),
        data_sorts=sorts,
    )
    return element(
        "div", whole, class_="wide", role="region", aria_label=f"{caption}, table", tabindex="0"
    )


def row(*cells: str, **attributes: Attribute) -> Html:
    """A row of a table, whose first cell is its name."""
    first = element("th", cells[0], scope="row")
    return element("tr", first, *(element("td", cell) for cell in cells[1:]), **attributes)


def section(name: str, title: str, *content: str, count: int | None = None) -> Html:
    """A part of the page with a heading, to which an address can lead."""
    number = () if count is None else (element("span", f" ({count})", class_="count"),)
    head = element("h2", title, *number, id=f"{name}-title")
    return element("section", head, *content, id=name, aria_labelledby=f"{name}-title")


def page(title: str, head: Html, parts: Sequence[tuple[str, str, Html]], foot: str = "") -> str:
    """The whole page; each part has a name, a title and its section."""
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hash(STYLE)}",
            f"script-src {_hash(SCRIPT)}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    links = (element("li", element("a", named, href=f"#{name}")) for name, named, _ in parts)
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        element("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="generator", content=f"envprint {__version__}"),
        element("title", title),
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        element("a", "Skip to the content", class_="skip", href="#content"),
        element("header", head),
        element("nav", element("ul", *links), aria_label="Parts of this page"),
        element("main", *(part for _, _, part in parts), id="content"),
        element("footer", element("p", foot)) if foot else "",
        f"<script>{SCRIPT}</script>",
        "</body>",
        "</html>",
    ]
    return "\n".join(filter(None, lines)) + "\n"


def _hash(content: str) -> str:
    """What a browser computes of an inline style or script before it takes it."""
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
