"""What is meant to differ between machines, and how two that differ in nothing else are known.

The names of cards, processes and hosts do: `knowledge/meant_to_differ.json` lists them with the
reason, and a policy adds its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from envprint import knowledge
from envprint.core.fingerprint import Fingerprint, split_path
from envprint.core.typed import Any, NamedTuple
from envprint.judging.policy.model import matches

TABLE = "meant_to_differ"
_GONE = object()
_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = rf"(?<![\w.])(?:{_BYTE}\.){{3}}{_BYTE}(?![\w.])"
_IPV6 = r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:.])"
_IPV6 += r"|(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}(?![\w:.])"
_NAMES_ONE = re.compile(f"{_UUID}|{_IPV4}|{_IPV6}")


class MeantToDiffer(NamedTuple):
    """A place whose value is meant to differ, and what of it has to agree all the same."""

    steps: tuple[str, ...]
    """Of the path; `*` in a step matches anything."""
    kept: str
    reason: str


def places(of_policy: Iterable[tuple[str, str]] = ()) -> tuple[MeantToDiffer, ...]:
    """Those of the policy (path and reason), then those of the table."""
    listed = (
        *((path, "nothing", reason) for path, reason in of_policy),
        *((one["path"], one["kept"], one["reason"]) for one in knowledge.entries(TABLE)),
    )
    return tuple(
        MeantToDiffer(tuple(split_path(path)), kept, reason) for path, kept, reason in listed
    )


class Likeness:
    """Compares sections without what is meant to differ."""

    def __init__(self, listed: Iterable[MeantToDiffer]) -> None:
        self._places: dict[str, list[MeantToDiffer]] = {}
        for place in listed:
            if place.steps[:1] == ("facts",) and len(place.steps) > 2:
                self._places.setdefault(place.steps[1], []).append(place)

    @property
    def sections(self) -> frozenset[str]:
        """Names of the sections in which something is meant to differ."""
        return frozenset(self._places)

    def normal(self, name: str, section: Any) -> Any:
        """The section without what is meant to differ; a copy."""
        for place in reversed(self._places.get(name, ())):
            section = _edited(section, place.steps[2:], _keeping(place.kept, section))
        return section

    def levelled(self, before: Fingerprint, after: Fingerprint) -> Fingerprint:
        """`after` with the values of `before` wherever they are meant to differ.

        The state of a moment is that of one machine and not of its group, so it is the same.
        """
        facts = dict(after.facts)
        for name in self.sections & before.facts.keys() & after.facts.keys():
            facts[name] = self._level(name, before.facts[name], after.facts[name])
        unknown = {p: why for p, why in after.unknown.items() if not p.startswith("live.")}
        unknown |= {p: why for p, why in before.unknown.items() if p.startswith("live.")}
        return after._replace(facts=facts, live=before.live, unknown=unknown)

    def _level(self, name: str, before: Any, after: Any) -> Any:
        if self.normal(name, before) == self.normal(name, after):
            return before
        for place in reversed(self._places[name]):
            steps = place.steps[2:]
            after = _with(before, after, steps, (_keeping(place.kept, s) for s in (before, after)))
        return after


Keeping = Callable[[Any], Any]


def _keeping(kept: str, section: Any) -> Keeping:
    """From a value to what of it has to agree."""
    if kept == "nothing":
        return lambda value: _GONE
    if kept == "count":
        return _count
    if kept == "models":
        names = dict(_cards(section))
        return lambda value: (
            [names.get(one, one) for one in value] if isinstance(value, list) else value
        )
    return lambda value: _NAMES_ONE.sub("…", value) if isinstance(value, str) else value


def _count(value: Any) -> Any:
    """How many devices a list of them names; what names none stays as it is."""
    if not isinstance(value, str) or value.strip() in ("", "-1", "all", "none", "void"):
        return value
    return f"{len(value.split(','))} devices"


def _cards(section: Any) -> Iterable[tuple[str, str]]:
    """UUID and model of each card and of each part of one."""
    devices = section.get("devices") if isinstance(section, Mapping) else None
    for one in (devices or {}).values():
        if isinstance(one, Mapping):
            yield str(one.get("uuid")), str(one.get("name"))
            for part in one.get("mig_devices") or ():
                if isinstance(part, Mapping):
                    yield str(part.get("uuid")), f"part of {one.get('name')}"


def _edited(value: Any, steps: Sequence[str], keeping: Keeping) -> Any:
    """`value` with what `keeping` makes of every place that the steps lead to."""
    if not steps:
        return keeping(value)
    first, rest = steps[0], steps[1:]
    if isinstance(value, list) and first == "*":
        return [_edited(item, rest, keeping) for item in value]
    if not isinstance(value, Mapping):
        return value
    edited = {
        key: _edited(item, rest, keeping) if matches(first, key) else item
        for key, item in value.items()
    }
    return {key: item for key, item in edited.items() if item is not _GONE}


def without(value: Any, steps: Sequence[str]) -> Any:
    """`value` without what stands at the end of these steps; a copy."""
    if not isinstance(value, Mapping) or not steps:
        return _GONE
    first, rest = steps[0], steps[1:]
    if first not in value:
        return value
    less = without(value[first], rest)
    return {
        **{key: item for key, item in value.items() if key != first},
        **({} if less is _GONE else {first: less}),
    }


def _with(before: Any, after: Any, steps: Sequence[str], keeping: Iterable[Keeping]) -> Any:
    """`after` with the value of `before` at every such place where the two agree enough."""
    of_before, of_after = keeping
    return _taken(before, after, steps, lambda old, new: of_before(old) == of_after(new))


def _taken(before: Any, after: Any, steps: Sequence[str], agree: Callable[[Any, Any], bool]) -> Any:
    if not steps:
        return before if agree(before, after) else after
    first, rest = steps[0], steps[1:]
    if isinstance(after, list) and isinstance(before, list) and first == "*":
        pairs = zip(before, after, strict=False)
        return [_taken(old, new, rest, agree) for old, new in pairs] + after[len(before) :]
    if not isinstance(after, Mapping) or not isinstance(before, Mapping):
        return after
    found = {
        key: _taken(before.get(key), item, rest, agree) if matches(first, key) else item
        for key, item in after.items()
    }
    # What only the baseline has, and is meant to differ, is there as well.
    for key, item in before.items():
        if key not in found and not rest and matches(first, key) and agree(item, None):
            found[key] = item
    return {key: item for key, item in found.items() if item is not None or after.get(key) is None}
