"""When tables are read, and what happens when one is not there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envprint import knowledge
from envprint.collectors._runner import capture
from envprint.core.errors import EnvprintError
from envprint.core.fingerprint import Fingerprint
from envprint.core.workload import Workload
from envprint.documents.codec import loads
from envprint.judging.policy.model import Policy
from envprint.machine.recorded import RecordedHost
from tests.builders.judged import judge_drift, judge_state
from tests.builders.machines import HOSTS, recorded
from tests.builders.support import fingerprint

OF_GPUS = {"compute_capabilities", "desktop_programs", "integrated_gpu_names", "torch_wheels"}
FRAMEWORKS = ("jax", "numpy", "scikit-learn", "tensorflow", "torch")
Reads = Callable[[], set[str]]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reads]:
    """A function that tells which tables have been read so far in this test."""
    found: set[str] = set()
    read = knowledge.read_file

    def noting(path: str) -> bytes:
        found.add(os.path.basename(path).removesuffix(".json"))
        return read(path)

    monkeypatch.setattr(knowledge, "read_file", noting)
    knowledge.forget()
    yield lambda: set(found)
    knowledge.forget()


def saved(machine: str) -> Fingerprint:
    """The capture of a recorded machine, as it was stored."""
    return loads((HOSTS / machine / "fingerprint.json").read_bytes(), machine)


def is_of_gpus(table: str) -> bool:
    return table in OF_GPUS or table.startswith("cuda_")


def test_a_capture_of_an_x86_machine_without_a_gpu_reads_the_roles_of_packages_only(
    reads: Reads,
) -> None:
    capture(RecordedHost(recorded("debian12-cpu-vm")["answers"]))
    assert reads() == {"roles"}


def test_a_capture_of_a_gpu_reads_what_its_capability_says(reads: Reads) -> None:
    capture(RecordedHost(recorded("ubuntu-rtx2080ti")["answers"]))
    assert "compute_capabilities" in reads()
    assert "arm_parts" not in reads()


@pytest.mark.parametrize("machine", ["debian12-cpu-vm", "ubuntu-rtx2080ti"])
def test_on_a_cpu_no_table_of_gpus_is_read(machine: str, reads: Reads) -> None:
    now = saved(machine)
    before = saved("debian-cpu-cgroup1")
    job = Workload(FRAMEWORKS, "cpu", machine="x86_64")
    judge_state(now, before, job, Policy())
    judge_drift(before, now, job, Policy())
    assert [table for table in sorted(reads()) if is_of_gpus(table)] == []


def test_a_table_is_read_once(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    first = knowledge.entries("arm_parts")
    monkeypatch.setattr(knowledge, "read_file", lambda path: pytest.fail(f"{path} read again"))
    assert knowledge.entries("arm_parts") is first
    assert reads() == {"arm_parts"}


def test_a_table_that_was_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge, "FOLDER", str(tmp_path))
    knowledge.forget()
    text = "the table arm_parts.json of envprint: no such file or directory; reinstall envprint"
    with pytest.raises(EnvprintError) as caught:
        knowledge.entries("arm_parts")
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("version", "loops"),
    [((), 5), ((1,), 5), ((1, 24, 9), 5), ((1, 25), 4), ((2,), 4), ((2, 4, 0), 3), ((99, 1), 3)],
)
def test_a_span_is_open_where_it_has_no_end(version: tuple[int, ...], loops: int) -> None:
    assert len([*knowledge.covering("numpy_loops", version)]) == loops


def test_a_version_that_is_none_is_in_no_closed_span() -> None:
    assert [*knowledge.covering("tensorflow_cuda", ())] == []


@pytest.mark.parametrize(
    ("table", "first"),
    [
        *(("roles", "distribution"), ("measured_equal", "distribution")),
        *(("known_breaks", "package"), ("package_conflicts", "package")),
    ],
)
def test_entries_by_name_are_those_of_the_whole_table(table: str, first: str) -> None:
    whole = knowledge.entries(table)
    assert list(knowledge.names(table)) == list(dict.fromkeys(entry[first] for entry in whole))
    for name in knowledge.names(table):
        assert list(knowledge.about(table, name)) == [e for e in whole if e[first] == name]
    assert knowledge.about(table, "no such name") == ()


def test_of_the_tables_about_packages_only_the_lines_in_question_are_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed: list[str] = []
    parse = knowledge.loads
    knowledge.forget()
    monkeypatch.setattr(knowledge, "loads", lambda text: parsed.append(text) or parse(text))
    path = "facts.packages.distributions"
    before = fingerprint({f"{path}[timm].version": "0.9.0", f"{path}[torch].version": "2.9.0"})
    after = fingerprint({f"{path}[timm].version": "0.9.1", f"{path}[torch].version": "2.9.0"})
    assert judge_drift(before, after, Workload(), Policy()).unjudged
    assert not [text for text in parsed if b'"matplotlib"' in text]
