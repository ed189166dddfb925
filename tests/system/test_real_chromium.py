"""Pages in a real Chromium: filters, sorting, addresses, nothing loaded, nothing that acts.

Chromium is the system's own (`apt-get install chromium`); Playwright, which drives it, is installed
here and brings no browser.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.outputs.fingerprints.html import render as shown
from envprint.outputs.formats.html import render
from envprint.outputs.run_page import render as page_of_run
from tests.builders import shared
from tests.builders.fleets import card, member, put, recorded, variable, version
from tests.builders.pages import PACKAGES, a_machine, two_machines
from tests.builders.reports import ACTING, hostile_report
from tests.builders.runs import a_record
from tests.conftest import Build

PLAYWRIGHT = "playwright==1.58.0"
PROGRAM = Path(__file__).parents[1] / "builders" / "browser.py"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
]


def a_fleet(folder: Path, hostile: str) -> envprint.FleetReport:
    """Sixty machines of which two are odd; one has a hostile name, and one file is cut."""
    base = recorded()
    odd = {7: version("tensorflow", "2.16.1"), 30: variable("OMP_NUM_THREADS", "3")}
    for number in range(1, 61):
        changes = [card(number), *([odd[number]] if number in odd else [])]
        put(folder, f"node{number:03}", member(base, *changes))
    put(folder, "named", member(base, version("numpy", "2.1.0"), identity={"host_name": hostile}))
    (folder / "cut.json").write_text('{"facts":')
    return envprint.fleet.diff(folder)


@pytest.fixture(scope="module", name="seen")
def _seen(environment: Build, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a browser shows of a report of two machines, of a fingerprint and of hostile texts."""
    file = shared.folder(tmp_path_factory) / "chromium.json"
    seen: dict[str, Any] = shared.once(
        file, lambda: looked(environment, tmp_path_factory.mktemp("pages"))
    )
    return seen


def looked(environment: Build, folder: Path) -> dict[str, Any]:
    (folder / "report.html").write_text(render(two_machines()))
    (folder / "fingerprint.html").write_text(shown(a_machine("ubuntu-rtx2080ti")))
    (folder / "run.html").write_text(page_of_run(a_record(), a_machine("ubuntu-rtx2080ti")))
    everything = " ".join(ACTING.values())
    (folder / "fleet.html").write_text(a_fleet(folder / "machines", everything).to_html())
    (folder / "hostile.html").write_text(render(hostile_report(everything)))
    command = [environment(PLAYWRIGHT), str(PROGRAM), str(CHROMIUM), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_nothing_is_requested_and_nothing_complains(seen: dict[str, Any]) -> None:
    assert seen["complaints"] == []


def test_hostile_texts_are_inert(seen: dict[str, Any]) -> None:
    assert seen["hostile"] == [1, 0]
    assert seen["fleet"]["elements"] == [1, 0]


def test_findings_are_filtered_by_impact_and_by_words(seen: dict[str, Any]) -> None:
    found = seen["filters"]
    number = found["all"][0]
    assert number > 5
    assert found["all"][1] == f"{number} of {number} shown"
    assert found["without breaks"] == [0]
    assert found["search"] == [1, f"1 of {number} shown"]


def test_an_address_leads_to_a_finding_that_a_filter_hides(seen: dict[str, Any]) -> None:
    assert seen["filters"]["address"] == [False]


def test_packages_are_sorted_by_the_keyboard_and_by_numbers(seen: dict[str, Any]) -> None:
    for order, reverse in (("ascending", False), ("descending", True)):
        name, numbers = seen["sorts"][order]
        assert name.startswith("before")
        assert len(numbers) >= 60
        assert numbers == sorted(numbers, reverse=reverse)


def test_both_sides_are_shown_whole_or_where_they_differ(seen: dict[str, Any]) -> None:
    differ, everything = (seen["sides"][name].split()[0] for name in ("differences", "all"))
    assert 60 < int(differ) < int(everything)
    assert int(everything) > PACKAGES
    assert seen["sides"]["search"] >= 1


def test_it_fits_narrow_and_wide_dark_and_paper(seen: dict[str, Any]) -> None:
    looks = seen["looks"]
    assert looks["overflow"] == [0, 0, 0]
    assert looks["light"] != looks["dark"]
    assert looks["forms on paper"] == 0
    assert looks["paper"] > 10_000
    assert looks["first"] == "Skip to the content"


def test_a_screen_reader_finds_headings_tables_and_names(seen: dict[str, Any]) -> None:
    for line in (
        "- banner:",
        '- heading "Findings (',
        '- navigation "Parts of this page":',
        "- main:",
        '- region "Both fingerprints":',
        '- search "Impact":',
        '- searchbox "Search"',
        '- checkbox "breaks" [checked]',
        '- table "Packages":',
        '- columnheader "name":',
        '- rowheader "package-000"',
        'img "before: GPU 0, NVIDIA GeForce RTX 2080 Ti',
    ):
        assert line in seen["snapshot"]
    assert 'img "Memory of GPU-1 over time: at most 8,192 MiB in use' in seen["run"]
    assert '- table "Other processes on the GPUs":' in seen["run"]
    assert '- heading "Environment on ubuntu-rtx2080ti" [level=1]' in seen["fingerprint"]
    assert '- columnheader "version"' in seen["fingerprint"]


def test_the_odd_machines_of_a_fleet_are_shown_first_and_all_on_demand(
    seen: dict[str, Any],
) -> None:
    fleet = seen["fleet"]
    assert fleet["odd"] == [3, "3 of 61 shown"]
    assert fleet["all"] == [61, "61 of 61 shown"]
    assert fleet["search"] == 1
    nodes = [name for name in fleet["sorted"] if name.startswith("node")]
    assert nodes == [f"node{number:03}" for number in range(1, 61)]
    assert fleet["overflow"] == [0, 0, 0]


def test_a_screen_reader_finds_the_groups_and_the_machines_of_a_fleet(seen: dict[str, Any]) -> None:
    for line in (
        "- banner:",
        '- navigation "Parts of this page":',
        "- main:",
        '- region "node007":',
        '- heading "node007" [level=2]',
        '- heading "What was true at the capture (',
        '- search "Machines and sections":',
        '- radio "only those that differ" [checked]',
        '- table "Machines and sections":',
        '- columnheader "machine',
        '- columnheader "packages',
        '- rowheader "node030"',
        '- heading "Documents that do not count, or not as they are (1)" [level=2]',
        '- columnheader "document"',
    ):
        assert line in seen["fleet"]["snapshot"]
