"""The recipes of docs/gather.md: a loop over ssh, a playbook of Ansible, a DaemonSet."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Build

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/gather.md").read_text()
RECIPES = dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE, re.DOTALL | re.MULTILINE))
ENGINES = ("kubernetes-validate==1.37.0", "ansible-core==2.19.14")
SSH = """\
#!/bin/sh
# Stands in for ssh: the second host breaks off in the middle, as a connection does.
host=$1; shift
test "$host" = node2 && { "$@" | head -c 1000; exit 255; }
exec "$@"
"""


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """A directory with the commands `envprint` and `ssh` before all others."""
    commands = tmp_path / "bin"
    commands.mkdir()
    envprint = f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m envprint "$@"\n'
    for name, text in (("envprint", envprint), ("ssh", SSH)):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    return tmp_path


def run(bench: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(bench / "bin"), os.environ["PATH"]))
    return subprocess.run(
        words, env={"PATH": path, "HOME": str(bench), "LANG": "C.UTF-8", **variables},
        cwd=bench, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_a_loop_over_ssh_gathers_and_names_the_host_that_is_lost(bench: Path) -> None:
    done = run(bench, "sh", "-c", RECIPES["gather.sh"], HOSTS="node1 node2 node3")
    assert "lost: node2\n" in done.stderr
    assert sorted(os.listdir(bench / "fleet")) == ["node1.json", "node3.json"]
    assert "facts" in json.loads((bench / "fleet" / "node3.json").read_text())


@pytest.mark.slow
@pytest.mark.long
def test_a_playbook_gathers_from_every_host_of_its_inventory(
    environment: Build, bench: Path
) -> None:
    python = environment(*ENGINES)
    (bench / "gather.yml").write_text(RECIPES["gather.yml"])
    (bench / "fleet").mkdir()
    local = f"ansible_connection=local ansible_python_interpreter={python}"
    hosts = "".join(f"node{number} {local}\n" for number in (1, 2, 3))
    (bench / "inventory").write_text(hosts)
    playbook = str(Path(python).with_name("ansible-playbook"))
    done = run(bench, playbook, "-i", "inventory", "gather.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(os.listdir(bench / "fleet")) == [f"node{number}.json" for number in (1, 2, 3)]
    valid = run(bench, "envprint", "validate", "fleet/node1.json", "fleet/node3.json")
    assert valid.returncode == 0, valid.stderr


@pytest.mark.slow
@pytest.mark.long
def test_the_daemon_set_is_one_that_kubernetes_accepts(environment: Build, bench: Path) -> None:
    validate = str(Path(environment(*ENGINES)).with_name("kubernetes-validate"))
    text = RECIPES["daemonset.yaml"]
    for name, content, code in (("good", text, 0), ("bad", text.replace("limits", "limit"), 1)):
        (bench / f"{name}.yaml").write_text(content)
        done = run(bench, validate, "--strict", f"{name}.yaml")
        assert done.returncode == code, done.stdout + done.stderr
