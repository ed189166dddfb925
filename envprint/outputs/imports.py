"""Which libraries can be imported, for people: what fails first, with its error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envprint.core.report import DEVICES
from envprint.core.text import block, heading, table
from envprint.core.typed import Any

INDENT = 11
WHERE = {"cpu": f"{DEVICES['cpu']}, no GPU visible", "gpu": f"{DEVICES['gpu']}, all visible"}


def render(found: Mapping[str, Any], device: str, colour: bool = False) -> str:
    """The raw form of `envprint.probes.imports.measure` as text that ends with a newline."""
    lines = [
        *heading(f"imports, on {WHERE[device]}", colour),
        *block("", _in_words(found), indent=INDENT),
    ]
    for topic, text in _exceptions(found):
        lines += block(topic, text, indent=INDENT)
    works = {name: one for name, one in found.items() if one["ok"]}
    rows = ((_called(name, one), f"{one['seconds']:.1f} s") for name, one in works.items())
    shown = table(rows).splitlines() if works else []
    lines += [f"{'' if number else 'imports':<{INDENT}}{row}" for number, row in enumerate(shown)]
    return "\n".join(lines).lstrip("\n") + "\n"


def all_work(found: Mapping[str, Any]) -> bool:
    """Whether everything that has a module was imported."""
    return all(one["ok"] or one["module"] is None for one in found.values())


def _in_words(found: Mapping[str, Any]) -> str:
    tried = [one for one in found.values() if one["module"] is not None]
    fail = sum(one["ok"] is False for one in tried)
    slow = sum("refused" in one for one in tried)
    text = _libraries(len(tried)) if tried else "nothing to import"
    parts = [f"{fail} of them {'fails' if fail == 1 else 'fail'}"] if fail else []
    parts += [f"{slow} undecided"] if slow else []
    return "; ".join((text, *(parts or (["each can be imported"] if tried else []))))


def _libraries(count: int) -> str:
    return "1 library" if count == 1 else f"{count} libraries"


def _exceptions(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What failed, what is unknown, and what has nothing to import."""
    for name, one in found.items():
        if one["ok"] is False:
            when = "its first use: " if one["used"] is False else ""
            yield "FAILS", f"{_called(name, one)}: {when}{one['error']}"
    for name, one in found.items():
        if "refused" in one:
            yield "unknown", f"{_called(name, one)}: {one['refused']}"
    without = [name for name, one in found.items() if one["module"] is None]
    if without:
        yield "no module", ", ".join(without)


def _called(name: str, one: Mapping[str, Any]) -> str:
    """`scikit-learn 1.5.2 (sklearn)`."""
    text = f"{name} {one['version'] or ''}".rstrip()
    is_same = one["module"] == name.replace("-", "_")
    return text if is_same else f"{text} ({one['module']})"
