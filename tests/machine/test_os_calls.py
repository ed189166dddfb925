"""What differs between operating systems, with the calls of this one taken away."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from envprint.collectors._runner import capture
from envprint.documents.codec import dumps, loads
from envprint.machine import os_calls
from envprint.machine.live import LiveHost

POSIX_ONLY = ("uname", "statvfs", "sched_getaffinity", "confstr", "getuid")


@pytest.fixture
def not_posix(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine without the calls that Windows lacks."""
    for name in POSIX_ONLY:
        monkeypatch.delattr(os, name)
    monkeypatch.setitem(sys.modules, "pwd", None)


@pytest.fixture
def windows(not_posix: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, with what Windows has instead."""
    version = SimpleNamespace(major=10, minor=0, build=22631)
    monkeypatch.setattr(sys, "getwindowsversion", lambda: version, raising=False)
    monkeypatch.setenv("PROCESSOR_ARCHITECTURE", "AMD64")
    monkeypatch.setenv("COMPUTERNAME", "CRUNCHER")
    monkeypatch.setenv("USERNAME", "ann")


def refusing(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], code: int
) -> Callable[[], None]:
    """Let calls of `os` fail below /proc and /sys; the answer undoes it."""

    def refused(real: Any) -> Any:
        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            if str(path).startswith(("/proc", "/sys")):
                raise OSError(code, os.strerror(code), path)
            return real(path, *arguments, **options)

        return call

    for name in names:
        monkeypatch.setattr(os, name, refused(getattr(os, name)))
    return monkeypatch.undo


@pytest.mark.parametrize("code", [errno.EACCES, errno.ENOENT])
def test_a_capture_without_posix_and_proc_is_whole_and_says_what_is_missing(
    not_posix: None, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    undo = refusing(monkeypatch, ("open", "listdir", "stat", "readlink"), code)
    fingerprint = capture(LiveHost(), identify=True)
    undo()
    assert [r for r in fingerprint.unknown.values() if "the collector" in r] == []
    assert loads(dumps(fingerprint).encode(), "x")._replace(undeclared=()) == fingerprint
    assert {
        path: fingerprint.unknown[path]
        for path in ("facts.os.system", "facts.cpu.usable_threads", "live.host.disk_free_bytes")
    } == {
        "facts.os.system": f"the kernel cannot be queried on {sys.platform}",
        "facts.cpu.usable_threads": f"CPU affinity cannot be read on {sys.platform}",
        "live.host.disk_free_bytes": f"file systems are not measured on {sys.platform}",
    }
    assert fingerprint.facts["python"]["version"]


def test_windows_names_its_kernel(windows: None) -> None:
    assert os_calls.system() == {
        "system": "Windows",
        "release": "10.0",
        "version": "10.0.22631",
        "machine": "x86_64",
    }


def test_windows_names_its_user_in_variables(windows: None) -> None:
    identity = os_calls.identity()
    assert (identity["user"], identity["host_name"]) == ("ann", "CRUNCHER")
    assert identity["home"] == os.path.expanduser("~")


def test_a_capture_on_windows_says_so(windows: None) -> None:
    fingerprint = capture(LiveHost())
    assert fingerprint.value("facts.os.system") == "Windows"
    assert fingerprint.value("facts.cpu.architecture") == "x86_64"
    assert fingerprint.unknown["facts.os.libc"] == (
        "the version of the C library is not read on Windows"
    )


def test_names_that_nobody_tells_are_left_out(
    not_posix: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("USERNAME", "COMPUTERNAME"):
        monkeypatch.delenv(name, raising=False)
    assert list(os_calls.identity()) == ["home"]


def test_a_user_without_an_entry_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999)
    assert os_calls.identity()["user"] == "3999999"


def test_this_machine_is_asked_itself() -> None:
    assert os_calls.system()["release"] == os.uname().release
    assert os_calls.cpus() == sorted(os.sched_getaffinity(0))
    assert os_calls.disk("/")["total_bytes"] >= os_calls.disk("/")["free_bytes"] > 0


def test_a_user_without_home_and_entry_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999)
    assert "home" not in os_calls.identity()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are renamed through /proc here")
def test_a_process_has_its_name_and_its_program_and_no_argument() -> None:
    code = "open('/proc/self/comm', 'w').write('RDD Process'); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "--secret=x"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout
        child.stdout.readline()
        found = os_calls.process(child.pid)
        child.communicate(b"\n")
    assert found["name"] == "RDD Process"
    assert found["program"] == Path(sys.executable).resolve().name
    assert "secret" not in str(found)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps what has ended")
def test_a_zombie_has_no_program() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    found = os_calls.process(child.pid)
    child.wait()
    assert (found["program"], found["state"]) == (None, "zombie")
