"""One document for each host that a launcher reaches, whoever is lost on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import envprint
from envprint.documents.codec import dumps
from envprint.fleet.hosts import Captured, Host, keep
from tests.builders.labelled import labelled

LAUNCHER = """\
#!/bin/sh
# Starts what it is given once for each word of $NODES, as srun does.
number=0
for node in $NODES; do
    SLURM_PROCID=$number SLURM_NTASKS=$SIZE SLURM_STEP_ID=0 SLURMD_NODENAME=$node \\
        XDG_CONFIG_HOME=$PWD/config-$node sh -c "$BEFORE"' exec "$@"' sh "$@" &
    number=$((number + 1))
done
wait
"""


@pytest.fixture
def launcher(tmp_path: Path) -> Path:
    path = tmp_path / "launcher"
    path.write_text(LAUNCHER)
    path.chmod(0o755)
    return path


def gather(
    launcher: Path, nodes: str, *options: str, before: str = "", size: int | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "envprint", "fleet", "gather", "-o", "fleet", *options]
    count = str(len(nodes.split()) if size is None else size)
    return subprocess.run(
        [*command, "--", str(launcher)],
        env={**os.environ, "NODES": nodes, "SIZE": count, "BEFORE": before},
        cwd=launcher.parent, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def written(launcher: Path) -> list[str]:
    """Everything in the directory, hidden files too: nothing of the gather may be left."""
    folder = launcher.parent / "fleet"
    return sorted(os.listdir(folder)) if folder.exists() else []


def test_each_host_has_one_document_however_many_processes_it_runs(launcher: Path) -> None:
    done = gather(launcher, "node1 node2 node1 node2 node3")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert written(launcher) == ["node1.json", "node2.json", "node3.json"]
    assert done.stderr.splitlines() == ["envprint: 3 documents in fleet"]
    documents = [json.loads(path.read_text()) for path in (launcher.parent / "fleet").iterdir()]
    assert len({one["machine_id"] for one in documents}) == 3
    assert {one["captured_via"] for one in documents} == {"cli:srun"}


def test_a_second_gather_replaces_the_documents_of_the_first(launcher: Path) -> None:
    for _ in range(2):
        assert gather(launcher, "node1 node2").returncode == 0
    assert written(launcher) == ["node1.json", "node2.json"]


def test_a_host_that_is_lost_in_the_middle_is_named_and_the_rest_kept(launcher: Path) -> None:
    # The second node is killed while it captures: its interpreter is slow to answer.
    slow = launcher.parent / "python"
    slow.write_text(f'#!/bin/sh\ntest -n "$SLOW" && sleep 9\nexec {sys.executable} "$@"\n')
    slow.chmod(0o755)
    before = "test $SLURMD_NODENAME = node2 && { (sleep 2; kill -9 $$) & export SLOW=1; };"
    done = gather(launcher, "node1 node2 node3", f"--python={slow}", before=before)
    assert (done.returncode, written(launcher)) == (0, ["node1.json", "node3.json"]), done.stderr
    assert "warning: lost: node2: began and did not end" in done.stderr


def test_a_process_that_does_not_begin_is_named_by_its_rank(launcher: Path) -> None:
    before = "test $SLURM_PROCID = 1 && exit 1;"
    done = gather(launcher, "node1 node2 node3", "--on-unknown", "fail", before=before)
    assert (done.returncode, written(launcher)) == (3, ["node1.json", "node3.json"])
    assert "warning: lost: rank 1: of 3 ranks, did not begin" in done.stderr
    assert "2 documents in fleet; 1 host lost" in done.stderr
    assert gather(launcher, "node1 node2 node3", before=before).returncode == 0


def test_a_gather_has_a_limit_of_time_and_keeps_what_is_there_by_then(launcher: Path) -> None:
    before = "test $SLURM_PROCID = 1 && exec sleep 60;"
    done = gather(launcher, "node1 node2", "--timeout", "6", before=before)
    assert (done.returncode, written(launcher)) == (0, ["node1.json"])
    assert "lost: rank 1: of 2 ranks, did not begin (6 s are over" in done.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nope-no-launcher"], "nope-no-launcher: no such program on PATH"),
        (["false"], "no host was reached: exit code 1"),
        (["sh", "-c", "echo No partition is free >&2; exit 3"], "3: No partition is free"),
        (["dask"], "expected `ray [ADDRESS]` or `dask SCHEDULER`"),
        (["ray", "a", "b"], "expected `ray [ADDRESS]` or `dask SCHEDULER`"),
        ([], "ENGINE"),
    ],
)
def test_an_engine_that_does_not_work_is_one_line_and_exit_2(
    words: list[str], text: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "envprint", "fleet", "gather", "-o", "fleet", "--", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert text in line
    assert not (tmp_path / "fleet").exists() or not os.listdir(tmp_path / "fleet")


def test_hosts_of_one_name_and_hostile_names_have_files_of_their_own(tmp_path: Path) -> None:
    text = dumps(labelled("a"))
    names = ("localhost", "localhost", "LOCALHOST", "../../x", "$(reboot)", "")
    found = [Captured(Host(name, str(n)), text) for n, name in enumerate(names)]
    gathered = keep(str(tmp_path), found)
    assert len(set(gathered.paths)) == len(names) == len(os.listdir(tmp_path))
    assert gathered.lost == ()
    assert {"LOCALHOST.json", "localhost-2.json", "localhost-3.json"} <= set(os.listdir(tmp_path))


def test_what_is_no_document_costs_its_host_alone(tmp_path: Path) -> None:
    (tmp_path / "node1.json").write_text("my notes")
    text = dumps(labelled("a"))
    found = [
        Captured(Host("node1", "1"), text),
        Captured(Host("node2", "2"), text[: len(text) // 2]),
        Captured(Host("bad\x1b[31m\nname", "3"), failed="no\nway"),
    ]
    gathered = keep(str(tmp_path), found)
    assert os.listdir(tmp_path) and (tmp_path / "node1.json").read_text() == "my notes"
    assert [Path(path).name for path in gathered.paths] == ["node1-2.json"]
    assert [lost.name.isprintable() for lost in gathered.lost] == [True, True]
    assert "no way" in gathered.lost[0].reason and "not valid JSON" in gathered.lost[1].reason


def test_hosts_that_share_a_home_directory_stay_machines_of_their_own(tmp_path: Path) -> None:
    """The id of a machine lies there; a fleet takes two documents with one id for one machine."""
    shared, own = (labelled("a")._replace(machine_id=digit * 32) for digit in "12")
    found = [
        Captured(Host(name, name), dumps(document))
        for name, document in (("node1", shared), ("node2", shared), ("node3", own))
    ]
    keep(str(tmp_path), found)
    kept = [json.loads((tmp_path / f"node{n}.json").read_text())["machine_id"] for n in (1, 2, 3)]
    assert kept == [None, None, "2" * 32]
    assert envprint.fleet.diff(tmp_path).size == 3
