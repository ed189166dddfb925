"""Which changes of libraries nobody has judged: what takes part in training, and no rule explains.

A library takes part by its role in `knowledge/roles.json`, else by what its own metadata told at
the capture. A step between two versions that were measured to give equal bits is judged.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from functools import partial

from envprint import knowledge
from envprint.core.comparison import Change, Comparison
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import FRAMEWORKS, REQUESTED, around, split_path
from envprint.core.impact import Impact
from envprint.core.report import NOT_JUDGED, UNKNOWN_PART, Expected, Undecided, Unjudged
from envprint.core.typed import NamedTuple
from envprint.core.versions import is_below
from envprint.core.workload import Workload
from envprint.judging.evaluate import Open
from envprint.judging.policy.accept import accepted
from envprint.judging.policy.model import Policy
from envprint.judging.unjudged_variables import unjudged_variables
from envprint.knowledge import roles
from envprint.rules.kit.packages import (
    CONDA,
    DISTRIBUTIONS,
    equal_for_all,
    needs_another_wheel,
    version_path,
)

_MAKE_RESULTS = ("framework", "trains", "computes")
"""Roles of what makes a result itself, before what prepares data for it."""
_FIELD = {
    **{name: name.replace("-", "_") for name in (*FRAMEWORKS, "scipy", "keras")},
    **{f"tensorflow-{kind}": "tensorflow" for kind in ("cpu", "gpu", "intel", "macos")},
}
"""Distributions whose version the section `frameworks` has, too, and the name it has there."""


class Look(NamedTuple):
    """What is judged, and for which job."""

    comparison: Comparison
    workload: Workload
    is_elsewhere: bool
    """Whether the sides are two environments: what one of them alone has explains itself."""


class Step(NamedTuple):
    """A change of one distribution: its place and both values."""

    path: str
    before: str | None
    after: str | None


def unjudged(
    comparison: Comparison,
    unexplained: Sequence[Change],
    workload: Workload,
    *,
    is_elsewhere: bool = False,
) -> tuple[tuple[Unjudged, ...], tuple[Change, ...]]:
    """The changes of libraries that take part and that nobody has judged, and all other changes.

    `unexplained` are the changes that no rule recognises. The libraries that the job names or
    imports come first, then those that were installed by name, and of these what trains or
    computes; those of which nothing is known come last.
    """
    places = {change.path: change for change in unexplained}
    names = sorted({name for place in places for name in _named(place)})
    steps = ((name, _first(comparison, name, places)) for name in names)
    moved = [(name, step) for name, step in steps if step]
    look = Look(comparison, workload, is_elsewhere)
    found = (_entry(look, name, step) for name, step in moved)
    entries = sorted(filter(None, found), key=partial(_order, workload, _requested(comparison)))
    traces = {trace for entry in entries for trace in _traces(entry.name)}
    variables = unjudged_variables(comparison, unexplained, workload)
    entries += variables
    traces |= {entry.path for entry in variables}
    left = (change for change in unexplained if traces.isdisjoint(around(change.path)))
    return tuple(entries), tuple(left)


def settle(
    comparison: Comparison,
    unexplained: Sequence[Change],
    workload: Workload,
    policy: Policy,
    *,
    is_elsewhere: bool,
) -> Open:
    """The same, and what the policy accepts, ignores or expects of it."""
    found, others = unjudged(comparison, unexplained, workload, is_elsewhere=is_elsewhere)
    agreed, expected, left = [], [], []
    for entry in found:
        meant = policy.expected(NOT_JUDGED, (entry.path,))
        if one := accepted(policy, entry):
            agreed.append(one)
        elif meant:
            expected.append(Expected(None, entry.path, entry.message, meant.reason))
        else:
            left.append(entry)
    unknown = unknown_versions(comparison, workload)
    undecided = (entry._replace(impact=policy.reach(entry)) for entry in unknown)
    newer = tuple(newer_than_known(comparison))
    return Open(found, tuple(left), tuple(agreed), tuple(expected), others, tuple(undecided), newer)


def newer_than_known(comparison: Comparison) -> Iterator[str]:
    """The changed packages whose current version is later than the newest release that was known
    when the knowledge was written. What `knowledge/newest_releases.json` does not list is not
    among them: nothing is known of its releases.
    """
    steps = map(split_path, comparison.under(DISTRIBUTIONS))
    # Where a side has no list at all, the list has changed as a whole.
    for name in dict.fromkeys(place[3] for place in steps if len(place) > 3):
        known = knowledge.about("newest_releases", name)
        if known:
            path = f"{DISTRIBUTIONS}[{name}].version"
            before, after = comparison.before.get(path), comparison.after.get(path)
            if after and after != before and is_below(known[0]["version"], after):
                yield f"{name} {after}"


def unknown_versions(comparison: Comparison, workload: Workload) -> Iterator[Undecided]:
    """Libraries that take part, and whose version is unknown on a side that has them, or of which
    it is unknown whether that side has them.
    """
    reasons = {**comparison.before.unknown, **comparison.after.unknown}
    for path, reason in reasons.items():
        place = split_path(path) if path.startswith(f"{DISTRIBUTIONS}[") else []
        is_version = len(place) == 5 and place[4] == "version"
        if is_version or len(place) == 4:
            sides = (comparison.before, comparison.after)
            known = [side.get(f"{DISTRIBUTIONS}[{place[3]}]") for side in sides]
            # Of a whole entry one side is enough: the other one may have it, or not.
            is_concerned = all(known) if is_version else any(known)
            if is_concerned and _part(Look(comparison, workload, is_elsewhere=False), place[3]):
                yield Undecided(NOT_JUDGED, path, reason, Impact.NUMERIC)


def role_of(name: str) -> str | None:
    """The role in the table by which it takes part, else its first role; None without one."""
    entry = roles.listed(name)
    parts = entry["roles"] if entry else ()
    return next((role for role in parts if role not in knowledge.NO_PART), next(iter(parts), None))


def _order(
    workload: Workload, requested: Container[str], entry: Unjudged
) -> tuple[bool, int, bool, bool]:
    certainty = 0 if entry.role != UNKNOWN_PART else 1 if entry.derived else 2
    return (
        entry.name not in workload.libraries,
        certainty,
        entry.name not in requested,
        entry.role not in _MAKE_RESULTS,
    )


def _requested(comparison: Comparison) -> Container[str]:
    """What either side installed by name; empty if no installer recorded it."""
    sides = (comparison.after, comparison.before)
    return {name for side in sides for name in side.get(REQUESTED, ())}


def _named(path: str) -> Iterator[str]:
    """The distribution that a change is about, if it is about one."""
    if path.startswith((f"{DISTRIBUTIONS}[", f"{CONDA}[")):
        yield from split_path(path)[3:4]
    elif path.startswith("facts.frameworks.") and path.endswith(".version"):
        field = split_path(path)[2]
        yield from (name for name in _FIELD if name.replace("-", "_") == field)


def _traces(name: str) -> Iterator[str]:
    """The places where a change of the distribution shows."""
    yield from (f"{DISTRIBUTIONS}[{name}]", f"{CONDA}[{name}]")
    if name in _FIELD:
        yield f"facts.frameworks.{_FIELD[name]}"


def _first(comparison: Comparison, name: str, places: Mapping[str, Change]) -> Step | None:
    """The first step of a distribution that no rule recognises."""
    version = places.get(f"{DISTRIBUTIONS}[{name}].version")
    if version and version.before and version.after:  # as most steps are
        return Step(version.path, version.before, version.after)
    return next((step for step in _steps(comparison, name) if step.path in places), None)


def _entry(look: Look, name: str, step: Step) -> Unjudged | None:
    """The change of this distribution, if it takes part and nothing has judged it."""
    part = _part(look, name)
    if part is None or _is_explained(look, name, part, step):
        return None
    return Unjudged(name, *step, "package", part.role, part.read, part.is_derived)


def _is_explained(look: Look, name: str, part: roles.Part, step: Step) -> bool:
    """Whether the step was measured to be harmless, and to no job is known to be otherwise; or one
    side alone has what is not the job's: a framework, or what another environment holds.
    """
    if not step.before or not step.after:
        return look.is_elsewhere or part.role == "framework"
    return equal_for_all(name, step.before, step.after)


def _steps(comparison: Comparison, name: str) -> Iterator[Step]:
    """How the distribution changed, if it did: it came or went, or has another version or build."""
    for place in (f"{DISTRIBUTIONS}[{name}]", f"{CONDA}[{name}]"):
        sides = (comparison.before.get(place), comparison.after.get(place))
        if all(sides):
            yield from _between(comparison, name, place)
            return
        if any(sides):
            yield Step(place, *(side and side.get("version") for side in sides))
    if name in _FIELD:
        yield from _changed(comparison, version_path(_FIELD[name]))


def _between(comparison: Comparison, name: str, place: str) -> Iterator[Step]:
    """Another version, or another build of the same version, of what both sides have."""
    version = tuple(_changed(comparison, f"{place}.version"))
    yield from version
    if version or _is_another_wheel(comparison, name):
        return
    builds = [side.get(f"{place}.build_id") for side in (comparison.before, comparison.after)]
    # Without both digests, only where it came from tells whether it is the same code.
    fields = ("build_id",) if all(builds) else ("build", "origin.commit", "origin.kind")
    for field in fields:
        yield from _changed(comparison, f"{place}.{field}")


def _is_another_wheel(comparison: Comparison, name: str) -> bool:
    try:
        return needs_another_wheel(comparison, name)
    except UnknownValueError:
        return False


def _changed(comparison: Comparison, path: str) -> Iterator[Step]:
    try:
        change = comparison.change(path)
    except UnknownValueError:
        return
    if change and change.before and change.after:
        yield Step(path, change.before, change.after)


def _part(look: Look, name: str) -> roles.Part | None:
    """The part it takes in this workload; None if it takes none.

    What only conda has, such as its libraries of C and Python itself, shows in other sections. A
    side that was captured by an earlier version does not know what the metadata says.
    """
    sides = (look.comparison.after, look.comparison.before)
    entries = [side.get(f"{DISTRIBUTIONS}[{name}]") or {} for side in sides]
    if not roles.listed(name) and not any(entries):
        return None
    told = (entry.get("takes_part") for entry in entries)
    known = next((answer for answer in told if answer is not None), None)
    return roles.part(name, known, look.workload)
