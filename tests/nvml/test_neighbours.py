"""Every scenario through gpustat and nvitop as well: they agree with envprint, or it is known why.

gpustat asks through pynvml, nvitop in part through structs of its own: a mistake of envprint's
reading shows, and so does one of the simulator.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.nvml import neighbours, simulator
from tests.nvml.neighbours import DISAGREEMENTS, SCENARIOS, Said

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="NVML is simulated on Linux"),
]


def _is_endless(scenario: Path) -> bool:
    return bool(re.search(r"= *(after \d+ )?hang *$", scenario.read_text(), re.MULTILINE))


NAMES = sorted(path.parent.name for path in SCENARIOS.glob("*/driver.txt") if not _is_endless(path))
"""The scenarios that come to an end."""
EXAMPLE = "desktop"
"""The one that is tried where time is short."""
OTHERS = [pytest.param(name, marks=pytest.mark.long) for name in NAMES if name != EXAMPLE]


@pytest.fixture(scope="module")
def alive() -> Iterator[list[int]]:
    """Processes to stand for those of the scenarios, since gpustat leaves out what it cannot find.

    More than any scenario has.
    """
    sleeping = [subprocess.Popen(["sleep", "3600"]) for _ in range(16)]
    yield [process.pid for process in sleeping]
    for process in sleeping:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", [EXAMPLE, *OTHERS])
def test_the_tools_agree_or_it_is_known_why(
    name: str, alive: list[int], environment: Callable[..., str], tmp_path: Path
) -> None:
    python = environment(*neighbours.TOOLS)
    scenario = tmp_path / "driver.txt"
    scenario.write_text(neighbours.on_this_machine(name, alive), encoding="utf-8")
    variables = simulator.environment(scenario, simulator.generation_of(scenario))
    ours = neighbours.envprint(variables)
    seen = {
        (tool, what): values
        for tool, said in (
            ("gpustat", neighbours.gpustat(python, variables)),
            ("nvitop", neighbours.nvitop(python, variables)),
        )
        for what, values in neighbours.differences(ours, said).items()
    }
    known = {(row.tool, row.what) for row in DISAGREEMENTS if row.scenario == name}
    assert seen.keys() == known, seen


def test_each_row_is_of_a_scenario() -> None:
    assert {row.scenario for row in DISAGREEMENTS} <= set(NAMES)
    rows = [row[:3] for row in DISAGREEMENTS]
    assert len(rows) == len(set(rows))
    assert all(row.reason for row in DISAGREEMENTS)


def test_differences_are_of_values_devices_or_everything() -> None:
    card = {"total": 11264, "used": 996, "free": 10020, "processes": {"7": 396}}
    ours = Said(None, {"0": card, "0/0": card})
    assert neighbours.differences(ours, ours) == {}
    assert neighbours.differences(Said("18", {}), Said("mismatch", {})) == {}
    assert neighbours.differences(ours, Said("18", {})) == {"everything": "values / 18"}
    other = Said(None, {"0": {"total": 11264, "used": 1244, "processes": None}})
    assert neighbours.differences(ours, other) == {
        "devices": "not told: ['0/0'], told alone: []",
        "used": "0: 996 / 1244",
        "processes": "0: {'7': 396} / None",
    }


def test_processes_get_other_numbers() -> None:
    scenario = (
        "nvmlDeviceGetName@0 = ok 1: a name\n"
        "nvmlDeviceGetComputeRunningProcesses@0 = ok 10:3MiB/1.0 8:4MiB\n"
        "nvmlDeviceGetGraphicsRunningProcesses_v3@* = after 5 ok 8:-\n"
        "nvmlDeviceGetMPSComputeRunningProcesses@0 = 3\n"
    )
    assert neighbours.numbers_of_processes(scenario) == [8, 10]
    renumbered = neighbours.with_numbers(scenario, {8: 81, 10: 101})
    assert renumbered == scenario.replace(" 8:", " 81:").replace(" 10:", " 101:")


def test_the_table_can_be_read() -> None:
    lines = neighbours.as_markdown().splitlines()
    assert len(lines) == 2 + len(DISAGREEMENTS)
    assert {line.count("|") for line in lines} == {5}
