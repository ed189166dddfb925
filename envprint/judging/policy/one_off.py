"""What one call adds to the policy: findings to ignore, and differences that are expected.

A name that can match nothing is an error here and a note in a policy file: several versions of
envprint read a file, and this one reads a call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envprint.core.errors import EnvprintError
from envprint.core.redact import safe_text
from envprint.core.suggest import did_you_mean
from envprint.judging.policy.model import Entry, OneOff, Policy, imagined_rule


def with_one_offs(
    policy: Policy, ignores: Sequence[OneOff], expects: Sequence[OneOff], sections: Sequence[str]
) -> Policy:
    """The policy with these entries after its own. Raises `EnvprintError`."""
    return policy._replace(
        ignores=(*policy.ignores, *_ignored(ignores)),
        expects=(*policy.expects, *_expected(expects, sections)),
    )


def _ignored(given: Iterable[OneOff]) -> Iterator[Entry]:
    for rule, reason in given:
        if wrong := imagined_rule(rule):
            raise EnvprintError(f"ignore: {wrong}")
        yield Entry("ignore", rule, "*", safe_text(reason), is_one_off=True)


def _expected(given: Iterable[OneOff], sections: Sequence[str]) -> Iterator[Entry]:
    for path, reason in given:
        if not _may_match(path, sections):
            raise EnvprintError(f"expect: no path matches {path[:80]!r}; {_hint(path, sections)}")
        yield Entry("expect", "*", path, safe_text(reason), is_one_off=True)


def _hint(path: str, sections: Sequence[str]) -> str:
    """The section that was probably meant; `gpu.count` lacks only the place before it."""
    by_name = {known.partition(".")[2]: known for known in sorted(sections, reverse=True)}
    first, *others = path.split(".")
    if first in by_name:
        return f"did you mean {'.'.join((by_name[first], *others))[:80]}?"
    return did_you_mean(".".join((first, *others[:1])), sections)


def _may_match(pattern: str, sections: Sequence[str]) -> bool:
    """Whether any path of a section could match the pattern, as far as it begins without a `*`."""
    beginning, star, _ = pattern.partition("*")
    ends = tuple(f"{section}{end}" for section in sections for end in (".", "["))
    if star and any(end.startswith(beginning) for end in ends):
        return True
    return beginning in sections or beginning.startswith(ends)
