"""Documents of many machines in one directory: each has a file, named by its host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from envprint.core.errors import OutputError
from envprint.documents.naming import file_name, node_name, write_by_host
from tests.builders.labelled import labelled

HOSTILE = (
    "../../etc/passwd",
    "-rf",
    ".hidden",
    "$(reboot)",
    "a\nb\x1b[31m",
    "\u202egpj.exe",
    "",
    "x" * 5000,
    "/",
    "..",
    "token=ghp_0123456789abcdefghijklmnopqrstuvwxyzABCD",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_host_name_is_no_path_option_or_command(name: str, tmp_path: Path) -> None:
    path = write_by_host(labelled("a"), f"{tmp_path}/new/", name, print)
    (written,) = (tmp_path / "new").iterdir()
    assert str(written) == path
    assert written.name.isascii() and written.name.isprintable() and len(written.name) < 120
    assert written.name[0] not in ".-" and not set(written.name) & set("$()/\\ '\"")
    assert "ghp_0123" not in written.name


def test_hosts_of_one_name_have_files_of_their_own_and_a_machine_has_one(tmp_path: Path) -> None:
    one, other = (labelled("a")._replace(machine_id=digit * 32) for digit in "12")
    unknown = labelled("a")._replace(machine_id=None)
    written = [
        Path(write_by_host(each, f"{tmp_path}/", "localhost", print)).name
        for each in (one, other, one, unknown, unknown, other)
    ]
    assert written == [
        *("localhost.json", "localhost-2.json", "localhost.json"),
        *("localhost-3.json", "localhost-4.json", "localhost-2.json"),
    ]


def test_what_is_no_document_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "node1.json").write_text("my notes")
    path = write_by_host(
        labelled("a")._replace(machine_id="1" * 32), f"{tmp_path}/", "node1", print
    )
    assert Path(path).name == "node1-2.json"
    assert (tmp_path / "node1.json").read_text() == "my notes"


def test_a_target_that_is_no_directory_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_by_host(labelled("a"), f"{tmp_path}/file/", "node1", print)


def test_a_plain_host_name_stays_as_it_is() -> None:
    assert file_name("node-17.rack_2") == "node-17.rack_2"


def test_a_node_is_called_as_its_scheduler_calls_it() -> None:
    task = {"SLURM_PROCID": "3", "SLURMD_NODENAME": "gpu17"}
    assert node_name(task, "vm") == "gpu17"
    assert node_name({}, "vm") == "vm"
    assert node_name({}, None) == ""


def captured(tmp_path: Path, target: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "envprint", "capture", "-o", target],
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config"), **variables},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def test_capture_into_a_directory_names_the_file_by_the_node(tmp_path: Path) -> None:
    task = {"SLURM_PROCID": "0", "SLURMD_NODENAME": "node7"}
    done = captured(tmp_path, "fleet/", **task)
    assert done.returncode == 0 and "written to fleet/node7.json" in done.stderr
    assert captured(tmp_path, "fleet/", **task).returncode == 0  # it exists by now
    assert [path.name for path in (tmp_path / "fleet").iterdir()] == ["node7.json"]


def test_the_node_can_stand_anywhere_in_the_target(tmp_path: Path) -> None:
    task = {"SLURM_PROCID": "0", "SLURMD_NODENAME": "../node7"}
    assert captured(tmp_path, "made/{node}/monday.json", **task).returncode == 0
    written = tmp_path / "made" / "__node7" / "monday.json"
    assert "facts" in json.loads(written.read_text())


def test_a_record_of_another_machine_gets_no_name_of_this_host(tmp_path: Path) -> None:
    (tmp_path / "freeze.txt").write_text("numpy==2.4.6\n")
    command = [sys.executable, "-m", "envprint", "import", "freeze.txt", "-o", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert ".: is a directory, expected a file name" in done.stderr
