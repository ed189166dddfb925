"""Builds an environment into a directory, and checks that it is the one that was wanted.

A build may be killed at any moment. It begins with one marker and ends with another, which is
written last, so that a directory with the first one only is not trusted and is built again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from envprint.collectors import packages
from envprint.core.errors import EnvprintError
from envprint.core.typed import Any, NamedTuple
from envprint.isolate.commands import clean_variables
from envprint.isolate.installers import (
    MADE_BY_UV,
    Count,
    Installer,
    Log,
    Options,
    install_all,
    installer,
    python_of,
)
from envprint.isolate.interpreters import interpreter_for
from envprint.isolate.wanted import Lacking, Pin, Wanted
from envprint.machine.files import replace_file
from envprint.machine.live import LiveHost

BEGUN, BUILT = ".envprint-begun", ".envprint-built"
"""Markers in the directory of an environment. Who holds the lock of the first is building."""


class Built(NamedTuple):
    """An environment that is there."""

    place: str
    """Its directory."""
    python: str
    """Path of its interpreter."""
    version: str
    """Version of its interpreter: of another patch than wanted if that one is not installed."""
    lacking: tuple[Lacking, ...] = ()
    """What is wanted and could not be installed."""
    other: tuple[str, ...] = ()
    """What is there and is not as wanted, in words: another version, build or distribution."""

    @property
    def is_exact(self) -> bool:
        """Whether its packages are those that were wanted, each of the recorded build."""
        return not (self.lacking or self.other)


def build(
    wanted: Wanted,
    place: str,
    log: Log,
    *,
    options: Options = Options(),  # noqa: B008  an immutable value
    by: Installer | None = None,
    count: Count | None = None,
) -> Built:
    """The environment at `place`, which is built unless a complete one is there.

    What cannot be had is named in the result. `log` gets a line for each step, and `count` how
    far the installation is. Raises `EnvprintError`: `place` holds something else, no interpreter is
    installed, an installer fails.
    """
    if not wanted.python:
        raise EnvprintError("the record names no version of python, so nothing can be built")
    place = os.path.abspath(place)
    with _held(place), stopped_by_signals():
        done = _finished(place, wanted)
        if done is None:
            done = _build(wanted, place, log, by or installer(options), count)
            _write(os.path.join(place, BUILT), _key(wanted), done)
    return done


def _build(wanted: Wanted, place: str, log: Log, by: Installer, count: Count | None) -> Built:
    _empty(place)
    base = interpreter_for(wanted.python)
    log(f"creating an environment of Python {base.version} with {by.name}")
    by.create(base.path, place, as_uv=MADE_BY_UV in wanted.hooks)
    lacking = tuple(install_all(by, place, wanted.pins, log, count))
    by.finish(place, wanted.pins)
    python = python_of(place)
    return Built(place, python, base.version, lacking, tuple(differences(python, wanted, lacking)))


def differences(python: str, wanted: Wanted, lacking: Sequence[Lacking] = ()) -> Iterator[str]:
    """What is installed for an interpreter otherwise than wanted, in words."""
    host = LiveHost(python, variables=clean_variables())
    found: Any = packages.collect(host)["distributions"]
    if not isinstance(found, dict):
        raise EnvprintError(f"{python}: what is installed cannot be read: {found.reason}")
    missing = {lack.name for lack in lacking}
    pins = {pin.name: pin for pin in wanted.pins if pin.name not in missing}
    for name in sorted(pins.keys() | found.keys() - missing):
        text = _difference(pins.get(name), found.get(name))
        if text:
            yield f"{name} {text}"


def _difference(pin: Pin | None, entry: Mapping[str, Any] | None) -> str | None:
    if entry is None:
        return f"{pin.version} is not there" if pin else None
    if pin is None:
        return f"{entry['version']} is there and is not recorded"
    if entry["version"] != pin.version:
        return f"{pin.version}: {entry['version']} is there"
    is_other = pin.build_id and entry["build_id"] != pin.build_id
    return f"{pin.version}: another build than the recorded one" if is_other else None


# The directory, and whose it is.


@contextmanager
def _held(place: str) -> Iterator[None]:
    """Hold the directory against another build of it. Raises `EnvprintError` if it is not ours."""
    _refuse_others(place)
    try:
        os.makedirs(place, exist_ok=True)
        descriptor = os.open(os.path.join(place, BEGUN), os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise EnvprintError(f"{place}: cannot be used: {error.strerror}") from None
    try:
        _lock(descriptor, place)
        # If this process is killed, an installer that it started still holds the lock.
        os.set_inheritable(descriptor, True)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end what runs like Ctrl-C does: with all that was started.

    A handler that somebody has set, also to ignore a signal, stays.
    """
    numbers = [signal.SIGTERM, signal.SIGHUP]
    changed = []
    if threading.current_thread() is threading.main_thread():
        changed = [n for n in numbers if signal.getsignal(n) is signal.SIG_DFL]
    for number in changed:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def _refuse_others(place: str) -> None:
    if os.path.islink(place) or (os.path.lexists(place) and not os.path.isdir(place)):
        raise EnvprintError(f"{place}: exists and is no directory; name another one")
    names = set(os.listdir(place)) if os.path.isdir(place) else set()
    if names and names.isdisjoint({BEGUN, BUILT}):
        raise EnvprintError(f"{place}: is not empty, and not built by envprint; name another one")


def _lock(descriptor: int, place: str) -> None:
    import fcntl  # Linux and macOS

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            return  # a file system without locks
        raise EnvprintError(f"{place}: another envprint is building it") from None


def _empty(place: str) -> None:
    """Remove what is there except the marker that is held, the final one first."""
    try:
        for name in sorted(os.listdir(place), key=lambda name: name != BUILT):
            path = os.path.join(place, name)
            if name != BEGUN:
                remove = os.unlink if os.path.islink(path) or not os.path.isdir(path) else None
                (remove or shutil.rmtree)(path)
    except OSError as error:
        raise EnvprintError(f"{place}: cannot be emptied: {error.strerror}") from None


def _finished(place: str, wanted: Wanted) -> Built | None:
    """The complete environment at `place`, if it is the wanted one."""
    try:
        with open(os.path.join(place, BUILT), encoding="utf-8") as file:  # noqa: PTH123
            written = json.load(file)
        if written["wanted"] != _key(wanted):
            return None
        lacking = tuple(Lacking(*entry) for entry in written["lacking"])
        python = python_of(place)
        # It may have been changed since.
        other = tuple(differences(python, wanted, lacking))
        is_same = list(other) == written["other"]
        return Built(place, python, written["version"], lacking, other) if is_same else None
    except (OSError, ValueError, KeyError, TypeError, EnvprintError):
        return None


def _key(wanted: Wanted) -> str:
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()


def _write(path: str, key: str, built: Built) -> None:
    content = {
        "wanted": key,
        "version": built.version,
        "lacking": built.lacking,
        "other": built.other,
    }
    try:
        replace_file(path, (json.dumps(content, indent=2) + "\n").encode())
    except OSError as error:
        raise EnvprintError(f"cannot write {path}: {error.strerror}") from None
