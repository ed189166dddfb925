"""What envprint records and says of a driver in each situation, read by the real pynvml.

A scenario is a folder: `driver.txt` is what the simulated library answers (see `simulator`), and
where it is asked once more, the file that `again` names (null: nothing); `scenario.json` what the
machine around it is, and, written by hand from the description, texts that a person must read or
must not, and values; with `as_long_as_s` a short wait stands for one of so many seconds.
`section.json` and `text.txt` are the whole of it, to be rewritten with `--update-golden` and read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from envprint.collectors._runner import capture
from envprint.core.fingerprint import GPU_TIMEOUT_S, Fingerprint, is_inside
from envprint.core.impact import Impact
from envprint.core.report import Report, headline, without_findings
from envprint.core.workload import detect
from envprint.documents.codec import dumps, loads
from envprint.judging.policy.model import Policy
from envprint.machine.recorded import RecordedHost
from envprint.outputs.formats import ALL, View
from envprint.outputs.formats import text as output
from tests.builders.golden_files import Golden
from tests.builders.judged import judge_state
from tests.builders.nvml_scenarios import read
from tests.nvml import page

SCENARIOS = sorted(path.parent for path in Path(__file__).parent.glob("scenarios/*/driver.txt"))
FRAMEWORKS = ("tensorflow", "torch")
SAMPLED_AT_S = 1_000_000.0
"""When the driver was asked, on the clock of the recorded processes."""
SECTIONS = ("facts.gpu", "live.gpu")


@pytest.fixture(scope="module", params=SCENARIOS, ids=lambda path: path.name)
def scenario(request: pytest.FixtureRequest) -> Path:
    """The folder of one scenario."""
    folder: Path = request.param
    return folder


@pytest.fixture(scope="module")
def described(scenario: Path) -> dict[str, Any]:
    """What stands beside the driver."""
    found: dict[str, Any] = json.loads((scenario / "scenario.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def captured(scenario: Path, described: Mapping[str, Any]) -> Fingerprint:
    """A capture of the machine with that driver."""
    timeout_s = described.get("timeout_s", GPU_TIMEOUT_S)
    reading = steady(read(scenario, timeout_s))
    if "as_long_as_s" in described:
        reading = longer(reading, timeout_s, described["as_long_as_s"])
    answers = described["answers"] | {"gpu": {"": reading}, "gpu_again": {"": reading}}
    if "again" in described:
        again = described["again"]
        answers["gpu_again"] = {"": steady(read(scenario, timeout_s, again))} if again else {}
    return capture(RecordedHost(answers))


def steady(reading: dict[str, Any]) -> dict[str, Any]:
    """A reading without what differs from run to run."""
    reading.pop("call_ms", None)
    if "init_ms" in reading:  # what the simulated driver takes of itself is no answer of it
        reading["init_ms"] = round(reading["init_ms"], -2)
    if "overdue" in reading:
        reading["overdue"]["hung_s"] = reading["overdue"]["waited_s"]
    if "sampled_at_s" in reading:
        reading["sampled_at_s"] = SAMPLED_AT_S
    return reading


def longer(reading: dict[str, Any], waited_s: float, as_s: float) -> dict[str, Any]:
    """A reading that was waited for in vain, as after another time."""
    text = json.dumps(reading).replace(f"within {waited_s:g} s", f"within {as_s:g} s")
    reading = json.loads(text)
    reading["overdue"] |= {"hung_s": as_s, "waited_s": as_s}
    return reading


def said(now: Fingerprint) -> str:
    """What a pre-flight says of the GPUs, as a person reads it."""
    job = detect(now, frameworks=FRAMEWORKS)._replace(machine="x86_64")
    report: Report = judge_state(now, None, job, Policy())
    about = ("gpu-", "cuda-driver-library")
    lines = tuple(line for line in report.current.lines if line[0] == "gpu")
    findings = tuple(f for f in report.findings if f.rule.startswith(about))
    short = report._replace(
        impact=max((f.impact for f in findings), default=Impact.NONE),
        current=report.current._replace(lines=lines),
        findings=findings,
        computes_on=(),  # these machines have no Python, so no framework that could compute
        advice=tuple(f for f in report.advice if f.rule.startswith(about)),
        undecided=tuple(d for d in report.undecided if is_about(d.path)),
    )
    summary = headline(findings, (), without_findings(None, False), "", short.undecided)
    return output.render(short._replace(summary=summary), View(details=ALL))


def is_about(path: str) -> bool:
    """Whether a path is one of the GPU sections."""
    return any(is_inside(path, section) for section in SECTIONS)


def test_the_text_is_what_a_person_should_read(
    scenario: Path, described: Mapping[str, Any], captured: Fingerprint, golden: Golden
) -> None:
    told = said(captured)
    flowing = " ".join(told.split())
    assert [text for text in described["says"] if text not in flowing] == []
    assert [text for text in described.get("never", ()) if text in told] == []
    golden(scenario / "text.txt", told)


def test_the_section_is_what_was_recorded(
    scenario: Path, described: Mapping[str, Any], captured: Fingerprint, golden: Golden
) -> None:
    unknown = {path: reason for path, reason in captured.unknown.items() if is_about(path)}
    section = {
        "facts": {"gpu": captured.facts["gpu"]},
        "live": {"gpu": captured.live["gpu"]},
        "unknown": unknown,
    }
    text = json.dumps(section, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    for path, value in described.get("values", {}).items():
        assert captured.value(path) == value, path
    golden(scenario / "section.json", text)
    assert loads(dumps(captured).encode(), "scenario") == captured


def test_there_are_at_least_as_many_situations_as_were_thought_of() -> None:
    assert len(SCENARIOS) >= 24


def test_the_page_is_what_the_scenarios_say(golden: Golden) -> None:
    golden(page.PAGE, page.text())
