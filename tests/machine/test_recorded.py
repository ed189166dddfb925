"""Recordings: what follows from a few entries, and which variables are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from envprint.collectors._runner import capture
from envprint.core.redact import HIDDEN
from envprint.machine.recorded import RecordedHost, RecordingHost
from envprint.machine.recorded_environ import PRESENT, kept_variables
from tests.builders.support import host

VARIABLES = {
    "PATH": "/usr/bin",
    "DATABASE_URL": "postgres://me:hunter2@db/x",
    "OMP_NUM_THREADS": "4",
    "TORCH_HUB_TOKEN": "hunter2",
    "PYTHONPATH": "https://me:hunter2@example.org/x",
    "pythonhashseed": "hunter2",
    "LD_LIBARY_PATH": "/home/me/hunter2",
    "SLURM_JOB_ID": "123456",
    "CODESPACES": "",
    "KAGGLE_KERNEL_RUN_TYPE": "Interactive",
    "JUPYTERHUB_API_URL": "https://me:hunter2@hub/api",
    "CI_JOB_IMAGE": "https://me:hunter2@registry/train:1",
    "container": "podman",
}


@pytest.mark.parametrize(
    ("path", "directories"),
    [
        ("/.git", {"/": [".git"]}),
        ("//.git", {"//": [".git"]}),
        ("/a/b/c", {"/": ["a"], "/a": ["b"], "/a/b": ["c"]}),
        ("relative/x", {"": ["relative"], "relative": ["x"]}),
        ("C:\\x", {"": ["C:\\x"]}),
        ("/", {}),
        ("", {}),
    ],
)
def test_directories_follow_from_any_path(path: str, directories: dict[str, list[str]]) -> None:
    machine = host(read={path: "x"})
    assert {parent: machine.list_dir(parent) for parent in directories} == directories
    assert all(machine.file_type(parent) == "directory" for parent in directories)


def test_marks_and_near_misses_are_kept_without_their_values() -> None:
    assert kept_variables(VARIABLES) == {
        "CI_JOB_IMAGE": f"https://{HIDDEN}@registry/train:1",
        "CODESPACES": "",
        "JUPYTERHUB_API_URL": PRESENT,
        "KAGGLE_KERNEL_RUN_TYPE": PRESENT,
        "LD_LIBARY_PATH": PRESENT,
        "OMP_NUM_THREADS": "4",
        "PYTHONPATH": f"https://{HIDDEN}@example.org/x",
        "SLURM_JOB_ID": PRESENT,
        "TORCH_HUB_TOKEN": HIDDEN,
        "container": "podman",
        "pythonhashseed": PRESENT,
    }


def test_what_a_table_names_is_kept_with_its_value() -> None:
    assert kept_variables({"FLUX_JOB_SIZE": "4"}) == {}
    assert kept_variables({"FLUX_JOB_SIZE": "4"}, ["FLUX_JOB_SIZE"]) == {"FLUX_JOB_SIZE": "4"}


def answers(variables: dict[str, str]) -> dict[str, Any]:
    return {
        "environ": variables,
        "start_environ": variables | {"OMP_NUM_THREADS": "8"},
        "identity": {"": {"user": "me", "host_name": "h", "home": "/home/me"}},
        "now": {"": "2026-11-21T12:00:00Z"},
    }


@pytest.mark.parametrize("without", ["", "container", "SLURM_JOB_ID", "KAGGLE_KERNEL_RUN_TYPE"])
def test_a_machine_recorded_again_says_the_same_of_its_surroundings(without: str) -> None:
    variables = {name: value for name, value in VARIABLES.items() if name != without}
    recording = RecordingHost(RecordedHost(answers(variables)))
    live = capture(recording)
    again = capture(RecordedHost(json.loads(json.dumps(recording.answers))))
    assert again == live
    assert live.facts["environ"]["misspelt"] == {
        "pythonhashseed": "PYTHONHASHSEED",
        "LD_LIBARY_PATH": "LD_LIBRARY_PATH",
    }
    assert live.facts["container"] != capture(RecordedHost(answers({}))).facts["container"]
    assert "hunter2" not in json.dumps(recording.answers)


def test_a_recording_of_variables_that_may_not_be_read_keeps_the_error() -> None:
    recording = RecordingHost(host(start_environ={"error": "EACCES"}))
    with pytest.raises(PermissionError):
        recording.start_environ()
    assert recording.answers["start_environ"] == {"error": "EACCES"}
