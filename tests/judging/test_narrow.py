"""A judgement of some sections: what has no path in them counts nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envprint.core.comparison import Change, Comparison
from envprint.core.rule import Match, UnknownValue
from envprint.core.workload import Workload
from envprint.judging import judge
from envprint.judging.evaluate import Evaluation
from envprint.judging.narrow import comparison_in, evaluations_in
from envprint.judging.policy.model import Policy
from tests.builders.rules import a_rule
from tests.builders.support import fingerprint

GPU, OS = "facts.gpu.count", "facts.os.locale"


def change(path: str) -> Change:
    return Change(path, "changed", 1, 2)


def compared(*paths: str, hidden: tuple[str, ...] = ()) -> Comparison:
    return Comparison(fingerprint(), fingerprint(), tuple(map(change, sorted(paths))), hidden)


def test_what_lies_in_a_section_or_around_it_stays() -> None:
    paths = ("facts.gpu", "facts.gpu.count", "facts.gpux.count", "live.gpu.count", OS)
    there = comparison_in(compared(*paths, hidden=paths), ["facts.gpu"])
    assert tuple(found.path for found in there.changes) == there.hidden == paths[:2]
    rule = a_rule("r")
    matches = (Match("both", (OS, GPU)), Match("other", (OS,)))
    unknowns = (UnknownValue("facts.gpu", "late"), UnknownValue(OS, "late"))
    (left,) = evaluations_in([Evaluation(rule, matches, unknowns)], ["facts.gpu"])
    assert (left.matches, left.unknowns) == (matches[:1], unknowns[:1])


def judged(patch: Any, *only: str, **parts: Any) -> Any:
    def stated(path: str) -> Any:
        def drift(comparison: Comparison, workload: Workload) -> Iterator[Match]:
            yield Match(path, (path,))

        return drift

    rules = (
        a_rule("strong", drift=stated(OS)),
        a_rule("weak", drift=stated(GPU), yields_to=("strong",)),
    )
    patch.setattr(judge, "applying", lambda *_: rules)
    return judge.judge_drift(compared(OS, GPU), Workload(), Policy(**parts), only)


def test_a_finding_in_another_section_hides_nothing_in_this_one(monkeypatch: Any) -> None:
    """A rule is silent beside a stronger one, which a part may leave out."""
    assert [f.rule for f in judged(monkeypatch).findings] == ["strong"]
    part = judged(monkeypatch, "facts.gpu")
    assert [f.rule for f in part.findings] == ["weak"]
    assert part.only == ("gpu",)
    assert part.summary.startswith("only gpu was looked at: results differ by rounding")
    assert part.look_next == ()
    none = judged(monkeypatch, "facts.cpu", "live.gpu")
    assert (none.findings, none.changes) == ((), ())
    assert none.summary == "only cpu and live.gpu were looked at: no difference"
    assert none.look_next == ("the other sections: only cpu and live.gpu were looked at",)
