"""Imports in a process of their own: `python _import.py DEVICE HOME SECONDS WHAT…`.

Runs in the interpreter under observation, from Python 3.7 on, and uses nothing of envprint but its
neighbours `_child` and `_first_uses`. Each WHAT is a module, or `module:name` for what a job takes
from it, as some libraries import their parts only then. After the imports comes a first use of the
library, if one is known. It reports `trying` each, `using`, at last `done`, or the `error` and
whether it is only that the module itself is not there (`missing`).
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import ModuleType

ELSEWHERE = ("TRITON_CACHE_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
"""Variables by which a library may write outside the home directory."""
ERROR = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Exit|Warning): \S.*$", re.MULTILINE)
"""The last line of a traceback, which some libraries put into the message of their own error."""

ABSENT = re.compile(r"module '?(\w+)(?:\.[\w.]+)?'? has no attribute '?(\w+)")

ACCELERATORS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg", "/dev/accel0", "/dev/vfio/0")
"""Device files of GPUs and TPUs under Linux."""


def neighbour(name: str) -> ModuleType:
    """Another file here, compiled from its text: no package, and no bytecode is to be written."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    module = ModuleType(f"envprint{name}")
    module.__file__ = path
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  as every Python has it
        text = file.read()
    exec(compile(text, path, "exec"), module.__dict__)
    return module


def move(home: str) -> None:
    """Make `home` the home and current directory.

    Only now, as the user's own packages lie in the real home directory. Keras's settings there
    choose the framework that it imports, and stay in force.
    """
    keras = os.path.join(os.path.expanduser("~"), ".keras")
    if os.path.exists(os.path.join(keras, "keras.json")):
        os.environ.setdefault("KERAS_HOME", keras)
    os.environ["HOME"] = home
    for name in ELSEWHERE:
        os.environ.pop(name, None)
    os.environ["NUMBA_CACHE_DIR"] = home  # else it writes beside the modules
    os.chdir(home)


def take(what: str) -> None:
    """Import the module, and take from it what is named."""
    module, _, names = what.partition(":")
    found = import_module(module)
    for name in filter(None, names.split(".")):
        found = getattr(found, name)


def is_absent(what: str, error: BaseException) -> bool:
    """Whether this version of the library has no such module or name at all."""
    module, _, names = what.partition(":")
    if isinstance(error, ModuleNotFoundError):
        missing = str(error.name)
        return module == missing or module.startswith(f"{missing}.")
    told = ABSENT.match(str(error)) if isinstance(error, AttributeError) else None
    return told is not None and told[1] == root(module) and told[2] in names.split(".")


def has_no_such_use(module: str, error: BaseException) -> bool:
    """Whether the use asks for a part that this version of the library does not have."""
    if isinstance(error, ModuleNotFoundError):
        return root(str(error.name)) == root(module)
    told = ABSENT.match(str(error)) if isinstance(error, AttributeError) else None
    return told is not None and told[1] == root(module)


def root(module: str) -> str:
    """The first part of a module's name."""
    return module.partition(".")[0]


def said(error: BaseException) -> str:
    """The error in one line."""
    text = str(error)
    within = ERROR.findall(text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = within[-1] if within else " ".join(lines)
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def main(device: str, home: str, seconds: str, *wanted: str) -> None:
    """Import what is wanted, use it, and report the first error."""
    child, first_uses = neighbour("_child"), neighbour("_first_uses")
    platforms = os.environ.get("JAX_PLATFORMS")
    child.prepare(device)
    if platforms and sys.platform == "linux" and not any(map(os.path.exists, ACCELERATORS)):
        # There is nothing to stay away from, and JAX does not start if it names what is not here.
        os.environ["JAX_PLATFORMS"] = platforms
    # Should nobody be there any more to end this process, it ends itself.
    signal.alarm(int(seconds))
    move(home)
    for what in wanted:
        child.send(trying=what)
        error = raised(partial(take, what))
        missing = error is not None and is_absent(what, error)
        if missing and what != wanted[0]:
            continue  # other versions have other parts
        if error:
            child.send(error=said(error)[:2000], missing=missing)
            return
    use = first_uses.of(wanted[0])
    if use:
        child.send(using=True)
        error = raised(use)
        if error and not has_no_such_use(wanted[0], error):
            child.send(error=said(error)[:2000])
            return
        child.send(using=not error)
    child.send(done=True)


def raised(run: Callable[[], object]) -> BaseException | None:
    """What `run` raises."""
    try:
        run()
    # A library may raise any error of its own, or want to leave.
    except BaseException as error:  # noqa: BLE001  see the reason above
        return error
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stderr.flush()
    # A library may take seconds to go, or crash on its way out: nothing it does then matters.
    os._exit(0)
