"""Libraries whose own kernels do not repeat themselves on a GPU."""

from __future__ import annotations

from collections.abc import Iterator

from envprint import knowledge
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, for_each
from envprint.core.shell import Code
from envprint.core.workload import Workload, on_gpu, uses
from envprint.rules.kit.packages import DISTRIBUTIONS


def _installed(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    here = now.value(DISTRIBUTIONS) or {}
    known = [e for e in knowledge.entries("unrepeatable_kernels") if e["distribution"] in here]

    def look(entry: knowledge.Entry) -> Iterator[Match]:
        name = entry["distribution"]
        path = f"{DISTRIBUTIONS}[{name}]"
        version = now.value(f"{path}.version")
        yield Match(
            f"{name} {version}: {entry['what']}",
            (path,),
            after=version,
            remedy=Code(entry["restore"]),
            not_when=f"The job uses none of this: {entry['only_if']}.",
            evidence=(entry["source"],),
            about=name,
        )

    return for_each(known, look)


RULES = (
    Rule(
        id="gpu-kernels-not-repeatable",
        title="A library's kernels do not repeat themselves",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("torch"),
        watches=(DISTRIBUTIONS,),
        why="Threads of a GPU finish in a different order each time, and a sum by atomic "
        "operations rounds by that order: two runs of one program differ.",
        not_when="The job does not use those kernels; each entry names them.",
        remedy="Switch to what repeats itself, as each entry names it.",
        evidence=(
            Evidence(
                "flash-attention: the backward pass does not repeat itself",
                "https://github.com/Dao-AILab/flash-attention/issues/414",
            ),
        ),
        state=_installed,
        # Advice: it is no fault of the environment, and most jobs accept it.
        advice=True,
    ),
)
