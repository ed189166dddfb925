"""What does not change a training result makes no noise, on every recorded machine.

Each case edits a recording in one way that is known not to matter, or only to some code, and judges
it for work with every framework, on both devices. It lists what may be told as advice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from envprint import collectors
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.report import Report
from envprint.core.workload import FRAMEWORKS, detect
from envprint.judging.policy.model import Policy
from tests.builders.edits import edited
from tests.builders.judged import judge_drift
from tests.builders.machines import MACHINES

Edits = dict[str, Any]


class Case(NamedTuple):
    """One change; `{gpu}` in a path stands for each of the machine's GPUs."""

    before: Edits
    after: Edits
    advice: tuple[str, ...] = ()
    only: tuple[str, ...] = FRAMEWORKS
    """The frameworks to which it does not matter."""
    at_most: Impact = Impact.PERF


def variables(**values: str | None) -> Edits:
    return {f"facts.environ.variables[{name}]": value for name, value in values.items()}


def package(name: str, version: str) -> Edits:
    entry = {"version": version, "installer": "pip", "tags": ["py3-none-any"], "build_id": version}
    return {f"facts.packages.distributions[{name}]": entry}


def gpus(place: str, **values: Any) -> Edits:
    return {f"{place}.gpu.devices[{{gpu}}].{name}": value for name, value in values.items()}


def releases(name: str, before: str, after: str) -> Case:
    return Case(package(name, before), package(name, after))


HASHES = ("python-hash-seed-changed", "python-hash-seed-unset")
CASES = {
    "uptime and load": Case(
        {"live.host.uptime_s": 100.0, "live.host.load_1_minute": 0.1},
        {"live.host.uptime_s": 9e6, "live.host.load_1_minute": 7.5},
    ),
    "a healthy kernel": Case(
        {"facts.os.kernel_release": "5.15.0-105-generic", "facts.os.kernel_version": "#115"},
        {"facts.os.kernel_release": "6.8.0-31-generic", "facts.os.kernel_version": "#31"},
    ),
    "which card of a kind it is": Case(
        {}, gpus("facts", uuid="GPU-ffffffff-0000-0000-0000-000000000000", bus_id="0000:FF:00.0")
    ),
    "persistence mode": Case(
        gpus("facts", persistence_mode=False), gpus("facts", persistence_mode=True)
    ),
    "clocks, temperature and what the card may draw": Case(
        gpus("facts", power_limit_w=250.0, clock_sm_max_mhz=1410),
        gpus("facts", power_limit_w=300.0, clock_sm_max_mhz=1530)
        | gpus("live", temperature_c=71, clock_sm_mhz=1400, clock_reasons=["power-cap"]),
    ),
    "a newer driver, both new enough": Case(
        {"facts.gpu.driver_version": "570.86.10", "facts.gpu.nvml_version": "12.570.86.10"},
        {"facts.gpu.driver_version": "580.65.06", "facts.gpu.nvml_version": "13.580.65.06"},
    ),
    "a patch release of Python": Case(
        {"facts.python.version": "3.11.7", "facts.python.compiler": "GCC 11.4.0"},
        {"facts.python.version": "3.11.9", "facts.python.compiler": "GCC 12.2.0"},
    ),
    "OMP_NUM_THREADS, to TensorFlow": Case(
        variables(OMP_NUM_THREADS=None), variables(OMP_NUM_THREADS="1"), only=("tensorflow",)
    ),
    "the hash seed": Case(
        {"facts.python.hash_seed": "random", **variables(PYTHONHASHSEED=None)},
        {"facts.python.hash_seed": "0", **variables(PYTHONHASHSEED="0")},
        advice=HASHES,
    ),
    "locale": Case(
        {"facts.os.locale": "en_US.UTF-8", **variables(LC_ALL=None)},
        {"facts.os.locale": "de_DE.UTF-8", **variables(LC_ALL="de_DE.UTF-8")},
        advice=("os-locale-changed",),
    ),
    "time zone": Case(
        {"facts.os.time_zone": "UTC", **variables(TZ=None)},
        {"facts.os.time_zone": "Asia/Tokyo", **variables(TZ="Asia/Tokyo")},
        advice=("os-locale-changed",),
    ),
    "verbosity of the log": Case(
        variables(TF_CPP_MIN_LOG_LEVEL=None), variables(TF_CPP_MIN_LOG_LEVEL="3")
    ),
    "another allocator's settings": Case(
        variables(MALLOC_ARENA_MAX=None), variables(MALLOC_ARENA_MAX="1")
    ),
    # The streams of RandomState stay; that another NumPy rounds differently is not their doing.
    "random streams across NumPy": Case(
        {"facts.frameworks.numpy.version": "2.2.6"},
        {"facts.frameworks.numpy.version": "2.3.5"},
        at_most=Impact.NUMERIC,
    ),
    **{
        f"{name} {before}": releases(name, before, after)
        for name, before, after in (
            ("h5py", "3.12.1", "3.14.0"),
            ("wrapt", "1.17.0", "2.5.2"),
            ("protobuf", "6.33.0", "7.35.0"),
            ("ipython", "8.31.0", "9.7.0"),
            ("matplotlib", "3.9.4", "3.10.7"),
            ("pip", "24.0", "25.3"),
            ("setuptools", "75.8.0", "80.9.0"),
        )
    },
    "pandas": Case(package("pandas", "2.2.3"), package("pandas", "2.3.3")),
    "Pillow 9.5": Case(package("pillow", "9.5.0"), package("pillow", "12.0.0")),
}


def on(machine: str, edits: Edits) -> Fingerprint:
    """The machine with the edits; one that has no GPU stays without."""
    cards = edited({"host": machine}).facts["gpu"].get("devices") or {}
    spread: Edits = {}
    for path, value in edits.items():
        if "{gpu}" in path:
            spread.update({path.format(gpu=card): value for card in cards})
        elif not path.startswith("facts.gpu.") or cards:
            spread[path] = value
    return edited({"host": machine, "set": spread})


def reports(
    before: Fingerprint, after: Fingerprint, frameworks: tuple[str, ...] = FRAMEWORKS
) -> Iterator[Report]:
    """What is said of the two, on either device, to work that uses all of `frameworks`."""
    for device in ("cpu", "gpu"):
        workload = detect(after, before, frameworks=frameworks, device=device)
        yield judge_drift(before, after, workload, Policy())


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", CASES)
def test_no_rule_fires_on_what_does_not_matter(name: str, machine: str) -> None:
    case = CASES[name]
    before, after = on(machine, case.before), on(machine, {**case.before, **case.after})
    about_cards = any(".gpu." in path for path in case.after)
    assert before != after or (about_cards and not before.facts["gpu"].get("devices"))
    for first, second in ((before, after), (after, before)):
        for report in reports(first, second, case.only):
            findings = [finding for finding in report.findings if finding.impact > case.at_most]
            assert findings == []
            assert {advice.rule for advice in report.advice} <= set(case.advice)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_compared_with_itself_gives_no_finding_and_no_advice(machine: str) -> None:
    same = on(machine, {})
    for report in reports(same, same):
        assert (report.findings, report.advice, report.changes) == ((), (), ())
        assert report.impact is Impact.NONE
        assert report.summary.startswith("no difference; if results differ, look at ")


@pytest.mark.parametrize("machine", MACHINES)
def test_names_and_labels_are_no_facts(machine: str) -> None:
    before = on(machine, {})
    after = before._replace(
        identity={"user": "alice", "host_name": "cruncher", "home": "/home/alice"},
        label="tuesday",
        note="after lunch",
        tags={"run": "7"},
        captured_at="2031-01-01T00:00:00Z",
        captured_via="cli",
    )
    for report in reports(before, after):
        assert (report.findings, report.advice, report.changes) == ((), (), ())


def test_pids_do_not_matter() -> None:
    before = on("ubuntu-rtx2080ti", {})
    held = before.value("live.gpu.devices[0].processes")
    moved = [{**process, "pid": process["pid"] + 1000} for process in held]
    after = on("ubuntu-rtx2080ti", {"live.gpu.devices[0].processes": moved})
    assert held
    for report in reports(before, after):
        assert (report.findings, report.advice) == ((), ())


NEVER_RECORDED = (
    "fan",
    "serial",
    "utilization",
    "cwd",
    "hostname",
)


def test_what_only_flickers_is_not_even_recorded() -> None:
    names = {
        name
        for place in ("facts", "live")
        for section in collectors.declared(place).fields
        for name in names_inside(section.shape)
    }
    assert "uuid" in names
    assert [name for name in names if any(word in name for word in NEVER_RECORDED)] == []


def names_inside(shape: Any) -> Iterator[str]:
    """The names of all fields in a declared shape."""
    while hasattr(shape, "item"):
        shape = shape.item
    for field in getattr(shape, "fields", ()):
        yield field.name
        yield from names_inside(field.shape)
