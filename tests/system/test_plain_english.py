"""Texts that people read use the field's words: a list of phrases, each with a better one.

Checked are the string literals of the package, its published schemas and the hand-written pages.
Exempt are code: docstrings and comments (developers read them), data of `core/secret_*` and
`measurements`, and in pages fenced blocks, code spans and quoted foreign messages.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BETTER = {
    r"but for": "except, apart from",
    r"be it": "whether",
    r"it is said": "is reported",
    r"nothing is said": "nothing is reported",
    r"(?:is|are) told": "is reported",
    r"(?:was|were) not asked": "was not queried",
    r"is passed over": "is ignored",
    r"another number of": "a different number of",
    r"in another order": "in a different order",
    r"in another way": "differently",
    r"in another state": "in a different state",
    r"of another (?:version|driver|maker)": "of a different …",
    r"another (?:kernel|precision|default)": "a different …",
    r"(?:draws?|gives?|gave|with) other (?:kernels|weights|numbers|bits|values)": "different …",
    r"the like of": "similar",
    r"in the hands of": "held by",
    r"is taken for": "is treated as",
    r"otherwise than": "differently from",
    r"what is so": "what applies",
    r"doubts?": "unknown, reservation",
    r"(?:is|are) not known": "is unknown",
    r"as exact as": "as precisely as",
    r"may be given again": "repeatable",
    r"when it suits": "at a convenient time",
    r"for ever": "forever",
    r"orders? (?:\w+ ){0,3}anew": "again",
    r"at hand": "available",
    r"what nobody has judged": "what is not judged",
    r"by wrong usage as well": "including usage errors",
    r"the reserve included": "including the reserve",
    r"need not be": "may not be",
    r"speaks of": "covers",
    r"has (?:a different|another) version": "…'s version differs",
    r"no such process any more": "no longer exists",
}
FOREIGN = re.compile(r"^(?:data|core/secret_\w+|core/measurements)", re.ASCII)


def package_files() -> list[Path]:
    package = ROOT / "envprint"
    return [
        path
        for path in sorted(package.rglob("*.py"))
        if not FOREIGN.match(path.relative_to(package).as_posix())
    ]


def literals(source: str) -> Iterator[tuple[int, str]]:
    """Every text of a module by line; docstrings and texts that stand alone are not among them."""
    tree = ast.parse(source)
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value


def prose(page: str) -> str:
    """A page without fenced blocks, code spans and quotations."""
    page = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"``.+?``|`[^`]*`|\"[^\"]*\"", "", page, flags=re.DOTALL)


def faults(text: str) -> list[str]:
    """Each phrase of the list that occurs, with a better one."""
    flat = " ".join(text.split())
    found = [
        (match.group(), better)
        for phrase, better in BETTER.items()
        for match in re.finditer(rf"\b{phrase}\b", flat, re.IGNORECASE)
    ]
    return [f"{phrase!r}: better {better!r}" for phrase, better in found]


def test_the_texts_of_the_package_use_the_better_phrases() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {fault}"
        for path in package_files()
        for line, text in literals(path.read_text(encoding="utf-8"))
        for fault in faults(text)
    ]
    assert not found, "\n".join(found)


def test_the_pages_use_the_better_phrases() -> None:
    pages = sorted(path for path in (ROOT / "docs").glob("*.md") if path.name in READ_FIRST)
    assert {path.name for path in pages} == READ_FIRST
    found = [
        f"docs/{path.name}: {fault}"
        for path in pages
        for fault in faults(prose(path.read_text(encoding="utf-8")))
    ]
    assert not found, "\n".join(found)


READ_FIRST = {
    f"{name}.md"
    for name in (
        *("tour", "run", "baselines", "policy", "probes", "in-process", "recipes", "reliability"),
        *("start", "result-changed", "faq"),
        *("verdict", "not-judged", "report", "environments", "gpu", "gpu-situations", "cli"),
    )
}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Another number of CPUs is usable", "a different number of"),
        ("the pid is not\nknown", "is unknown"),
        ("A driver, be it old", "whether"),
    ],
)
def test_a_fault_names_the_better_phrase(text: str, fault: str) -> None:
    assert fault in faults(text)[0]


def test_code_and_quotations_in_a_page_are_exempt() -> None:
    page = 'Text `but for` and "but for"\n```console\nbut for\n```\nends.'
    assert not faults(prose(page))
