"""The table of neighbours on its page is about the tools and the differences of the script."""

from __future__ import annotations

from tests.benchmarks.peers import BEGIN, END, PAGE, PLANTED, READERS, TOOLS, cell


def test_the_page_shows_every_tool_and_every_planted_difference() -> None:
    table = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in table if "|" in line]
    assert rows[0] == ["planted", *(tool.label for tool in TOOLS)]
    assert [row[0] for row in rows[2:]] == [planted.name for planted in PLANTED]
    assert list(READERS) == [tool.name for tool in TOOLS]


def test_a_cell_is_the_worst_grade_beyond_what_is_always_there() -> None:
    always = {"image": "critical"}
    assert cell({**always, "numpy": "medium", "six": "low"}, always) == "medium"
    assert cell({**always, "numpy": "not judged"}, always) == "not judged"
    assert cell({**always, "live.host.uptime_s": "listed"}, always) == "–"
    assert cell(always, {}) == "critical"
