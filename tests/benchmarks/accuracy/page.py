"""docs/accuracy.md, made of the data and of the verdicts that `score --write` has kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.accuracy import published
from tests.benchmarks.accuracy.pair import HERE, PARTS, load
from tests.benchmarks.accuracy.verdict import PUBLISHED, Verdict, tallies

KEPT = HERE / "verdicts.json"
PAGE = Path(__file__).parents[3] / "docs" / "accuracy.md"
WHAT = {
    "given": "measured on another machine, known while the rules were written",
    "train": "measured here while the rules were written",
    "holdout": "judged before a measurement was looked at; those a rule was changed for have left",
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
""".strip()
REPEATED = """
Of the 54 given pairs 51 were measured again here, with other code, on another processor (two runs
a side): all fell into the class that was given. Three need allocators that are not installed here.
""".strip()


def keep(verdicts: list[Verdict], date: str) -> None:
    """Write the verdicts down, and the page that follows from them."""
    document = {"date": date, "verdicts": [verdict._asdict() for verdict in verdicts]}
    KEPT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


def kept() -> tuple[str, list[Verdict]]:
    """The date and the verdicts that were written down last."""
    document: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return document["date"], [
        Verdict(**{**row, "rules": tuple(row["rules"])}) for row in document["verdicts"]
    ]


def page() -> str:
    """The text of docs/accuracy.md."""
    date, verdicts = kept()
    return "\n".join(_lines(date, verdicts)) + "\n"


def _lines(date: str, verdicts: list[Verdict]) -> Iterator[str]:
    yield from (
        "# How often the verdict is right",
        "",
        f"Generated on {date} by `python -m tests.benchmarks.accuracy.score --write`, which sets",
        "up both sides of every pair, captures them for real, and compares the verdict with what",
        "was measured. How the data came about stands in",
        "[its README](../tests/benchmarks/accuracy/README.md); "
        "`python -m tests.benchmarks.accuracy.measure",
        "--pair ID` repeats a measurement.",
        "",
        "| pairs | what they are | counted | missed | over-warned | exact |",
        "|---|---|---|---|---|---|",
    )
    for tally in tallies(verdicts):
        yield (
            f"| {tally.part} | {WHAT[tally.part]} | {tally.counted} | {tally.misses} "
            f"| {tally.over} ({tally.share(tally.over)}) "
            f"| {tally.exact} ({tally.share(tally.exact)}) |"
        )
    yield from (
        "",
        "*Missed*: the verdict is below what was measured. *Over-warned*: above it. `perf` counts",
        "as `none`: both are equal bits. *Conditional* pairs are not counted: what happens depends",
        "on the program, as said with them, and the report must speak of the change.",
        "",
        REPEATED,
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
    yield from ("", "## What was not measured", "", NOT_MEASURED)
    for part in (*PARTS, PUBLISHED):
        found = [v for v in verdicts if v.part == part]
        yield from ("", f"## {part.capitalize()}", "", *_table(found))


def _table(verdicts: list[Verdict]) -> Iterator[str]:
    yield "| pair | what changed | framework | measured | verdict | because of |"
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
            "framework": pair.framework,
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
