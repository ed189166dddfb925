"""From two fingerprints and their report to what trials can switch, likely causes first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from envprint.core.comparison import Change, Comparison
from envprint.core.fingerprint import around
from envprint.core.hidden import is_inside_of
from envprint.core.isolation import AFFINITY, PACKAGE, PYTHON, VARIABLE, Fixed, Plan, Switch
from envprint.core.report import Report
from envprint.core.switches import VARIABLES
from envprint.core.typed import Any
from envprint.core.versions import numbers
from envprint.isolate.variables import is_trusted

CPUS = "facts.cpu.usable_threads"
_VARIABLE = re.compile(r"facts\.environ\.variables\[(.+)\]")
_DISTRIBUTION = re.compile(r"facts\.packages\.distributions\[([^]]+)\](?:\.(\w+))?")
_FRAMEWORK = re.compile(r"facts\.frameworks\.(\w+)\.")
_SETTING = re.compile(r"facts\.determinism\.switches\[([^]]+)\]")
_ORIGINS = {
    "editable": "an editable installation",
    "local": "installed from a directory",
    "archive": "installed from a file",
    "vcs": "installed from version control",
}
_MACHINE = {
    "facts.cpu.": "the processor", "facts.gpu.": "the GPU and its driver", "facts.cuda.": "CUDA",
    "facts.rocm.": "ROCm", "facts.os.kernel_": "the kernel", "facts.os.libc": "the C library",
    "facts.container.": "the container", "facts.code.file_system": "the working directory",
}  # fmt: skip
"""Sections of what a process cannot change, as a person calls them."""
_CODE = tuple(f"facts.code.{name}" for name in ("commit", "dirty", "diff_digest", "submodules"))
THE_CODE = "the code"


def plan(comparison: Comparison, report: Report, cpus: int, *, trust: bool = False) -> Plan:
    """What differs, as switches; `cpus` is how many processors this process may use.

    With `trust`, variables of documents that name code to load are switches as well.
    """
    switches: dict[str, Switch] = {}
    fixed: list[Fixed] = list(_unknown(comparison))
    for change in comparison.changes:
        made = _switch(change, comparison, cpus)
        if isinstance(made, Switch) and made.kind == VARIABLE:
            made = _trusted(made, comparison, trust=trust)
        if isinstance(made, Switch):
            switches.setdefault(made.name, made)
        elif made is not None:
            fixed.append(made)
    fixed += [Fixed(_last_key(path), "its values are hidden") for path in comparison.hidden]
    ranked = _ranked(list(switches.values()), report)
    return Plan(tuple(ranked), tuple(dict.fromkeys([*fixed, *_machine(comparison.changes)])))


def _switch(change: Change, comparison: Comparison, cpus: int) -> Switch | Fixed | None:
    if change.path == CPUS:
        return _affinity(change, cpus)
    if change.path == "facts.python.version":
        return Switch(PYTHON, PYTHON, "Python", change.before, change.after)
    if found := _VARIABLE.fullmatch(change.path):
        return _variable(found[1], change.before, change.after)
    if found := _DISTRIBUTION.fullmatch(change.path):
        return _package(found[1], comparison)
    return None


def _affinity(change: Change, cpus: int) -> Switch | Fixed:
    most = max(change.before or 0, change.after or 0)
    if most > cpus:
        return Fixed(f"CPUs {change.before} → {change.after}", f"this process may use {cpus}")
    return Switch(AFFINITY, AFFINITY, "CPUs", change.before, change.after)


def _variable(name: str, before: Any, after: Any) -> Switch | Fixed:
    if any(is_inside_of(side) for side in (before, after)):
        return Fixed(name, "its value is hidden")
    return Switch(f"{VARIABLE} {name}", VARIABLE, name, before, after)


def _trusted(switch: Switch, comparison: Comparison, *, trust: bool) -> Switch | Fixed:
    sides = ((switch.before, comparison.before), (switch.after, comparison.after))
    for value, side in sides:
        if value is not None and not is_trusted(switch.what, side, trust=trust):
            return Fixed(switch.what, "a document may not set it; --trust sets one that names code")
    return switch


def _package(name: str, comparison: Comparison) -> Switch | Fixed | None:
    path = f"facts.packages.distributions[{name}]"
    sides = [side.get(path, {}) for side in (comparison.before, comparison.after)]
    before, after = (side.get("version") for side in sides)
    for side in sides:
        kind = (side.get("origin") or {}).get("kind")
        if kind in _ORIGINS:
            return Fixed(f"{name} {side.get('version')}", _ORIGINS[kind])
    if before == after:
        if _is_other_minor(comparison):
            return None  # each Python has its own wheel, which goes with it
        builds = [side.get("build_id") for side in sides]
        is_other = None not in builds and builds[0] != builds[1]
        return Fixed(f"{name} {before}", "a different build of one version") if is_other else None
    return Switch(f"{PACKAGE} {name}", PACKAGE, name, before, after)


def _is_other_minor(comparison: Comparison) -> bool:
    sides = (side.get("facts.python.version") for side in (comparison.before, comparison.after))
    before, after = (numbers(side)[:2] if isinstance(side, str) else () for side in sides)
    return bool(before and after and before != after)


def _unknown(comparison: Comparison) -> Iterator[Fixed]:
    for path, what in (
        ("facts.environ.variables", "variables"),
        ("facts.packages.distributions", "packages"),
        (CPUS, "the number of CPUs"),
    ):
        for side in (comparison.before, comparison.after):
            unknown = (side.unknown[place] for place in around(path) if place in side.unknown)
            reason = next(unknown, None)
            if reason is not None:
                yield Fixed(what, f"unknown on one side: {reason}")


def _machine(changes: Iterable[Change]) -> Iterator[Fixed]:
    """What belongs to the machine, one line each section."""
    for start, what in _MACHINE.items():
        paths = [c.path for c in changes if c.path.startswith(start) and c.path != CPUS]
        if paths:
            fields = list(dict.fromkeys(path[len(start) :].split("[")[0] for path in paths))
            more = f" and {len(fields) - 3} more" if len(fields) > 3 else ""
            yield Fixed(what, f"belongs to the machine ({', '.join(fields[:3])}{more})")
    if any(change.path.startswith(_CODE) for change in changes):
        yield Fixed(THE_CODE, "every trial runs what is here; --with-code switches the commit")


def _ranked(switches: list[Switch], report: Report) -> list[Switch]:
    """In the report's order: likely causes, findings, what is not judged, then the rest."""
    likely = [finding for finding in report.findings if finding.rule in report.likely_causes]
    likely.sort(key=lambda finding: report.likely_causes.index(finding.rule))
    ranks: dict[str, int] = {}
    rules: dict[str, list[str]] = {}
    for finding in (*likely, *report.findings):
        for name in _touched(finding.paths, switches):
            ranks.setdefault(name, len(ranks))
            if finding.rule not in rules.setdefault(name, []):
                rules[name].append(finding.rule)
    for entry in report.unjudged:
        for name in _touched([entry.path], switches):
            ranks.setdefault(name, len(ranks))
    kinds = (VARIABLE, AFFINITY, PYTHON, PACKAGE)
    ordered = sorted(
        switches, key=lambda one: (ranks.get(one.name, len(ranks)), kinds.index(one.kind))
    )
    return [one._replace(rules=tuple(rules.get(one.name, ()))) for one in ordered]


def _touched(paths: Iterable[str], switches: Iterable[Switch]) -> Iterator[str]:
    names = {(switch.kind, switch.what): switch.name for switch in switches}
    for path in paths:
        for key in _keys(path):
            if key in names:
                yield names[key]


def _keys(path: str) -> Iterator[tuple[str, str]]:
    """The kind and name of the switches that a path may be about."""
    if path == CPUS:
        yield AFFINITY, "CPUs"
    elif path.startswith("facts.python."):
        yield PYTHON, "Python"
    elif found := _VARIABLE.fullmatch(path):
        yield VARIABLE, found[1]
    elif (found := _DISTRIBUTION.match(path)) or (found := _FRAMEWORK.match(path)):
        yield PACKAGE, found[1]
    elif found := _SETTING.match(path):
        for variable, setting in VARIABLES.items():
            if setting == found[1]:
                yield VARIABLE, variable


def _last_key(path: str) -> str:
    return path.rpartition("[")[2].rstrip("]")
