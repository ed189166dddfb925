"""A fingerprint as one page that is complete in itself."""

from __future__ import annotations

from collections.abc import Collection

from envprint.core.fingerprint import Fingerprint
from envprint.core.summary import summarise
from envprint.judging.unjudged import role_of
from envprint.outputs.html_fingerprints import PACKAGES, parts_of
from envprint.outputs.html_page import element, joined, page, row, table


def render(fingerprint: Fingerprint, only: Collection[str] | None = None) -> str:
    """The page; or the sections at the paths `only`."""
    summary = summarise(fingerprint)
    rows = [
        row("captured", f"{summary.captured_at} by envprint {fingerprint.envprint_version}"),
        row("digest", fingerprint.digest),
        *([row("note", fingerprint.note)] if fingerprint.note else []),
        *(row("tag", f"{key} = {value}") for key, value in fingerprint.tags.items()),
        *(row(topic, text) for topic, text in summary.lines if only is None),
    ]
    title = f"Environment {summary.label or summary.captured_at}"
    head = joined((element("h1", title), table("Environment", ("what", "value"), rows)))
    names = fingerprint.get(PACKAGES, {})
    roles = {name: role_of(name) or "" for name in names}
    return page(f"envprint: {title}", head, [*parts_of([fingerprint], only, roles)])
