"""docs/accuracy.md, made of the data and of the verdicts that `score --write` has kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.accuracy import published, share
from tests.benchmarks.accuracy.pair import HERE, PARTS, load
from tests.benchmarks.accuracy.setting import CPU_LIMITS
from tests.benchmarks.accuracy.verdict import PUBLISHED, Verdict, tallies

KEPT = HERE / "verdicts.json"
PAGE = Path(__file__).parents[3] / "docs" / "accuracy.md"
WHAT = {
    "given": "measured on another machine, known while the rules were written",
    "train": "measured here while the rules were written",
    "holdout": "judged before a measurement was looked at; those a rule was changed for have left",
    "given-2": "measured on another machine, in libraries on top of the frameworks",
    "holdout-2": "the same libraries, judged before a measurement was looked at",
    "holdout-3": "the rest of that plan, judged before a measurement was looked at",
    "holdout-4": "what of that plan is left: judged, and not measured yet",
    PUBLISHED: "published cases with a GPU, as edited recordings",
}
NOT_MEASURED = """
* Anything on a GPU: those cases are recordings edited to what a publication says, so they show
  what the rules make of a case and not how often such cases come up.
* Processors without AVX-512, other vendors than AMD, and other architectures than x86_64.
* glibc other than 2.36, other kernels, macOS and Windows.
* MKL on Intel processors; PyTorch in versions other than 2.13 (there is no build for the CPU
  in the index that was used).
* Several machines at once: world sizes, NCCL, parameter servers.
* Long runs. A job here trains for seconds; rounding that does not touch it can touch another.
""".strip()


FIRST_LOOKS = """
Rules are changed when they turn out wrong, so the table above cannot show how they do on what
nobody has looked at. These figures can: the verdicts were taken and committed before anybody looked
at a measurement.

| round, 2026-11-22 | counted | missed | over-warned | exact |
|---|---|---|---|---|
| 1: 131 pairs | 127 | 5 | 13 (10 %) | 109 (86 %) |
| 2: 48 pairs, after rules were changed for round 1 | 48 | 2 | 0 | 46 (96 %) |

What was missed in round 1: auto-clustering of a TensorFlow graph with Dropout is another run and
not rounding; MKL_CBWR counts on an AMD processor with any value (two pairs); OMP_DYNAMIC on a busy
machine hangs PyTorch; Pillow 8 decodes JPEG otherwise, which was advice. In round 2: oneDNN's limit
reaches JAX too, and JAX_DISABLE_MOST_OPTIMIZATIONS rounds differently. Rules were changed for all
of these; their pairs, and those whose settings had been tried while rules were written, are in
`train` since, and so are two that later rules cite (`none` on any look). A further pair of round 1
was taken out: its sides had no result in common.

`holdout-2` and `holdout-3` above are first looks as well, at libraries on top of the frameworks: no
rule has been changed for them. All fourteen missed pairs have something listed as not judged,
mostly the cause.
""".strip()
REPEATED = """
Of the 54 given pairs 51 were measured again here, with other code, on another processor (two runs
a side): all fell into the class that was given. Three need allocators that are not installed here.
""".strip()


def _elsewhere() -> str:
    """Which pairs keep their verdict on some machines."""
    names = ", ".join(f"{pair.id} ({pair.processor})" for pair in load() if pair.processor)
    return (
        f"Some effects depend on the processor. The measurements of {names}\n"
        "hold for the processors named with them: where the scoring runs on another one, these "
        "pairs keep\nthe verdict that they have."
    )


def keep(verdicts: list[Verdict], parts: Collection[str], date: str) -> None:
    """Write the verdicts on these parts down, and the page that follows from them.

    A pair whose measurement holds for other processors than this one keeps its verdict.
    """
    dates, old = kept()
    elsewhere = {pair.id for pair in load() if pair.processor or pair.area == CPU_LIMITS}
    elsewhere -= {verdict.id for verdict in verdicts}
    others = (verdict for verdict in old if verdict.part not in parts or verdict.id in elsewhere)
    found = sorted([*others, *verdicts], key=_in_order())
    document = {
        "dates": {**dates, **{verdict.part: date for verdict in verdicts}},
        "verdicts": [
            verdict._asdict()
            for part in (*PARTS, PUBLISHED)
            for verdict in found
            if verdict.part == part
        ],
    }
    KEPT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


def _in_order() -> Callable[[Verdict], int]:
    """The order of the files."""
    place = {row.id: number for number, row in enumerate((*load(), *published.load()))}
    return lambda verdict: place.get(verdict.id, len(place))


def kept() -> tuple[dict[str, str], list[Verdict]]:
    """The date of each part, and the verdicts that were written down last."""
    document: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return document["dates"], [
        Verdict(**{**row, **{name: tuple(row.get(name, ())) for name in ("rules", "unjudged")}})
        for row in document["verdicts"]
    ]


def page() -> str:
    """The text of docs/accuracy.md."""
    dates, verdicts = kept()
    return "\n".join(_lines(dates, verdicts)) + "\n"


def _lines(dates: Mapping[str, str], verdicts: list[Verdict]) -> Iterator[str]:
    yield from (
        "# How often the verdict is right",
        "",
        "Each verdict beside what was measured: how many are right, which are not, and how to",
        "repeat each of them. `python -m tests.benchmarks.accuracy.score --write` makes this page:",
        "it sets up both sides of every pair, captures them for real, and compares the verdict",
        "with what was measured. How the data came about stands in",
        "its README (`tests/benchmarks/accuracy/README.md`); "
        "`python -m tests.benchmarks.accuracy.measure",
        "--pair ID` repeats a measurement.",
        "",
        "| pairs | what they are | judged on | counted | missed | over-warned | exact "
        "| cause first |",
        "|---|---|---|---|---|---|---|---|",
    )
    for tally in tallies(verdicts):
        yield (
            f"| {tally.part} | {WHAT[tally.part]} | {dates[tally.part]} | {tally.counted} "
            f"| {tally.misses} | {tally.over} ({tally.share(tally.over)}) "
            f"| {tally.exact} ({tally.share(tally.exact)}) | {tally.cause_first} |"
        )
    yield from (
        "",
        "*Missed*: the verdict is below what was measured. *Over-warned*: above it. `perf` counts",
        "as `none`: both are equal bits. *Conditional* pairs are not counted: what happens depends",
        "on the program, as said with them, and the report must speak of the change.",
        "*Cause first*: among the pairs whose result changed by a cause that is known, those where",
        "it is the first of the likely causes, or, where nothing is found, the first library that",
        "is not judged.",
        "",
        REPEATED,
        "",
        _elsewhere(),
        "",
        "## First looks",
        "",
        FIRST_LOOKS,
        "",
        "## Where it is wrong",
        "",
    )
    wrong = [v for v in verdicts if v.outcome in ("MISS", "over", "SILENT")]
    yield from _table(wrong) if wrong else ["Nowhere on this data."]
    yield from ("", "## What is left not judged", "", *_share(), "")
    yield from ("## What was not measured", "", NOT_MEASURED)
    for part in (*PARTS, PUBLISHED):
        found = [v for v in verdicts if v.part == part]
        yield from ("", f"## {part.capitalize()}", "", *_table(found))


def _share() -> Iterator[str]:
    found = share.kept()
    yield from (
        f"Judged on {found.date} by `python -m tests.benchmarks.accuracy.lists`:",
        f"{found.about}, each with the one before it. A library that takes part",
        "and moved is found, advised, measured to be equal, or listed as not judged; one of which",
        "nothing is said would be *silent*. What is *unknown* is in no table, and a list does not",
        "show its metadata.",
        "",
        *found.lines(),
    )


def _table(verdicts: list[Verdict]) -> Iterator[str]:
    yield "| pair | what changed | of the job | measured | verdict | because of |"
    yield "|---|---|---|---|---|---|"
    rows = _rows()
    for v in verdicts:
        row = rows[v.id]
        rules = ", ".join(f"[{rule}](rules/{rule}.md)" for rule in v.rules)
        mark = f" ({row['conditional']})" if row["conditional"] else ""
        yield (
            f"| {_name(row, v.id)} | {_cell(row['change'])} | {row['framework']} "
            f"| {v.measured}{mark} | {v.forecast} | {rules} |"
        )


def _name(row: Mapping[str, str], name: str) -> str:
    return f"[{name}]({row['source']})" if row["source"] else name


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _rows() -> dict[str, dict[str, str]]:
    """What the table says of each pair, by its id."""
    found = {
        pair.id: {
            "change": _values(pair),
            "framework": ", ".join(pair.used),
            "source": "",
            "conditional": pair.conditional or "",
        }
        for pair in load()
    }
    for case in published.load():
        found[case.id] = {
            "change": case.change,
            "framework": case.framework,
            "source": case.source,
            "conditional": case.conditional or "",
        }
    return found


def _values(pair: Any) -> str:
    return f"{pair.change}: {pair.before_value or 'unset'} → {pair.after_value or 'unset'}"
