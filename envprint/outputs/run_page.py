"""The record of a run as a page: how it ended, memory of the GPUs over time and who came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from envprint.core.fingerprint import Fingerprint
from envprint.core.report import counted
from envprint.core.typed import Any, NamedTuple
from envprint.core.units import size
from envprint.judging.unjudged import role_of
from envprint.outputs.fingerprint import text_of
from envprint.outputs.html_fingerprints import PACKAGES, Part, parts_of
from envprint.outputs.html_page import Html, code, element, joined, page, row, section, table

WIDTH, HEIGHT, LANE = 800, 220, 16
"""Of a plot in its own units; each process that came in has a lane below it."""
_LEFT, _TOP, _BOTTOM = 70, 10, 20

Record = Mapping[str, Any]


def render(record: Record, before: Fingerprint) -> str:
    """The page of a valid record without secrets, and of the fingerprint before the run."""
    parts = [_run(record), *_gpus(record["gpus"] or {}, _Span.of(record)), *_changed(record)]
    roles = {name: role_of(name) or "" for name in before.get(PACKAGES, {})}
    title = f"Run of {(record.get('command') or {}).get('name')}"
    ended = f"{title}: {_end(record)}"
    head = element("h1", ended)
    return page(f"envprint: {ended}", head, [*parts, *parts_of([before], None, roles)])


def _end(record: Record) -> str:
    if record.get("signal"):
        return f"ended by signal {record['signal']}"
    return f"ended with exit code {record.get('exit_code')}"


def _run(record: Record) -> Part:
    command, preflight = record.get("command") or {}, record.get("preflight") or {}
    peak = record.get("memory_peak_bytes")
    arguments = counted(range(command.get("arguments") or 0), "argument")
    rows = [
        ("command", f"{command.get('name')}, {arguments}"),
        ("label", record.get("label")),
        ("note", record.get("note")),
        ("started", record.get("started_at")),
        ("ended", record.get("ended_at")),
        ("duration", f"{record.get('duration_s')} s"),
        ("hash seed", record.get("hash_seed")),
        ("memory of a process", peak if peak is None else f"{size(peak)} at most"),
        ("pre-flight", preflight.get("impact")),
        ("found before it", ", ".join(preflight.get("rules") or ())),
        ("interpreter", (record.get("interpreter") or {}).get("path")),
        ("libraries", ", ".join(record.get("libraries") or ())),
        *((f"unknown: {path}", why) for path, why in (record.get("unknown") or {}).items()),
    ]
    shown = [row(name, str(text)) for name, text in rows if text]
    return "run", "The run", section("run", "The run", table("The run", ("what", "value"), shown))


def _changed(record: Record) -> Iterator[Part]:
    rows = [
        row(code(str(one.get("path"))), *(text_of("", one.get(side)) for side in SIDES))
        for one in record.get("changed_meanwhile") or ()
    ]
    if rows:
        title = "Changed while it ran"
        made = table(title, ("path", "before", "after"), rows)
        yield "changed", title, section("changed", title, made, count=len(rows))


SIDES = ("before", "after")


# The GPUs over time.


class _Span(NamedTuple):
    """From when to when a plot goes, in seconds since the epoch."""

    start_s: float
    end_s: float

    @classmethod
    def of(cls, record: Record) -> _Span:
        start_s = _seconds(record.get("started_at"), 0.0)
        return cls(start_s, max(start_s + 1, _seconds(record.get("ended_at"), start_s)))

    def x(self, at: str | None, otherwise: float) -> float:
        """The place of a moment in a plot; `otherwise` where it is unknown."""
        part = (_seconds(at, otherwise) - self.start_s) / (self.end_s - self.start_s)
        return round(_LEFT + min(1.0, max(0.0, part)) * (WIDTH - _LEFT), 1)


def _seconds(at: str | None, otherwise: float) -> float:
    try:
        return datetime.fromisoformat((at or "").replace("Z", "+00:00")).timestamp()
    except ValueError:
        return otherwise


def _gpus(gpus: Record, span: _Span) -> Iterator[Part]:
    moments, holders = gpus.get("memory") or (), gpus.get("holders") or ()
    names = dict.fromkeys(str(one.get("gpu")) for one in (*moments, *holders))
    plots = [_plot(name, gpus, span) for name in names]
    content = plots or [element("p", f"Nothing to show: {gpus.get('status')}")]
    title = "GPU memory while it ran"
    yield "gpus", title, section("gpus", title, *content, *_holders(holders), *_gaps(gpus))


def _plot(gpu: str, gpus: Record, span: _Span) -> Html:
    """Used and own memory as curves, gaps as areas, and each process as a bar in a lane."""
    moments = [one for one in gpus.get("memory") or () if str(one.get("gpu")) == gpu]
    holders = [one for one in gpus.get("holders") or () if str(one.get("gpu")) == gpu]
    gaps = [one for one in gpus.get("gaps") or () if one.get("gpu") in (None, gpu)]
    most = max((one.get("used_bytes") or one.get("own_bytes") or 0 for one in moments), default=0)
    peaks = ((gpus.get(name) or {}).get(gpu) or 0 for name in ("used_peak_bytes", "own_peak_bytes"))
    top = max(most, *peaks, 1)
    height = HEIGHT + LANE * len(holders)
    drawn = [
        *(_area(one, span) for one in gaps),
        _curve(moments, "used_bytes", "used", top, span),
        _curve(moments, "own_bytes", "own", top, span),
        *(_lane(number, one, span) for number, one in enumerate(holders)),
        *_axes(top, span),
    ]
    said = f"Memory of {gpu} over time: at most {size(top)} in use, {len(holders)} other processes"
    svg = element("svg", *drawn, viewBox=f"0 0 {WIDTH} {height}", role="img", aria_label=said)
    legend = element(
        "p",
        "Solid: in use. Dashed: held by the run. Grey: the driver did not answer. "
        "Below: other processes, as long as they held memory.",
        class_="soft",
    )
    return element("div", element("h3", gpu), svg, legend)


def _y(amount: int, top: int) -> float:
    return round(_TOP + (1 - amount / top) * (HEIGHT - _TOP - _BOTTOM), 1)


def _curve(moments: Sequence[Record], field: str, name: str, top: int, span: _Span) -> Html:
    points = [
        f"{span.x(one.get('seen_at'), span.start_s)},{_y(one[field], top)}"
        for one in moments
        if isinstance(one.get(field), int)
    ]
    return element("polyline", points=" ".join(points), class_=f"curve {name}")


def _area(gap: Record, span: _Span) -> Html:
    start = span.x(gap.get("seen_from"), span.start_s)
    end = span.x(gap.get("seen_until"), span.end_s)
    height = HEIGHT - _TOP - _BOTTOM
    return element("rect", x=start, y=_TOP, width=max(1, end - start), height=height, class_="gap")


def _lane(number: int, holder: Record, span: _Span) -> Html:
    start = span.x(holder.get("seen_from"), span.start_s)
    end = span.x(holder.get("seen_until"), span.end_s)
    y, width = HEIGHT + number * LANE, max(2, round(end - start, 1))
    colour = f"c{number % 6}"
    bar = element("rect", x=start, y=y, width=width, height=10, class_=colour)
    named = element("text", str(holder.get("name") or holder.get("pid"))[:10], x=0, y=y + 10)
    return joined((bar, named))


def _axes(top: int, span: _Span) -> Iterator[Html]:
    bottom = HEIGHT - _BOTTOM
    yield element("line", x1=_LEFT, y1=_TOP, x2=_LEFT, y2=bottom, class_="axis")
    yield element("line", x1=_LEFT, y1=bottom, x2=WIDTH, y2=bottom, class_="axis")
    yield element("text", size(top), x=0, y=_TOP + 10)
    yield element("text", "0", x=_LEFT - 12, y=bottom)
    yield element("text", "0 s", x=_LEFT, y=HEIGHT - 5)
    duration = f"{span.end_s - span.start_s:,.0f} s"
    yield element("text", duration, x=WIDTH, y=HEIGHT - 5, text_anchor="end")


def _holders(holders: Sequence[Record]) -> Iterator[Html]:
    rows = [
        row(
            str(one.get("name") or "unknown"),
            str(one.get("pid")),
            str(one.get("gpu")),
            {True: "yes", False: "no, it came later", None: "unknown"}[one.get("at_start")],
            str(one.get("seen_from")),
            str(one.get("seen_until") or "the end"),
            "unknown" if one.get("peak_bytes") is None else size(one["peak_bytes"]),
        )
        for one in holders
    ]
    if rows:
        columns = ("process", "pid", "GPU", "there at the start", "from", "until", "at most")
        yield table("Other processes on the GPUs", columns, rows, sorts=True)


def _gaps(gpus: Record) -> Iterator[Html]:
    rows = [
        row(
            str(one.get("gpu") or "all"),
            str(one.get("reason")),
            str(one.get("seen_from")),
            str(one.get("seen_until") or "the end"),
        )
        for one in gpus.get("gaps") or ()
    ]
    if rows:
        yield table("When the driver did not answer", ("GPU", "why", "from", "until"), rows)
