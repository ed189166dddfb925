"""A judgement of some sections only: what is found elsewhere is left out before it is counted.

It is left out before a stronger rule silences a weaker one: a finding in another section must not
hide what these sections show.
"""

from __future__ import annotations

from collections.abc import Sequence

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Places, is_inside
from envprint.core.report import Report
from envprint.core.sections import name_of
from envprint.judging.evaluate import Evaluation


def evaluations_in(evaluations: Sequence[Evaluation], sections: Sequence[str]) -> list[Evaluation]:
    """The matches and unknown values with a path in one of `sections`."""
    places = Places(sections)
    return [
        Evaluation(
            rule,
            tuple(match for match in matches if any(map(places.touch, match.paths))),
            tuple(unknown for unknown in unknowns if places.touch(unknown.path)),
        )
        for rule, matches, unknowns in evaluations
    ]


def is_in(path: str, sections: Sequence[str]) -> bool:
    """Whether `path` lies in one of `sections`."""
    return any(is_inside(path, section) for section in sections)


def comparison_in(comparison: Comparison, sections: Sequence[str]) -> Comparison:
    """The differences in `sections`; the fingerprints stay whole."""
    places = Places(sections)
    return comparison._replace(
        changes=tuple(change for change in comparison.changes if places.touch(change.path)),
        hidden=tuple(filter(places.touch, comparison.hidden)),
    )


def of_sections(report: Report, sections: Sequence[str]) -> Report:
    """The report, with how little it is about in its headline, and where else to look."""
    report = report._replace(only=tuple(map(name_of, sections)))
    words = report.only_in_words()
    look_next = (f"the other sections: {words}",) if report.look_next else ()
    return report._replace(summary=f"{words}: {report.summary}", look_next=look_next)
