"""What every format of a fleet's verdict owes its reader: all, or a word on what it leaves out.

`OMITS` in the module of a format names the parts of `Fleet` and its reports of which it does not
show everything; a text is read with all details.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

import envprint
from envprint.outputs import fleet, fleet_csv, fleet_markdown, fleet_page
from envprint.outputs.formats import ALL, View
from tests.builders.fleets import card, member, put, recorded, unknown, variable, version
from tests.builders.reports import ACTING

OMITTED = {
    "text": fleet.OMITS,
    "json": frozenset[str](),
    "markdown": fleet_markdown.OMITS,
    "html": fleet_page.OMITS,
    "csv": fleet_csv.OMITS,
}
Texts = dict[str, list[str]]


@pytest.fixture(scope="module", name="found")
def _found(tmp_path_factory: pytest.TempPathFactory) -> envprint.FleetReport:
    """Machines of which something of every part is to be said."""
    folder, base = tmp_path_factory.mktemp("fleet"), recorded()
    for number in range(6):
        put(folder, f"even-{number}", member(base, card(number)))
    put(folder, "hole", member(base, card(7), unknown("facts.cpu.microcode")))
    put(folder, "odd", member(base, card(8), version("tensorflow", "2.16.1")))
    switched = variable("TF_ENABLE_ONEDNN_OPTS", "0"), variable("UNHEARD_OF", "1")
    put(folder, "switched", member(base, card(9), *switched))
    forged = member(base, card(10), version("numpy", "2.1.0"))
    digests = {**forged["section_digests"], "packages": "sha256:" + "0" * 64}
    put(folder, "forged", {**forged, "section_digests": digests})
    for name, day in (("late", 20), ("early", 10)):
        when = f"2026-11-{day}T00:00:00Z"
        put(folder, name, member(base, machine_id="1" * 32, captured_at=when))
    (folder / "cut.json").write_text("{")
    return envprint.fleet.diff(folder, baseline=folder / "even-0.json", verify=True)


def parts(found: envprint.FleetReport) -> Texts:
    """The texts by which a reader knows that each member of a part is there."""
    reports = list(found.reports())
    return {
        "members": [one.name for group in found.odd() for one in group.members],
        "findings": [finding.rule for report in reports for finding in report.findings],
        "titles": [finding.title for report in reports for finding in report.findings],
        "unjudged": [entry.name for report in reports for entry in report.unjudged],
        "undecided": [entry.rule for report in reports for entry in report.undecided],
        "changes": [change.path for report in reports for change in report.changes],
        "advice": [advice.rule for report in reports for advice in report.advice],
        "states": [state.finding.remedy for state in found.states],
        "unreadable": [Path(one.source).name for one in found.unreadable],
        "older": [Path(one.source).name for one in found.older],
        "forged": [Path(one.source).name for one in found.forged],
        "unknown": ["cpu.microcode"],
    }


def rendered(found: envprint.FleetReport, name: str) -> str:
    """As people read it: entities, escapes and wrapped lines resolved."""
    whole = View(details=ALL, width=10_000)
    text = fleet.render(found, whole) if name == "text" else found.to_format(name)
    plain = html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)).replace("\u200b", "")
    return " ".join(plain.replace(" → ", " -> ").split())


def lost(found: envprint.FleetReport, name: str, part: str) -> list[str]:
    """The texts of a part that do not occur."""
    shown = rendered(found, name)
    texts = [" ".join(text.replace(" → ", " -> ").split()) for text in parts(found)[part]]
    return [text for text in texts if text not in shown]


each_format = pytest.mark.parametrize("name", OMITTED)


def test_the_fleet_has_something_of_most_parts(found: envprint.FleetReport) -> None:
    empty = {part for part, texts in parts(found).items() if not texts}
    assert empty <= {"undecided", "advice"}


@each_format
def test_a_format_shows_everything_or_declares_what_it_leaves_out(
    found: envprint.FleetReport, name: str
) -> None:
    missing = {part for part in parts(found) if lost(found, name, part)}
    assert missing <= OMITTED[name], {part: lost(found, name, part)[:2] for part in missing}
    assert OMITTED[name] <= parts(found).keys()


@pytest.mark.parametrize("name", ["markdown", "csv"])
def test_hostile_names_act_in_no_text(tmp_path: Path, name: str) -> None:
    for host in ("even-1", "even-2"):
        put(tmp_path, host, member(recorded(), card(1)))
    for number, acting in enumerate(ACTING.values()):
        planted = version("numpy", f"2.{number}.0"), card(number)
        odd = member(recorded(), *planted, identity={"host_name": f"={acting}"})
        put(tmp_path, f"odd-{number}", odd)
    text = envprint.fleet.diff(tmp_path).to_format(name)
    assert "\x1b" not in text and "\r" not in text
    if name == "csv":
        assert '"=' not in text
    else:
        outside = re.sub(r"(`+)[^`].*?\1|<code>.*?</code>", "", text)
        assert "<script" not in outside and "@octocat" not in outside
