"""docs/gpu-situations.md, made of the scenarios and of what other tools say of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.nvml.neighbours import as_markdown

SCENARIOS = Path(__file__).parent / "scenarios"
PAGE = Path(__file__).parents[2] / "docs" / "gpu-situations.md"

HEAD = """
# What is said of a GPU in each situation

What a check says of a GPU in each situation that was tried, and what after it. Made from
`tests/nvml/` by `pytest tests/nvml/test_scenarios.py --update-golden`. Each row is a
scenario: a simulated driver, compiled from this project's own C code and read by the real pynvml,
and a machine around it on paper. The texts on the right were written before the code that says
them. None of this was seen on a GPU; the pages under *after* tell of such machines.
"""
NEIGHBOURS = """
## What other tools say

The same drivers were read by gpustat 1.1.1 (`gpustat --json`) and nvitop 1.7.2 (its API), and
compared with envprint in total, used and free memory, and in the pids and MiB of processes. They
agree except in these rows; a test fails if a row is missing or no longer true.
Owners' names were not compared. Scenarios that hang are left out: both tools hang with them.
"""


def text() -> str:
    """The page."""
    return "\n".join((HEAD.strip(), "", *_rows(), NEIGHBOURS, as_markdown().strip(), ""))


def _rows() -> Iterator[str]:
    yield "| situation | what it is | what a person reads | after |"
    yield "|---|---|---|---|"
    for folder in sorted(SCENARIOS.iterdir()):
        scenario = json.loads((folder / "scenario.json").read_text(encoding="utf-8"))
        sources = scenario.get("sources", [])
        after = ", ".join(f"[{n}]({source})" for n, source in enumerate(sources, 1))
        says = "<br>".join(scenario["says"]).replace("|", "\\|")
        yield f"| {folder.name} | {scenario['description']} | {says} | {after} |"
