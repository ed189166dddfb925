"""A fingerprint as Markdown, such as the environment block of an issue: the head, all else folded.

It is for posting, so it is public, always. At most 60,000 characters; what does not fit is counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from envprint.core.fingerprint import Fingerprint
from envprint.core.summary import summarise
from envprint.core.typed import Any
from envprint.outputs.fingerprint import (
    absent,
    are_versions,
    present,
    sections,
    unknown_inside,
    with_version,
)
from envprint.outputs.markdown_text import Fold, code, fitted, head, prose, row
from envprint.outputs.public import public_one

REST = "`envprint show --public --format json` has all of it"


def render(fingerprint: Fingerprint, only: Collection[str] | None = None) -> str:
    """The fingerprint as Markdown that ends with a newline; or the sections at the paths `only`."""
    fingerprint = public_one(fingerprint)
    rows = [row(prose(name), code(text)) for name, text in _about(fingerprint, only is None)]
    folds = [
        Fold(path.removeprefix("facts."), [*_rows(path, fields, fingerprint.unknown)], head("", ""))
        for path, fields in sections(fingerprint)
        if only is None or path in only
    ]
    return fitted(["\n".join((head("", "environment"), *rows))], folds, REST)


def _about(fingerprint: Fingerprint, is_whole: bool) -> Iterator[tuple[str, str]]:
    summary = summarise(fingerprint)
    yield "captured", f"{summary.captured_at} by envprint {fingerprint.envprint_version}"
    if is_whole:
        yield "digest", fingerprint.digest
        yield from summary.lines


def _rows(path: str, fields: Mapping[str, Any], unknown: Mapping[str, str]) -> Iterator[str]:
    lists = {name: value for name, value in fields.items() if are_versions(value)}
    for name, text in present({name: fields[name] for name in fields if name not in lists}):
        yield row(code(name), code(text))
    for entries in lists.values():
        for name, entry in entries.items():
            yield row(code(name), code(with_version("", entry).strip()))
    if empty := absent(fields):
        yield row("none", code(", ".join(empty)))
    for name, reason in unknown_inside(path, unknown):
        yield row(code(name), f"unknown: {prose(reason)}")
