"""Changes that nobody has judged and that a team accepts: by package, role and size of step."""

import re
from collections.abc import Iterator, Sequence

from envprint.core.report import NOT_JUDGED, UNKNOWN_PART, Ignored, Unjudged
from envprint.core.versions import numbers
from envprint.judging.policy.model import Accept, Entry, Policy, matches

STEPS = ("build", "patch", "minor", "major")
"""Sizes of a step between two versions, from small to large."""

# https://packaging.python.org/en/latest/specifications/version-specifiers/
# The epoch and the release; what follows it (rc1, .post1, +cu128) begins with no digit.
_RELEASE = r"(?ai)v?(?:(\d{1,18})!)?(\d{1,18}(?:\.\d{1,18})*)(?![.\d])"


def step(before: str, after: str) -> str | None:
    """The size of the step between two versions, in either direction; None if it has none.

    The first number of the release that differs decides, whatever it stands for: a year counts as
    a major version, and so does another epoch. Pre-releases and post-releases of one release are a
    patch apart, and its builds (`+cpu` and `+cu128`) a build.
    """
    sides = [re.match(_RELEASE, side.strip()) for side in (before, after)]
    found = [(int(side[1] or 0), numbers(side[2])) for side in sides if side]
    if len(found) < 2:
        return None
    (epoch, old), (other_epoch, new) = found
    length = max(len(old), len(new))
    places = zip(old + (0,) * (length - len(old)), new + (0,) * (length - len(new)), strict=True)
    first = next((place for place, (one, other) in enumerate(places) if one != other), None)
    if epoch != other_epoch or first == 0:
        return "major"
    if first is not None:
        return "minor" if first == 1 else "patch"
    same_public = before.strip().partition("+")[0] == after.strip().partition("+")[0]
    return "build" if same_public else "patch"


ROLES = (
    *("framework", "computes", "trains", "draws", "prepares", "distributes", "measures"),
    UNKNOWN_PART,
)
"""The roles of what takes part in training, which a change that nobody has judged may have."""
ANY_STEP = "any"
ACCEPTED_STEPS = (*STEPS[1:], ANY_STEP)
"""The steps that may be accepted; each includes the smaller ones, `any` other builds as well."""


def covers(accept: Accept, entry: Unjudged) -> bool:
    """Whether it is about this package, in this role, and a step that is small enough."""
    is_meant = matches(accept.package, entry.name) and matches(accept.role, entry.role)
    return is_meant and (accept.step == ANY_STEP or _is_small_enough(accept, entry))


def _is_small_enough(accept: Accept, entry: Unjudged) -> bool:
    if entry.before is None or entry.after is None or not entry.path.endswith(".version"):
        return False
    size = step(entry.before, entry.after)
    return size in STEPS[1:] and STEPS.index(size) <= STEPS.index(accept.step)


def accepted(policy: Policy, entry: Unjudged) -> Ignored | None:
    """The unexpired entry of the policy that accepts or ignores this change; None without one."""
    agreed: list[Accept | Entry] = [one for one in policy.accepts if covers(one, entry)]
    agreed += [one for one in policy.ignores if one.covers(NOT_JUDGED, (entry.path,))]
    for one in agreed:
        if not one.has_expired:
            return Ignored(NOT_JUDGED, one.reason, one.expires, entry.message)
    return None


def notes_on(accepts: Sequence[Accept], unjudged: Sequence[Unjudged] | None) -> Iterator[str]:
    """Entries that have expired or accept nothing; `unjudged` is None if nothing was compared."""
    for accept in accepts:
        what = f"{accept.place} ({accept.package if accept.package != '*' else accept.role})"
        if accept.has_expired:
            yield f"{what} expired on {accept.expires}: {accept.reason}"
        elif unjudged is not None and not any(covers(accept, entry) for entry in unjudged):
            yield f"{what} no longer matches anything here: {accept.reason}"
