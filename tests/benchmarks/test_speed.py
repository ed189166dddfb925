"""The page about performance has the form that its benchmark writes; figures are not checked."""

from __future__ import annotations

import re
from pathlib import Path

from tests.benchmarks.speed import page
from tests.benchmarks.speed.curve import SIZES, Point
from tests.benchmarks.speed.page import AIMS, AIMS_COMPILED, BARE, BEGIN, END, KINDS, Measured
from tests.benchmarks.speed.profile import COMPILED, STAGES, WHOLE
from tests.benchmarks.speed.tools import OURS, PEERS, change_versions


def measured(ratio: float = 9.0, per_unit: float = 1e-4) -> Measured:
    """A run in which every command took so many bare starts."""
    tools = {(peer.label, kind): 0.1 for peer in PEERS for kind in ("capture", "diff")}
    times = {BARE: 0.01} | tools | {(OURS.label, kind): ratio / 100 for kind in KINDS}
    firsts = ("bare start", "standard library", "own modules")
    stages = {
        kind: dict.fromkeys((*firsts, *STAGES[kind], WHOLE[kind], "all", COMPILED), 40.0)
        for kind in KINDS
    }
    points = [
        Point(kind, size, dict.fromkeys(KINDS, 0.1 + size * per_unit))
        for kind in SIZES
        for size in SIZES[kind]
    ]
    return Measured("2026-11-29 03:00", 0.1, 0.2, 9, times, times, ratio / 300, stages, points)


def part(text: str) -> str:
    """What stands between the markers."""
    return text.partition(BEGIN)[2].partition(END)[0]


def form(text: str) -> list[str]:
    """Headings, heads of tables, and the first cells of their rows."""
    cells = r"(?m)^(?:#+ .*|\| (?:tool|what) .*|\| [^|]+\||Superlinear:)"
    return re.findall(cells, part(text))


def test_the_page_has_the_form_that_the_benchmark_writes() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert (text.count(BEGIN), text.count(END)) == (1, 1)
    assert form(text) == form(page.section(measured()))
    assert len(form(text)) > 30


def test_what_is_written_by_hand_stays(tmp_path: Path) -> None:
    kept = tmp_path / "performance.md"
    kept.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n", encoding="utf-8")
    page.write(page.section(measured()), kept)
    text = kept.read_text(encoding="utf-8")
    assert text.startswith(f"before\n\n{BEGIN}\n") and text.endswith(f"\n{END}\n\nafter\n")
    assert "old" not in text and part(text).count("## ") == 3


def test_the_page_says_plainly_which_aims_are_not_met() -> None:
    missed, reached = page.section(measured(9.0)), page.section(measured(3.0))
    for kind, aim in AIMS.items():
        assert f"{kind} (9.00, aim {aim:g})" in missed.partition("* Not met: ")[2]
        assert f"{kind} (3.00, aim {aim:g})" in reached.partition("* Not met: ")[0]
    for kind, aim in AIMS_COMPILED.items():
        assert f"{kind} without bytecode (9.00, aim {aim:g})" in missed.partition("* Not met: ")[2]
    assert "* Met: none.\n" in missed and "* Not met: none.\n" in reached


def test_the_page_names_what_is_superlinear() -> None:
    assert "Superlinear: nothing.\n" in page.section(measured())
    run = measured()
    quadratic = [
        point._replace(seconds=point.seconds | {"diff": point.size**2 / 1e6}) for point in run.curve
    ]
    found = page.section(run._replace(curve=quadratic)).partition("Superlinear: ")[2]
    assert found.startswith("diff with GPUs (4.0), diff with variables (4.0), diff with packages")


def test_a_diff_compares_records_in_which_forty_packages_differ() -> None:
    listed = {f"p{i:03}": "1.0" for i in range(50)}
    document = {"packages": dict(listed)}
    change_versions(document, ("packages",))
    assert sum(document["packages"][name] != "1.0" for name in listed) == 40
    nested = {"a": {"b": {"p": {"version": "1.0", "build": "x"}}}}
    change_versions(nested, ("a", "b"))
    assert nested == {"a": {"b": {"p": {"version": "99.0", "build": "x"}}}}
