"""The way back from the current side to the baseline, as commands in the order to run them.

Packages come first, all that changed and each without its dependencies: a part of them would leave
an environment that neither side had. Then variables, then what else a rule has a command for. A
finding belongs to each step that changes what it is about; one without a step is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from envprint.core.fingerprint import VARIABLES, Fingerprint, split_path
from envprint.core.report import NOT_JUDGED, Finding, Report
from envprint.core.requirement import pinned
from envprint.core.shell import Command, command, commands, export, kind, unset
from envprint.core.typed import Any, NamedTuple
from envprint.core.versions import numbers
from envprint.core.way_back import InProgram, Step, WayBack, WithoutCommand
from envprint.knowledge.indexes import index_of
from envprint.rules.kit.packages import is_of_uv

_DISTRIBUTIONS = "facts.packages.distributions"
_PYTHON = "facts.python.version"
_HASH_SEED = "facts.python.hash_seed"


class _Open(NamedTuple):
    """Something that the way back is to remove."""

    rule: str
    message: str
    paths: tuple[str, ...]
    remedy: str
    note: str = ""


def way_back(report: Report, before: Fingerprint, after: Fingerprint) -> WayBack:
    """The steps from `after` to `before`, for the findings of their report."""
    open_ones = [*map(_of_finding, report.findings), *_unjudged(report)]
    found = list(_environment(report, before, after, open_ones))
    found += _variables(before, after, open_ones)
    reached = {one for _, ones in found for one in ones}
    left = [one for one in open_ones if one not in reached]
    for one in left:
        found += [(Step(text, (one.rule,), _about(one)), [one]) for text in commands(one.remedy)]
    return WayBack(
        tuple(_together(step for step, _ in found)),
        tuple(InProgram(one.remedy, one.rule) for one in left if kind(one.remedy) == "python"),
        tuple(
            WithoutCommand(one.rule, one.message, one.remedy)
            for one in left
            if kind(one.remedy) == "text"
        ),
    )


_Found = Iterator[tuple[Step, Sequence[_Open]]]


def _of_finding(finding: Finding) -> _Open:
    message = finding.message or finding.title
    return _Open(finding.rule, message, finding.paths, finding.remedy, finding.note)


def _unjudged(report: Report) -> Iterator[_Open]:
    for entry in report.unjudged:
        yield _Open(NOT_JUDGED, entry.message, (entry.path,), "Install what the baseline had.")


def _about(one: _Open) -> str:
    return "; ".join(filter(None, (one.message if one.rule == NOT_JUDGED else "", one.note)))


def _together(steps: Iterator[Step]) -> list[Step]:
    """The steps, those with the same command as one."""
    found: dict[str, Step] = {}
    for step in steps:
        known = found.get(step.command, Step(step.command, ()))
        removes = tuple(dict.fromkeys((*known.removes, *step.removes)))
        notes = dict.fromkeys(filter(None, (known.note, step.note)))
        found[step.command] = Step(step.command, removes, "; ".join(notes))
    return list(found.values())


# Packages, or the whole environment where Python itself is another one.


def _environment(
    report: Report, before: Fingerprint, after: Fingerprint, open_ones: Sequence[_Open]
) -> _Found:
    about = [one for one in open_ones if any(_distribution(path) for path in one.paths)]
    versions = [numbers(side.get(_PYTHON) or "")[:2] for side in (before, after)]
    if versions[0] != versions[1] and all(versions):
        about += [one for one in open_ones if _PYTHON in one.paths and one not in about]
        new = _recreated(report)
        if new:
            rules = tuple(dict.fromkeys(one.rule for one in about))
            note = f"Python {before.get(_PYTHON)} needs an environment of its own"
            yield Step(new, rules, note), about
            yield Step(". recreated/venv/bin/activate", rules), about
        return
    if about:
        yield from _packages(before, after, about)


def _recreated(report: Report) -> Command | None:
    """The command that builds the baseline's environment; None if nothing names the baseline."""
    reference = report.baseline.reference if report.baseline else None
    if reference in (None, "-", "now"):
        return None
    return command("envprint recreate {} -o recreated --venv recreated/venv", reference)


def _packages(before: Fingerprint, after: Fingerprint, about: Sequence[_Open]) -> _Found:
    """Two distributions may own the same files, so what came goes before what left comes back."""
    tool = _tool(after)
    changed = dict(_changed(before, after))
    for is_removal in (True, False):
        names = [name for name, entry in changed.items() if (entry is None) is is_removal]
        along = []
        for name in names:
            ones = [one for one in about if any(_distribution(p) == name for p in one.paths)]
            text = tool.remove(after, name) if is_removal else tool.install(before, name)
            if text and ones:
                rules = tuple(dict.fromkeys(one.rule for one in ones))
                note = "; ".join(dict.fromkeys(filter(None, map(_about, ones))))
                yield Step(text, rules, note), ones
            elif text:
                along.append(text)
        yield from ((Step(text, (), _ALONG), ()) for text in _joined(along))


_ALONG = "changed as well, and the others may need it"


def _joined(texts: Sequence[Command]) -> Iterator[str]:
    """The commands, those that differ in their last word only as one."""
    found: dict[str, list[str]] = {}
    for text in texts:
        start, _, word = text.rpartition(" ")
        found.setdefault(start, []).append(word)
    for start, words in found.items():
        yield " ".join((start, *words))


def _distribution(path: str) -> str | None:
    """The distribution that a path is inside; None for any other path."""
    is_one = path.startswith(f"{_DISTRIBUTIONS}[")
    return split_path(path)[3] if is_one else None


def _changed(
    before: Fingerprint, after: Fingerprint
) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Each distribution with another version or build, and what the baseline had."""
    was, now = (side.get(_DISTRIBUTIONS) or {} for side in (before, after))
    unknown = {*before.unknown, *after.unknown}
    for name in sorted(was.keys() | now.keys()):
        if f"{_DISTRIBUTIONS}[{name}].version" not in unknown:
            old, new = was.get(name), now.get(name)
            if old is None or new is None or _is_other(old, new):
                yield name, old


def _is_other(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return old.get("version") != new.get("version")


class _Tool(NamedTuple):
    """The commands of an installer that the current side has."""

    adds: str
    removes: str

    def remove(self, after: Fingerprint, name: str) -> Command | None:
        """The command that removes what only the current side has."""
        entry = after.get(f"{_DISTRIBUTIONS}[{name}]") or {}
        if pinned(name, "1") is None or name == "pip":  # it runs the other commands
            return None
        if entry.get("installer") == "conda":
            return command("conda remove --force --yes {}", name)
        return command(f"{self.removes} {{}}", name)

    def install(self, before: Fingerprint, name: str) -> Command | None:
        """The command that installs what the baseline had; None if no index has it."""
        entry = before.get(f"{_DISTRIBUTIONS}[{name}]") or {}
        version = entry.get("version")
        line = pinned(name, version) if isinstance(version, str) else None
        if entry.get("installer") == "conda":
            known = before.get(f"facts.packages.conda[{name}].build")
            words = line and "=".join(filter(None, (line.replace("==", "="), known)))
            return command("conda install --yes --no-deps {}", words)
        if (entry.get("origin") or {}).get("kind") not in ("index", None):
            return None
        place = index_of(name, version or "")
        if place:
            return command(f"{self.adds} --index-url {{}} {{}}", place, line)
        return command(f"{self.adds} {{}}", line)


_PIP = _Tool("pip install --no-deps", "pip uninstall --yes")
_UV = _Tool("uv pip install --no-deps", "uv pip uninstall")


def _tool(after: Fingerprint) -> _Tool:
    return _UV if is_of_uv(after) else _PIP


# Variables.


def _variables(before: Fingerprint, after: Fingerprint, open_ones: Sequence[_Open]) -> _Found:
    names: dict[str, list[_Open]] = {}
    for one in open_ones:
        for path in one.paths:
            if path.startswith(f"{VARIABLES}["):
                names.setdefault(split_path(path)[3], []).append(one)
            elif path == _HASH_SEED:
                names.setdefault("PYTHONHASHSEED", []).append(one)
    for name, ones in names.items():
        text = _assignment(before, after, name)
        if text:
            rules = tuple(dict.fromkeys(one.rule for one in ones))
            yield Step(text, rules), ones


def _assignment(before: Fingerprint, after: Fingerprint, name: str) -> Command | None:
    """The command that gives a variable the baseline's value, if the current one is another."""
    path = f"{VARIABLES}[{name}]"
    if {path, VARIABLES} & {*before.unknown, *after.unknown}:
        return None
    was, now = before.get(path), after.get(path)
    if was == now and name == "PYTHONHASHSEED":
        seed = before.get(_HASH_SEED)
        return export(name, seed) if seed and seed.isdecimal() else unset(name)
    if was == now:
        return None
    return unset(name) if was is None else export(name, was) if isinstance(was, str) else None
