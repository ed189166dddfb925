"""Policies in TOML (`envprint.toml`).

Every key is checked, because a policy that is silently not applied is worse than none.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from envprint.errors import PolicyError
from envprint.fields import TEXT, Field, ListOf, MapOf, Record, Scalar, ShapeFault, record, require
from envprint.model import IMPACT_WORDS, Impact
from envprint.policy import UNKNOWN_ACTIONS, Ignore, Policy
from envprint.workload import FRAMEWORKS

DATE = Scalar("date", (str,))

SHAPE = record(
    Field("fail_on", TEXT, "Exit code 1 from this impact on: " + ", ".join(IMPACT_WORDS) + "."),
    Field("on_unknown", TEXT, "What an undecided rule does: ignore, warn or fail (exit code 3)."),
    Field(
        "frameworks", ListOf(TEXT), "The frameworks of the workload: " + ", ".join(FRAMEWORKS) + "."
    ),
    Field("device", TEXT, "The device of the workload: cpu or gpu."),
    Field("impact", MapOf(TEXT, "rule"), "A rule's impact for this team."),
    Field(
        "ignore",
        ListOf(
            record(
                Field("rule", TEXT, "Rule id or pattern (`*` stands for anything)."),
                Field("path", TEXT, "Path or pattern of the fingerprint."),
                Field("reason", TEXT, "Why; required."),
                Field("expires", DATE, "Last day on which it holds, such as 2027-01-31."),
            )
        ),
        "Findings left out.",
    ),
)


def parse_policy(content: bytes, name: str, today: str) -> Policy:
    """The policy in the TOML `content`; entries that expired before `today` (ISO date) do not hold.

    Raises `PolicyError`, which begins with `name`.
    """
    data = _parse_toml(content, name)
    try:
        require(SHAPE, data)
    except ShapeFault as fault:
        place = fault.path.lstrip(".")
        raise PolicyError(
            f"{name}: {place}: expected {fault.expected}, found {fault.found}"
        ) from None
    _refuse_unknown_keys(data, SHAPE, name, "")
    return Policy(
        fail_on=_impact(data.get("fail_on", "numeric"), f"{name}: fail_on"),
        on_unknown=_one_of(data.get("on_unknown", "warn"), UNKNOWN_ACTIONS, f"{name}: on_unknown"),
        frameworks=tuple(
            _one_of(item, FRAMEWORKS, f"{name}: frameworks") for item in data.get("frameworks", ())
        ),
        device=_one_of(data["device"], ("cpu", "gpu"), f"{name}: device")
        if "device" in data
        else None,
        impacts={
            rule: _impact(word, f"{name}: impact.{rule}")
            for rule, word in data.get("impact", {}).items()
        },
        ignores=tuple(_ignores(data.get("ignore", []), name, today)),
    )


def _parse_toml(content: bytes, name: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        data = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise PolicyError(f"{name}: not UTF-8 text (byte {error.start})") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PolicyError(f"{name}: not valid TOML: {error}") from None
    for entry in data.get("ignore", []) if isinstance(data.get("ignore"), list) else []:
        if isinstance(entry, dict) and hasattr(entry.get("expires"), "isoformat"):
            entry["expires"] = entry["expires"].isoformat()[:10]
    return data


def _refuse_unknown_keys(data: Mapping[str, Any], shape: Record, name: str, place: str) -> None:
    known = {field.name: field.shape for field in shape.fields}
    for key, value in data.items():
        if key not in known:
            raise PolicyError(
                f"{name}: {place}{key}: unknown key; known: {', '.join(sorted(known))}"
            )
        inner = known[key]
        if isinstance(inner, ListOf) and isinstance(inner.item, Record):
            for number, entry in enumerate(value):
                _refuse_unknown_keys(entry, inner.item, name, f"{key}[{number}].")


def _ignores(entries: list[Mapping[str, str]], name: str, today: str) -> Iterator[Ignore]:
    for number, entry in enumerate(entries):
        place = f"{name}: ignore[{number}]"
        if not entry.get("reason", "").strip():
            raise PolicyError(f"{place}: a reason is required")
        if "rule" not in entry and "path" not in entry:
            raise PolicyError(f"{place}: expected a rule or a path")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", entry.get("expires", today)):
            raise PolicyError(f"{place}: expires: expected a date such as 2027-01-31")
        if entry.get("expires", today) >= today:
            yield Ignore(
                entry.get("rule", "*"),
                entry.get("path", "*"),
                entry["reason"],
                entry.get("expires"),
            )


def _impact(word: str, place: str) -> Impact:
    return Impact[_one_of(word, IMPACT_WORDS, place).upper()]


def _one_of(word: str, allowed: tuple[str, ...], place: str) -> str:
    if word not in allowed:
        raise PolicyError(f"{place}: expected one of {', '.join(allowed)}; found {word!r}")
    return word
