"""The policy in force, entry by entry, with the source of each."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.judging.policy.model import Accept, Entry, Policy
from envprint.judging.policy.toml import TABLE, is_pyproject, lines_of

DEFAULT = "default"


def rows(policy: Policy, name: str | None, text: str) -> list[tuple[str, str, str]]:
    """(key, value, source) of everything in force; the source is a line or `default`."""
    lines = lines_of(text)
    prefix = TABLE if name and is_pyproject(name) else ()

    def source(*path: str) -> str:
        for length in range(len(path), 0, -1):
            line = lines.get((*prefix, *path[:length]))
            if line:
                return f"line {line}"
        return DEFAULT

    return [(key, value, source(*path)) for path, key, value in _rows(policy)]


def _rows(policy: Policy) -> Iterator[tuple[tuple[str, ...], str, str]]:
    yield ("fail_on",), "fail_on", policy.fail_on.word
    yield ("on_unknown",), "on_unknown", policy.on_unknown
    frameworks = ", ".join(policy.frameworks) or "those installed"
    yield ("frameworks",), "frameworks", frameworks
    yield ("device",), "device", policy.device or "gpu when one is visible"
    for rule, impact in policy.impacts.items():
        yield ("impact", rule), f"impact.{rule}", impact.word
    yield from _required(policy)
    for kind, entries in (("ignore", policy.ignores), ("expect", policy.expects)):
        for number, entry in enumerate(entries):
            yield (kind, str(number)), entry.place, _entry_text(entry)
    for number, accept in enumerate(policy.accepts):
        yield ("accept", str(number)), accept.place, _accept_text(accept)


def _required(policy: Policy) -> Iterator[tuple[tuple[str, ...], str, str]]:
    required = policy.required
    if required.min_free_gpu_bytes is not None:
        amount = f"{required.min_free_gpu_bytes} bytes"
        yield ("require", "min_free_gpu"), "require.min_free_gpu", amount
    if required.gpus is not None:
        yield ("require", "gpus"), "require.gpus", str(required.gpus)
    if required.switches:
        yield ("require", "switches"), "require.switches", ", ".join(required.switches)
    for kind, values in (("variables", required.variables), ("packages", required.packages)):
        for name, value in values.items():
            yield ("require", kind, name), f"require.{kind}.{name}", value or "empty"


def _entry_text(entry: Entry) -> str:
    what = entry.rule if entry.rule != "*" else entry.path
    if entry.rule != "*" and entry.path != "*":
        what = f"{entry.rule} at {entry.path}"
    return f"{what}: {_reason(entry)}"


def _accept_text(accept: Accept) -> str:
    who = accept.package if accept.package != "*" else "any package"
    role = f" of role {accept.role}" if accept.role != "*" else ""
    step = "any change" if accept.step == "any" else f"up to a {accept.step} step"
    return f"{who}{role}, {step}: {_reason(accept)}"


def _reason(entry: Entry | Accept) -> str:
    until = f", until {entry.expires}" if entry.expires else ""
    expired = ", which is over" if entry.has_expired else ""
    return f"{entry.reason}{until}{expired}"
