"""The measured part of docs/performance.md, between two markers."""

from __future__ import annotations

import os
import platform
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.speed.curve import RUNS, Point
from tests.benchmarks.speed.environment import DISTRIBUTIONS
from tests.benchmarks.speed.profile import Profile
from tests.benchmarks.speed.tools import CHANGED, OURS, TOOLS

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "performance.md"
BEGIN = "<!-- measured: written by `python -m tests.benchmarks.speed --write` -->"
END = "<!-- end of what is measured -->"
BARE = ("python", "pass")
KINDS = ("capture", "diff", "check")
AIMS = {"capture": 5.0, "diff": 3.5, "check": 6.0}
AIMS_COMPILED = {"capture": 8.0, "diff": 5.0}
AIM_INSIDE_MS, ITS_START_MS = 25, 10
LINEAR, NOISE_S = 2.5, 0.1
"""Twice the size may cost so many times as much, or so little more than twice: that is noise."""


class Measured(NamedTuple):
    """What one run of the benchmark found. Times are CPU seconds."""

    date: str
    load_before: float
    load_after: float
    runs: int
    cached: Mapping[tuple[str, str], float]
    compiled: Mapping[tuple[str, str], float]
    inside: float
    profile: Profile
    curve: Sequence[Point]


def section(found: Measured) -> str:
    """The whole part, markers included."""
    parts = (beside_peers(found), aims(found), stages(found.profile), growth(found.curve))
    return "\n".join([BEGIN, "", *(line for part in parts for line in part), END])


def write(text: str, page: Path = PAGE) -> None:
    """Replace the part between the markers of the page."""
    whole = page.read_text(encoding="utf-8")
    before, _, rest = whole.partition(BEGIN)
    page.write_text(before + text + rest.partition(END)[2], encoding="utf-8")


def beside_peers(found: Measured) -> Iterator[str]:
    """The table of ratios."""
    start, compiled = found.cached[BARE], found.compiled[BARE]
    yield "## Beside other tools"
    yield from paragraph(
        f"CPU time of the whole process, in multiples of `python -c pass`: medians of {found.runs} "
        f"runs in turns, in one environment of {DISTRIBUTIONS} distributions. A diff compares two "
        f"records in which {CHANGED} packages differ. Measured on {found.date} UTC with CPython "
        f"{platform.python_version()} on {os.cpu_count()} CPUs; a bare start took "
        f"{start * 1000:.1f} ms, in the series without bytecode {compiled * 1000:.1f} ms. The load "
        f"average was {found.load_before:.1f} before and {found.load_after:.1f} after: "
        f"{noise(found)}."
    )
    heads = [head for kind in KINDS for head in (kind, f"{kind}, no bytecode")]
    yield f"| tool | {' | '.join(heads)} |"
    yield f"|---|{'---|' * len(heads)}"
    for tool in TOOLS:
        cells = [ratio(times, tool.label, kind) for kind in KINDS for times in both(found)]
        yield f"| {tool.label} | {' | '.join(cells)} |"
    wanted = [f"{a[k]:g}" if k in a else "" for k in KINDS for a in (AIMS, AIMS_COMPILED)]
    yield f"| aim of envprint | {' | '.join(wanted)} |"
    yield from paragraph(
        "Without bytecode means `PYTHONDONTWRITEBYTECODE=1` and no `__pycache__` in the tool's own "
        "package. ceteris records no packages, so a variable differs in its diff. Only envprint "
        "has a command that captures and judges against a baseline in one process."
    )


def paragraph(text: str) -> Iterator[str]:
    """Lines of prose between empty ones."""
    yield from ("", *textwrap.wrap(text, 100, break_on_hyphens=False), "")


def noise(found: Measured) -> str:
    """What the load means for the figures."""
    quiet = max(found.load_before, found.load_after) < 1.5
    return "a quiet machine" if quiet else "a busy machine, where ratios vary from run to run"


def both(found: Measured) -> tuple[Mapping[tuple[str, str], float], ...]:
    """The two series."""
    return found.cached, found.compiled


def ratio(times: Mapping[tuple[str, str], float], tool: str, kind: str) -> str:
    """A cell: a multiple of the bare start of the same series."""
    taken = times.get((tool, kind))
    return "" if taken is None else f"{taken / times[BARE]:.1f}"


def aims(found: Measured) -> Iterator[str]:
    """Which aims are met and which are not."""
    met: dict[bool, list[str]] = {True: [], False: []}
    for times, wanted, how in (
        (found.cached, AIMS, ""),
        (found.compiled, AIMS_COMPILED, " without bytecode"),
    ):
        for kind, aim in wanted.items():
            reached = times[OURS.label, kind] / times[BARE]
            met[reached <= aim].append(f"{kind}{how} ({reached:.2f}, aim {aim:g})")
    inside_ms, start_ms = found.inside * 1000, found.cached[BARE] * 1000
    met[inside_ms / start_ms <= AIM_INSIDE_MS / ITS_START_MS].append(
        f"`capture()` in a process ({inside_ms:.0f} ms beside a start of {start_ms:.1f} ms, "
        f"aim {AIM_INSIDE_MS} beside {ITS_START_MS}, judged as a ratio)"
    )
    for is_met, names in met.items():
        yield f"* {'Met' if is_met else 'Not met'}: {'; '.join(names) or 'none'}."
    yield ""


def stages(profile: Profile) -> Iterator[str]:
    """A table of instructions."""
    yield "## What limits the rest"
    if not profile:
        yield from paragraph("Not measured: `valgrind` was not installed.")
        return
    bare = next(iter(profile.values()))["bare start"]
    yield from paragraph(
        "Millions of instructions, counted by `valgrind --tool=cachegrind`; the load "
        "of the machine does not change them. Each stage is what it adds to those above it. "
        "Modules that a command loads late count at the beginning."
    )
    for number, (kind, counts) in enumerate(profile.items()):
        yield from [""] * bool(number)
        yield f"| `envprint {kind}` | millions | bare starts |"
        yield "|---|---|---|"
        for stage, count in counts.items():
            yield f"| {stage} | {count:.0f} | {count / bare:.2f} |"
    yield ""


def growth(points: Sequence[Point]) -> Iterator[str]:
    """A table of times by size, and what is not linear."""
    yield "## How it grows"
    yield from paragraph(
        f"CPU seconds of whole commands, the quickest of {RUNS} runs. A tenth of what the documents"
        " of a diff list differs; a check compares such a document with this machine, so all of it "
        "differs. With packages, both a check and a capture read a made directory of them with "
        "`--no-cache`; a capture with GPUs or variables looks, in a process that runs already, at "
        "a recorded machine with so many, of the variables of which a tenth is recorded. The last "
        "column: what the cost above that of the first size is multiplied by when the size "
        f"doubles. Superlinear is more than {LINEAR} there, if it adds more than {NOISE_S} s to "
        "twice the cost; less than that, these clocks cannot show."
    )
    yield "| what | command | sizes | seconds | doubled |"
    yield "|---|---|---|---|---|"
    steep = []
    for kind in dict.fromkeys(point.kind for point in points):
        few, half, most = (point for point in points if point.kind == kind)
        for name in KINDS:
            times = [point.seconds[name] for point in (few, half, most)]
            half_s, most_s = times[1] - times[0], times[2] - times[0]
            factor = most_s / max(half_s, 0.001)
            if factor > LINEAR and most_s - 2 * half_s > NOISE_S:
                steep.append(f"{name} with {kind} ({factor:.1f})")
            sizes = ", ".join(f"{point.size:,}" for point in (few, half, most))
            shown = ", ".join(f"{taken:.2f}" for taken in times)
            yield f"| {kind} | {name} | {sizes} | {shown} | {factor:.1f} |"
    yield ""
    yield f"Superlinear: {', '.join(steep) or 'nothing'}."
    yield ""
