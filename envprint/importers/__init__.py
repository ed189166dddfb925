"""Somebody else's records as fingerprints: one module per form, found by file name.

A form is recognised by its content. What a record does not hold is unknown with that reason, never
absent, so that no verdict over it is better than what it knows. Nothing here is loaded for
envprint's own documents.
"""

from __future__ import annotations

from importlib import import_module

from envprint import importers as package
from envprint.core.discovery import module_names
from envprint.core.errors import DocumentError
from envprint.core.fingerprint import Fingerprint
from envprint.core.suggest import did_you_mean
from envprint.core.typed import TYPE_CHECKING, NamedTuple
from envprint.importers._fingerprint import fingerprint_of
from envprint.importers._found import Found, combined
from envprint.importers._source import Source

if TYPE_CHECKING:
    from typing import Protocol

    class Importer(Protocol):
        """A module that reads one form of record."""

        TITLE: str
        """What it is called in a sentence, such as `a pip freeze`."""

        def recognises(self, source: Source) -> bool:
            """Whether the content has this form."""

        def read(self, source: Source) -> Found:
            """What it holds. Raises `DocumentError`, which names the place."""

    class PartImporter(Importer, Protocol):
        """One whose record people paste into a text, with other words around it."""

        IS_PART: bool


PASTED = "pasted-text"
"""What a text is called in which several records were found."""


def forms() -> list[str]:
    """The names of all forms, as `--from` takes them."""
    return [name.replace("_", "-") for name in module_names(package)]


def imported(content: bytes, name: str, form: str | None = None) -> Fingerprint:
    """The record in `content`; `form` is taken as given, else recognised. Raises `DocumentError`,
    whose message begins with `name`.
    """
    source = Source.of(content, name, is_named=form is not None)
    if form is not None:
        return _read([_Part(_named(form, name), source)], name)
    if isinstance(source.json, dict) and {"schema_version", "facts"} <= source.json.keys():
        raise DocumentError(f"{name}: it is a fingerprint already, which every verb reads")
    found = _recognised(source)
    if not found:
        raise DocumentError(f"{name}: no record of a known form: {', '.join(forms())}")
    return _read(found, name)


def instead(content: bytes, name: str, fault: DocumentError) -> Fingerprint:
    """The record in what is no fingerprint, for that reason. Raises `fault` if it is none either,
    and whatever is wrong with the record.
    """
    try:
        source = Source.of(content, name)
    except DocumentError:
        raise fault from None
    found = _recognised(source)
    if found:
        return _read(found, name)
    if source.json is None and not source.text.lstrip().startswith("{"):
        # Nobody who names a list of packages expects to read about JSON alone.
        raise DocumentError(f"{fault}, and it is no record of another tool that envprint knows")
    raise fault


def _named(form: str, name: str) -> str:
    if form not in forms():
        raise DocumentError(f"{name}: no form {form[:60]!r}; {did_you_mean(form, forms())}")
    return form


class _Part(NamedTuple):
    """A record, and its form."""

    form: str
    source: Source


def _recognised(source: Source) -> list[_Part]:
    """The form of the whole; else those of the records that were pasted into it."""
    found = [form for form in forms() if _module(form).recognises(source)]
    whole = [form for form in found if not _is_part(form)]
    if whole:
        return [_Part(whole[0], source)]
    parts = [_Part(form, source) for form in found]
    for block in source.blocks():
        inside = [form for form in forms() if not _is_part(form)]
        first = next((form for form in inside if _module(form).recognises(block)), None)
        parts += [_Part(first, block)] if first else []
    return parts


def _is_part(form: str) -> bool:
    return getattr(_module(form), "IS_PART", False)


def _module(form: str) -> Importer:
    module: Importer = import_module(f"{__name__}.{form.replace('-', '_')}")
    return module


def _read(parts: list[_Part], name: str) -> Fingerprint:
    titles = dict.fromkeys(_module(form).TITLE for form, _ in parts)
    found = list(dict.fromkeys(form for form, _ in parts))
    try:
        together = combined([_module(form).read(source) for form, source in parts])
    except ValueError as fault:  # more of something than any machine has
        raise DocumentError(f"{name}: {fault}") from None
    form = found[0] if len(found) == 1 else f"{PASTED} ({', '.join(found)})"
    return fingerprint_of(together, " and ".join(titles), form, name)
