"""An environment is built as recorded, and one that was not finished is never trusted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envprint.collectors import packages
from envprint.core.errors import EnvprintError
from envprint.isolate import building, installers
from envprint.isolate.building import BEGUN, BUILT, Built, build
from envprint.isolate.commands import CommandFailedError
from envprint.isolate.installers import (
    Installer,
    Options,
    Pip,
    Uv,
    find_uv,
    installer,
)
from envprint.isolate.wanted import Lacking, Pin, Wanted, wanted_of
from envprint.machine.child_groups import Ended
from envprint.machine.live import LiveHost
from tests.builders import shared
from tests.builders.support import fingerprint
from tests.builders.wheels import only_index, wheel

PYTHON = "{}.{}.{}".format(*sys.version_info[:3])


@pytest.fixture(name="index")
def _index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    wheel(folder, "one", "1.0")
    wheel(folder, "one", "2.0")
    wheel(folder, "two", "1.0", requires=["one<1", "never-made"])
    wheel(folder, "three", "3.0+local")
    only_index(folder, monkeypatch, tmp_path / "caches")
    return folder


def wanted(*requirements: str, python: str = PYTHON) -> Wanted:
    pins = (Pin(*line.split("=="), line) for line in requirements)
    return Wanted(python, tuple(pins))


def made(place: Path, *requirements: str, by: Installer | None = None) -> Built:
    return build(wanted(*requirements), str(place), lambda _: None, by=by)


def test_an_installation_that_is_counted_goes_in_parts_and_is_complete(
    index: Path, tmp_path: Path
) -> None:
    names = [f"part{number}" for number in range(9)]
    for name in names:
        wheel(index, name, "1.0")
    counted: list[tuple[int, int]] = []
    pins = wanted(*(f"{name}==1.0" for name in names), "three==3.0+local")
    done = build(
        pins, str(tmp_path / "it"), lambda _: None, count=lambda *parts: counted.append(parts)
    )
    assert counted == [(4, 10), (8, 10), (9, 10), (10, 10)]
    assert done.is_exact
    assert installed(done.python).keys() == {*names, "three"}


def installed(python: str) -> dict[str, str]:
    found = packages.collect(LiveHost(python))["distributions"]
    return {name: entry["version"] for name, entry in found.items()}


def with_uv() -> Uv:
    uv = find_uv()
    assert uv, "uv is a requirement of the tests"
    return Uv(uv)


BOTH = ["uv", pytest.param("pip", marks=pytest.mark.slow)]
Make = Callable[[], Installer]


@pytest.fixture(params=BOTH)
def by(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Each installer; pip, which takes seconds to put itself into an environment, does it once."""
    if request.param == "uv":
        return with_uv
    root = shared.folder(tmp_path_factory) / "with-pip"

    class Copying(Pip):
        def create(self, base: str, place: str, *, as_uv: bool = False) -> None:
            with shared.alone(root):
                if not root.exists():
                    super().create(base, str(root))
            shutil.copytree(root, place, symlinks=True, dirs_exist_ok=True)

    return Copying


def test_exactly_the_pins_are_installed_though_they_contradict_each_other(
    index: Path, tmp_path: Path, by: Make
) -> None:
    built = made(tmp_path / "env", "one==1.0", "two==1.0", "three==3.0+local", by=by())
    assert built.is_exact
    assert installed(built.python) == {"one": "1.0", "two": "1.0", "three": "3.0+local"}


def test_what_cannot_be_had_is_named_and_the_rest_is_installed(
    index: Path, tmp_path: Path, by: Make
) -> None:
    built = made(tmp_path / "env", "one==7.0", "two==1.0", "nowhere==1.0", by=by())
    assert [(lack.name, lack.version) for lack in built.lacking] == [
        ("one", "7.0"),
        ("nowhere", "1.0"),
    ]
    assert all(lack.reason for lack in built.lacking)
    assert installed(built.python) == {"two": "1.0"}


def test_another_build_of_the_same_version_is_named(index: Path, tmp_path: Path) -> None:
    first = made(tmp_path / "first", "one==1.0")
    (entry,) = packages.collect(LiveHost(first.python))["distributions"].values()
    pin = Pin("one", "1.0", "one==1.0", entry["build_id"])
    same = build(Wanted(PYTHON, (pin,)), str(tmp_path / "same"), lambda _: None)
    assert same.is_exact
    wheel(index, "one", "1.0", content="changed = True\n")
    os.environ["UV_CACHE_DIR"] += "-other"
    other = build(Wanted(PYTHON, (pin,)), str(tmp_path / "other"), lambda _: None)
    assert other.other == ("one 1.0: another build than the recorded one",)
    assert not other.is_exact


def test_a_complete_environment_is_taken_as_it_is(index: Path, tmp_path: Path) -> None:
    first = made(tmp_path / "env", "one==1.0")
    before = os.stat(first.python, follow_symlinks=False).st_mtime_ns
    said: list[str] = []
    again = build(wanted("one==1.0"), str(tmp_path / "env"), said.append)
    assert (again, said) == (first, [])
    assert os.stat(first.python, follow_symlinks=False).st_mtime_ns == before


def test_a_complete_environment_that_was_changed_is_built_again(
    index: Path, tmp_path: Path
) -> None:
    place = tmp_path / "env"
    first = made(place, "one==1.0")
    installer().install(str(place), ["one==2.0"])
    assert installed(first.python) == {"one": "2.0"}
    assert installed(made(place, "one==1.0").python) == {"one": "1.0"}


def test_other_pins_build_the_environment_again(index: Path, tmp_path: Path) -> None:
    made(tmp_path / "env", "one==1.0", "two==1.0")
    again = made(tmp_path / "env", "one==2.0")
    assert installed(again.python) == {"one": "2.0"}


def test_an_environment_that_was_not_finished_is_built_again(index: Path, tmp_path: Path) -> None:
    place = tmp_path / "env"
    first = made(place, "one==1.0")
    (place / BUILT).unlink()
    (place / "left").write_text("by a build that was killed")
    assert made(place, "one==1.0") == first
    assert not (place / "left").exists()


KILLED = """
import sys
from envprint.isolate.building import build
from envprint.isolate.installers import Uv, find_uv
from envprint.isolate.wanted import Pin, Wanted

class Slow(Uv):
    def install(self, place, requirements, index=None):
        super().install(place, requirements, index)
        print("installed", flush=True)
        sys.stdin.read()

build(Wanted(sys.argv[2], (Pin("one", "1.0", "one==1.0"),)), sys.argv[1], print, by=Slow(find_uv()))
"""


def test_a_build_that_is_killed_is_never_trusted(index: Path, tmp_path: Path) -> None:
    place = tmp_path / "env"
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, place, PYTHON],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout
        while child.stdout.readline() != "installed\n":
            assert child.poll() is None
        with pytest.raises(EnvprintError, match="another envprint is building it"):
            made(place, "one==1.0")
        child.send_signal(signal.SIGKILL)
    assert (place / BEGUN).exists()
    assert not (place / BUILT).exists()
    began_s = time.monotonic()
    assert installed(made(place, "one==1.0").python) == {"one": "1.0"}
    assert time.monotonic() - began_s < 60


SLOW_UV = """#!/bin/sh
case "$*" in *install*) echo $$ > "$STARTED.new"; mv "$STARTED.new" "$STARTED"; exec sleep 60;; esac
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def stuck(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[subprocess.Popen[bytes], int]:
    """A build in a process of its own, and the pid of its installer, which never ends."""
    uv, started = folder / "bin" / "uv", folder / "started"
    uv.parent.mkdir()
    uv.write_text(SLOW_UV)
    uv.chmod(0o755)
    monkeypatch.setenv("STARTED", str(started))
    code = KILLED.replace("Slow(find_uv())", f"Uv({str(uv)!r})")
    child = subprocess.Popen([sys.executable, "-c", code, folder / "env", PYTHON])
    while not started.exists():
        assert child.poll() is None
        time.sleep(0.01)
    return child, int(started.read_text())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_build_that_is_stopped_leaves_no_process(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    child, pid = stuck(tmp_path, monkeypatch)
    child.send_signal(number)
    assert child.wait(timeout=30) != 0
    assert not is_running(pid)


def test_an_installer_that_outlives_its_envprint_still_holds_the_place(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child, pid = stuck(tmp_path, monkeypatch)
    child.kill()
    child.wait()
    with pytest.raises(EnvprintError, match="another envprint is building it"):
        made(tmp_path / "env", "one==1.0")
    os.kill(pid, signal.SIGKILL)
    while is_running(pid):
        time.sleep(0.01)
    assert made(tmp_path / "env", "one==1.0").is_exact


@pytest.mark.parametrize("kind", ["file", "link", "directory"])
def test_what_envprint_did_not_make_is_left_alone(tmp_path: Path, kind: str) -> None:
    place, other = tmp_path / "env", tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("")
    if kind == "file":
        place.write_text("mine")
    elif kind == "link":
        place.symlink_to(other)
    else:
        place = other
    with pytest.raises(EnvprintError, match="name another one"):
        made(place, "one==1.0")
    assert (other / "precious").exists()


def test_an_index_that_does_not_answer_is_an_error_and_nothing_lacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: Make
) -> None:
    only_index(tmp_path / "none", monkeypatch, tmp_path / "caches")
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:word@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(EnvprintError, match=r"refused|does not answer") as caught:
        made(tmp_path / "env", "one==1.0", by=by())
    assert "word" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "env" / BUILT).exists()


# Each makes the whole environment here: a `venv.py` in the working directory must not be run.
@pytest.mark.parametrize(
    "by", [pytest.param(with_uv, id="uv"), pytest.param(Pip, id="pip", marks=pytest.mark.slow)]
)
def test_settings_of_the_working_directory_do_not_lead_elsewhere(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: Make
) -> None:
    cloned = tmp_path / "cloned"
    wheel(cloned / "evil", "one", "1.0", content="evil = True\n")
    (cloned / "uv.toml").write_text(f'[pip]\nfind-links = ["{cloned}/evil"]\nno-index = true\n')
    (cloned / "pip.py").write_text("raise SystemExit('run from the working directory')\n")
    (cloned / "venv.py").write_text("raise SystemExit('run from the working directory')\n")
    monkeypatch.chdir(cloned)
    built = made(tmp_path / "env", "one==1.0", by=by())
    assert built.is_exact
    module = next(Path(built.place).glob("lib/python3*/site-packages/one/__init__.py"))
    assert "evil" not in module.read_text()


def test_variables_of_the_user_do_not_lead_elsewhere(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: Make
) -> None:
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "extra-9.dist-info").mkdir()
    (tmp_path / "limits.txt").write_text("one<1\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "target"))
    monkeypatch.setenv("PIP_CONSTRAINT", str(tmp_path / "limits.txt"))
    monkeypatch.setenv("UV_CONSTRAINT", str(tmp_path / "limits.txt"))
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2001-01-01")
    assert made(tmp_path / "env", "one==1.0", by=by()).is_exact


def test_a_python_that_is_not_installed_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(EnvprintError, match=r"no cpython 3\.2 is installed here"):
        build(wanted(python="3.2.1"), str(tmp_path / "env"), lambda _: None)


def test_what_is_fetched_once_can_be_installed_without_a_network(
    index: Path, tmp_path: Path
) -> None:
    made(tmp_path / "first", "one==1.0", by=with_uv())
    offline = with_uv()
    offline.options = Options(offline=True)
    again = made(tmp_path / "second", "one==1.0", by=offline)
    assert again.is_exact


def test_a_fingerprint_of_an_environment_builds_the_same_again(index: Path, tmp_path: Path) -> None:
    first = made(tmp_path / "first", "one==1.0", "three==3.0+local")
    section = packages.collect(LiveHost(first.python))
    side = fingerprint(
        {
            "facts.packages.distributions": section["distributions"],
            "facts.python.version": PYTHON,
        }
    )
    found = wanted_of(side)
    assert found.lacking == ()
    again = build(found, str(tmp_path / "second"), lambda _: None)
    assert again.is_exact
    assert installed(again.python) == installed(first.python)
    assert list(building.differences(again.python, found)) == []


def test_a_distribution_too_many_is_named(index: Path, tmp_path: Path) -> None:
    first = made(tmp_path / "env", "one==1.0", "two==1.0")
    assert list(building.differences(first.python, wanted("one==1.0"))) == [
        "two 1.0 is there and is not recorded"
    ]
    lacking = [Lacking("two", "1.0", "any")]
    assert list(building.differences(first.python, wanted("one==2.0"), lacking)) == [
        "one 2.0: 1.0 is there"
    ]


def test_where_venv_is_not_whole_uv_creates_the_environment(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(base: str, place: str, *, pip: bool) -> None:
        raise CommandFailedError("venv", Ended("venv", 1, b"", b"ensurepip is not available", 0.1))

    monkeypatch.setattr(installers, "create_venv", refuse)
    built = made(tmp_path / "env", "one==1.0", by=with_uv())
    assert built.is_exact


def test_an_environment_that_uv_created_is_created_by_uv_again(index: Path, tmp_path: Path) -> None:
    for hooks, is_by_uv in (((installers.MADE_BY_UV,), True), ((), False)):
        place = tmp_path / str(is_by_uv)
        pins = wanted("one==1.0")._replace(hooks=hooks)
        assert build(pins, str(place), lambda _: None, by=with_uv()).is_exact
        assert ("uv = " in (place / "pyvenv.cfg").read_text()) is is_by_uv
