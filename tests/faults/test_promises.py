"""What is promised to everybody: no network, no telemetry, released documents stay readable, builds
that can be repeated, and the interpreters of today."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envprint.core.errors import DocumentError
from envprint.documents.codec import loads
from envprint.documents.validate import faults
from tests.conftest import Distributions

ROOT = Path(__file__).parents[2]
RELEASED = sorted((ROOT / "tests" / "documents" / "released").glob("*.json"))
WITHOUT_NETWORK = """
import os, sys
def forbid(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        os.write(2, f"NETWORK: {event} {arguments}\\n".encode())
        os._exit(97)
sys.addaudithook(forbid)
from envprint.cli import main
sys.exit(main(sys.argv[1:]))
"""
VERBS = [
    *("capture -o f.json", "capture --save a", "diff f.json now", "check", "check f.json", "show"),
    *("run -- true", "log", "validate f.json", "explain gpu-order-changed", "policy init -o p"),
    *("probe python", "bisect f.json @a", "promote @a", "schema report", "capture --identify -o -"),
]


def without_network(command: list[str], folder: Path, *before: str) -> None:
    done = subprocess.run(
        [*before, sys.executable, "-c", WITHOUT_NETWORK, *command],
        cwd=folder,
        env={**os.environ, "ENVPRINT_HOME": str(folder / "store"), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "NETWORK" not in done.stderr
    assert done.returncode in (0, 1), done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("quiet")
    for verb in VERBS[:2]:
        without_network(verb.split(), place)
    return place


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_opens_a_socket(verb: str, folder: Path) -> None:
    without_network(verb.split(), folder)


@pytest.mark.parametrize("verb", ["capture -o g.json", "check f.json", "run -- true"])
def test_no_process_that_it_starts_looks_for_the_network(
    verb: str, folder: Path, tmp_path: Path
) -> None:
    if not shutil.which("strace"):
        pytest.skip("NO strace HERE: what the children of envprint do is not seen")
    trace = tmp_path / "trace"
    follow = ("strace", "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", str(trace))
    without_network(verb.split(), folder, *follow)
    assert "AF_INET" not in trace.read_text()


def test_the_audit_sees_a_socket(tmp_path: Path) -> None:
    code = WITHOUT_NETWORK.partition("from envprint")[0] + "import socket; socket.socket()"
    done = subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.PIPE)
    assert (done.returncode, b"NETWORK: socket" in done.stderr) == (97, True)


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_a_document_of_every_released_schema_is_read_and_valid(path: Path) -> None:
    found = loads(path.read_bytes(), path.name)
    assert found.facts["python"]["version"]
    assert faults(path.read_bytes(), path.name) == []


def test_there_is_a_document_of_every_minor_version_up_to_ours() -> None:
    from envprint.core.fingerprint import SCHEMA_VERSION

    minor = int(SCHEMA_VERSION.partition(".")[2])
    written = {json.loads(path.read_bytes())["schema_version"] for path in RELEASED}
    assert written == {f"1.{number}" for number in range(minor + 1)}


@pytest.mark.parametrize("levels", [65, 200, 900, 5_000, 100_000, 400_000])
@pytest.mark.parametrize("place", ["undeclared", "facts", "declared", "list"])
def test_nesting_is_bounded_whatever_the_interpreter_allows(levels: int, place: str) -> None:
    nested = "[" * levels + "]" * levels
    facts = {
        "undeclared": "{}",
        "facts": f'{{"os": {{"name": {nested}}}}}',
        "declared": f'{{"environ": {{"variables": {nested}}}}}',
        "list": f'{{"gpu": {{"visible": [{nested}]}}}}',
    }[place]
    head = '"schema_version": "1.1", "envprint_version": "0", "captured_at": "x", "digest": "y"'
    rest = f'"live": {{}}, "unknown": {{}}, "more": {nested if place == "undeclared" else 0}'
    content = f'{{{head}, "facts": {facts}, {rest}}}'.encode()
    with pytest.raises(DocumentError) as error:
        loads(content, "f")
    assert len(str(error.value)) < 300
    with pytest.raises(DocumentError):
        assert faults(content, "f") == []
        raise DocumentError("no fault")


OTHERS = ("3.10", "3.12", "3.13", "3.13t", "3.14", "3.14t")


def interpreter_of(version: str) -> str:
    """An interpreter of that version, on PATH or as pyenv keeps them."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    pattern = f"{version.rstrip('t')}.*{'t' if version.endswith('t') else '[0-9]'}"
    kept = [str(path / "bin" / "python") for path in sorted(root.glob(pattern))]
    for path in (*kept, shutil.which(f"python{version}") or ""):
        if (
            path
            and subprocess.run([path, "-c", ""], check=False, capture_output=True).returncode == 0
        ):
            return path
    pytest.skip(f"NO PYTHON {version} HERE: it neither runs envprint nor is observed")


@pytest.mark.parametrize("version", OTHERS)
def test_another_interpreter_runs_envprint(version: str, tmp_path: Path) -> None:
    python = interpreter_of(version)
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(tmp_path)}
    environ["PATH"] = f"{Path(python).parent}:{os.environ['PATH']}"
    for verb in ("capture -o f.json", "show f.json", "check f.json"):
        if version == "3.10" and verb.startswith("check"):
            continue  # without tomli, which is installed with envprint there
        done = subprocess.run(
            [python, "-m", "envprint", *verb.split()],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "f.json").read_text())
    assert document["facts"]["python"]["version"].startswith(version.rstrip("t"))


@pytest.mark.parametrize("version", OTHERS)
def test_another_interpreter_is_observed(version: str, tmp_path: Path) -> None:
    python, path = interpreter_of(version), tmp_path / "f.json"
    command = [sys.executable, "-m", "envprint", "capture", "--python", python, "-o", path]
    subprocess.run(command, check=True, cwd=tmp_path)
    found = loads(path.read_bytes(), "f")
    assert found.facts["python"]["version"].startswith(version.rstrip("t"))
    assert faults(path.read_bytes(), "f") == []


# A later Python's JSON reader nests deeper than its own limit of recursion says.
NESTED = """
import sys
from envprint.cli import main
head = '"schema_version": "1.1", "envprint_version": "0", "captured_at": "x", "digest": "y"'
for levels in (65, 900, 5_000, 100_000, 400_000):
    for begin, end in (("[", "]"), ('{"a":', "}")):
        nested = begin * levels + "1" + end * levels
        with open("n.json", "w") as file:
            facts = f'"facts": {{"os": {{"name": {nested}}}}}, "live": {{}}, "unknown": {{}}'
            file.write(f'{{{head}, {facts}}}')
        for verb in (["show"], ["validate"], ["diff", "n.json"]):
            assert main([*verb, "n.json"]) in (1, 2), (verb, levels)
"""


@pytest.mark.parametrize("version", OTHERS)
def test_another_interpreter_refuses_what_is_nested_too_deeply(
    version: str, tmp_path: Path
) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(tmp_path / "c")}
    done = subprocess.run(
        [interpreter_of(version), "-c", NESTED],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert all(line.startswith("envprint: ") for line in done.stderr.splitlines())


@pytest.mark.slow
def test_two_builds_are_byte_equal(distributions: Distributions, tmp_path: Path) -> None:
    # Another directory, another time: neither may be in it.
    copy = tmp_path / "checkout"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.pyc")
    )
    build = [sys.executable, "-m", "uv", "build", "-q", "-o", str(tmp_path), str(copy)]
    subprocess.run(build, check=True)
    for one in map(Path, distributions):
        assert one.read_bytes() == (tmp_path / one.name).read_bytes()


def test_the_bill_of_materials_names_what_the_project_declares() -> None:
    import re

    bill = json.loads((ROOT / "docs" / "sbom.cdx.json").read_text("utf-8"))
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    declared = re.search(r"^dependencies = \[(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    assert declared
    names = re.findall(r'^    "([A-Za-z0-9-]+)', declared[1], re.MULTILINE)
    assert [part["name"] for part in bill["components"]] == sorted(names)
    assert bill["metadata"]["component"]["name"] == "envprint"
