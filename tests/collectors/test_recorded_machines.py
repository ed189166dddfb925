"""Whole machines, recorded or written down: what a capture says of each of them.

said.json beside a recording was written by hand, from the description; fingerprint.json is the
whole capture, rewritten with `--update-golden`. A new machine is a new folder, see
tests/hosts/README.md.
"""

from __future__ import annotations

import builtins
import io
import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from envprint.collectors import Collector, collectors
from envprint.collectors._runner import capture
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.workload import detect
from envprint.documents.codec import dumps, loads
from envprint.judging.policy.model import Policy
from envprint.machine.live import LiveHost
from envprint.machine.recorded import RecordedHost, RecordingHost
from tests.builders.golden_files import Golden
from tests.builders.judged import judge_state
from tests.builders.machines import HOSTS, MACHINES, recorded
from tests.hosts import record

MAX_BYTES = 400_000
MIB = 1 << 20
HIDDEN = "hunter2"
"""The password in some recordings; no fingerprint may hold it."""


@cache
def captured(machine: str) -> Fingerprint:
    """A capture of a recorded machine."""
    return capture(RecordedHost(recorded(machine)["answers"]))


def said(machine: str) -> Any:
    """What the description says: `known` values by path, `unknown` paths, `findings` by rule."""
    return json.loads((HOSTS / machine / "said.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("machine", MACHINES)
def test_a_capture_says_what_the_description_of_the_machine_says(machine: str) -> None:
    fingerprint, known = captured(machine), said(machine)["known"]
    assert len(known) >= 5
    assert {path: _value(fingerprint, path) for path in known} == known


@pytest.mark.parametrize(
    ("machine", "path"),
    [(machine, path) for machine in MACHINES for path in said(machine)["unknown"]],
)
def test_what_a_machine_cannot_tell_is_unknown_with_a_reason(machine: str, path: str) -> None:
    with pytest.raises(UnknownValueError) as error:
        captured(machine).value(path)
    assert len(error.value.reason) > 10


@pytest.mark.parametrize("machine", MACHINES)
def test_a_pre_flight_finds_what_is_wrong_with_the_machine_and_no_more(machine: str) -> None:
    fingerprint = captured(machine)
    report = judge_state(fingerprint, None, detect(fingerprint), Policy())
    assert sorted(finding.rule for finding in report.findings) == said(machine)["findings"]


def _value(fingerprint: Fingerprint, path: str) -> Any:
    try:
        return fingerprint.value(path)
    except UnknownValueError as error:
        return f"unknown: {error}"


@pytest.mark.parametrize("machine", MACHINES)
def test_a_capture_equals_the_stored_fingerprint(machine: str, golden: Golden) -> None:
    golden(HOSTS / machine / "fingerprint.json", dumps(captured(machine)))


@pytest.mark.parametrize("machine", MACHINES)
def test_no_collector_fails_and_no_secret_passes(machine: str) -> None:
    fingerprint = captured(machine)
    assert not [reason for reason in fingerprint.unknown.values() if "the collector" in reason]
    assert HIDDEN not in dumps(fingerprint)
    assert loads(dumps(fingerprint).encode(), machine)._replace(undeclared=()) == fingerprint


@pytest.mark.parametrize("machine", MACHINES)
def test_a_recording_is_described_and_small(machine: str) -> None:
    content = recorded(machine)
    assert content.keys() == {"description", "sources", "answers"}
    assert len(content["description"]) > 80
    assert all(source.startswith("https://") for source in content["sources"])
    assert (HOSTS / machine / "host.json").stat().st_size < MAX_BYTES


NOT_RECORDED = {
    "facts.probes": "what `envprint probe` measures; a capture measures nothing",
    "live.random": "generators of a program that trains; a recording is of a capture alone",
}
"""Sections of which no recorded machine knows anything, and why."""


@pytest.mark.parametrize("collector", collectors(), ids=lambda one: f"{one.kind}.{one.section}")
def test_some_recorded_machine_knows_a_value_of_every_section(collector: Collector) -> None:
    sections = [getattr(captured(m), collector.kind)[collector.section] for m in MACHINES]
    fields = [field.name for field in collector.fields]
    known = {f for section in sections for f in fields if section.get(f) not in (None, [], {})}
    is_excused = f"{collector.kind}.{collector.section}" in NOT_RECORDED
    assert bool(known) != is_excused, "tests/hosts/ needs a recording that answers this collector"


def test_the_desktop_holds_a_tenth_of_the_card() -> None:
    device = captured("ubuntu-rtx2080ti").value("live.gpu.devices[0]")
    assert [(p["name"], p["kind"], p["memory_bytes"] // MIB) for p in device["processes"]] == [
        ("Xorg", "graphics", 412),
        ("gnome-shell", "graphics", 180),
        ("firefox", "graphics", 396),
    ]


def test_memory_of_a_process_that_is_gone_is_held_by_a_process_without_a_name() -> None:
    (process,) = captured("dgx-a100").value("live.gpu.devices[5].processes")
    assert process["memory_bytes"] == 10151 * MIB
    assert "name" not in process
    assert process["name_unknown"]


def test_memory_that_windows_does_not_report_is_not_called_zero() -> None:
    (process,) = captured("wsl2-rtx3060").value("live.gpu.devices[0].processes")
    assert "memory_bytes" not in process


def test_a_library_path_puts_an_older_cudnn_in_front_of_the_wheel() -> None:
    fingerprint = captured("ubuntu-rtx2080ti")
    installed = fingerprint.value("facts.cuda.cudnn.installed")
    assert {copy["version"] for copy in installed} >= {"8.7.0", "8.9.4.25"}
    assert fingerprint.value("facts.cuda.shadowed") == ["/usr/local/cuda-11.8/lib64/libcudnn.so.8"]
    assert captured("dgx-a100").value("facts.cuda.shadowed") == []


def test_a_recorded_machine_answers_without_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = {machine: RecordedHost(recorded(machine)["answers"]) for machine in MACHINES}
    before = {machine: capture(host) for machine, host in hosts.items()}

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise AssertionError(f"this machine was asked: {arguments}")

    for name in ("open", "listdir", "scandir", "readlink", "statvfs", "uname", "getcwd"):
        monkeypatch.setattr(os, name, refuse)
    for place, name in ((builtins, "open"), (io, "open"), (subprocess, "Popen")):
        monkeypatch.setattr(place, name, refuse)
    assert {machine: capture(host) for machine, host in hosts.items()} == before


def test_replaying_a_recording_of_this_machine_gives_the_same_fingerprint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SLURM_JOB_ID", "JUPYTERHUB_API_URL", "JUPYTER_IMAGE", "pythonhashseed"):
        monkeypatch.setenv(name, "some/thing:1")
    recording = RecordingHost(LiveHost())
    live = capture(recording)
    answers = json.loads(json.dumps(recording.answers))
    assert json.loads(dumps(capture(RecordedHost(answers)))) == json.loads(dumps(live))


def test_the_recorder_writes_a_machine_that_can_be_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(record, "HOSTS", tmp_path)
    monkeypatch.chdir(tmp_path)
    project = tmp_path / "project"
    project.mkdir()
    argv = ["here", "--describe", "this", "--directory", str(project), "--replace", "project=job"]
    assert record.main(argv) == 0
    machine = json.loads((tmp_path / "here" / "host.json").read_text(encoding="utf-8"))
    assert machine["description"] == "this"
    assert machine["answers"]["directory"] == {"": str(tmp_path / "job")}
    assert machine["answers"]["identity"] == {"": record.NEUTRAL}
    assert capture(RecordedHost(machine["answers"])).facts["os"] == capture(LiveHost()).facts["os"]
    assert "host.json: " in capsys.readouterr().out


def test_a_recording_keeps_no_name_of_the_machine_or_its_user() -> None:
    identity = {"user": "alice", "host_name": "cruncher", "home": "/home/alice"}
    answers = {
        "read": {"/home/alice/.keras/keras.json": ["alice at cruncher"], "/home/alicent/x": [""]},
        "process": {"7": {"name": "python", "user": "alice", "started_at_s": 1.0}},
        "identity": {"": identity},
        "system": {"": {"release": "6.1.0-acme3"}},
    }
    assert record.redacted(answers, identity, {"-acme3": ""}) == {
        "read": {"/home/user/.keras/keras.json": ["user at host"], "/home/alicent/x": [""]},
        "process": {"7": {"name": "python", "user": "user", "started_at_s": 1.0}},
        "identity": {"": {"user": "user", "host_name": "host", "home": "/home/user"}},
        "system": {"": {"release": "6.1.0"}},
    }


def test_a_user_called_root_leaves_the_paths_alone() -> None:
    answers = {
        "read": {"/var/root/x": ["root"], "/sys/root": [""]},
        "process": {"7": {"name": "Xorg", "user": "root"}},
    }
    identity = {"user": "root", "host_name": "pi", "home": "/var/root"}
    assert record.redacted(answers, identity, {}) == {
        "read": {"/home/user/x": ["root"], "/sys/root": [""]},
        "process": {"7": {"name": "Xorg", "user": "user"}},
        "identity": {"": {"user": "user", "host_name": "host", "home": "/home/user"}},
    }
