"""Which Python environment a command observes, and why; told by files alone.

The order: `--python`; the active environment; the first `python` on PATH if it has a framework;
envprint's own. An environment that is merely found, such as a `.venv` in the working directory, is
named and never run, because a cloned repository could bring one (decision 0018). The functions of
the API do not choose: they look at their own process, or at the interpreter that they are given.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping

from envprint.core.errors import InterpreterError
from envprint.core.typed import NamedTuple
from envprint.machine.interpreter import FRAMEWORK_MODULES
from envprint.machine.os_calls import is_program, on_path

NAMED = "--python"
ACTIVE = "the active environment"
FIRST = "the first python on PATH"
OWN = "envprint's own"
STARTED = f"{OWN}, started by its path"
"""Reasons for a choice, as reports print them."""

VARIABLES = ("VIRTUAL_ENV", "CONDA_PREFIX")
"""What activation sets to the prefix of the environment; uv, poetry and pyenv use the first too."""
USUAL_NAMES = (".venv", "venv", "env")
"""Directory names of environments inside a project."""

_INTERPRETERS = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
_NAMES = ("python", "python3")
_VENV_FILE = "pyvenv.cfg"
_CONDA_FOLDER = "conda-meta"
_TOOL_FILES = ("pipx_metadata.json", "uv-receipt.toml")
"""What pipx and `uv tool install` leave in the environment of one tool."""
_CACHE_MARK = "CACHEDIR.TAG"
"""Marks the cache of uv, in which `uvx` makes its environments, two levels below.
https://bford.info/cachedir/
"""


class Environment(NamedTuple):
    """The environment that a command observes."""

    python: str | None
    """Path of its interpreter; None for the one that runs envprint."""
    reason: str
    """Why this one, in words."""
    hint: str | None = None
    """Another environment that may be meant, and the command that looks at it."""


def choose(named: str | None = None) -> Environment:
    """The environment to observe; `named` is the value of `--python`. Raises `InterpreterError`."""
    if named is not None:
        return Environment(resolve_python(named), NAMED)
    python, prefix, reason = _unnamed(os.environ, sys.prefix)
    hint = None if reason.startswith(ACTIVE) else _hint(prefix, os.environ)
    return Environment(python, reason, hint)


def _unnamed(variables: Mapping[str, str], own: str) -> tuple[str | None, str, str]:
    """Interpreter (None for this one), prefix and reason; `own` is the prefix of this process."""
    first = _first_python(variables, own)
    prefix = prefix_of(first) if first else None
    if first is None or prefix is None:
        return None, own, OWN
    variable = _variable_of(prefix, variables)
    reason = f"{ACTIVE} ({variable})" if variable else FIRST
    if _is_same(prefix, own):
        return None, own, reason
    if _is_meant(own, variables):
        return None, own, STARTED
    if variable or has_framework(first):
        return first, prefix, reason
    return None, own, OWN


def _first_python(variables: Mapping[str, str], own: str) -> str | None:
    """What `python` starts in a shell; shims are followed. None if there is none."""
    # `uvx` puts its own environment first on PATH, in front of the one that is active.
    is_in_front = is_of_a_tool(own) and not _variable_of(own, variables)
    skipped = os.path.join(own, "bin") if is_in_front else None
    for name in _NAMES:
        for path in on_path(name, variables):
            if skipped is None or not _is_same(os.path.dirname(path), skipped):
                try:
                    return _without_shim(path, variables)
                except InterpreterError:  # pyenv would refuse to start it
                    return None
    return None


def _is_meant(own: str, variables: Mapping[str, str]) -> bool:
    """Whether envprint's environment was named by a path, and may be the one that trains.

    `~/venvs/train/bin/envprint` names it; `envprint`, found on PATH, says nothing. Where a tool is
    installed on its own, its path says nothing either.
    """
    if is_of_a_tool(own) or not _is_started_by_path(variables):
        return False
    return _holds_framework(path for path in sys.path if path.endswith("-packages"))


def _is_started_by_path(variables: Mapping[str, str]) -> bool:
    script = sys.argv[0] if sys.argv else ""
    if os.path.basename(script) != "envprint":  # python -m envprint
        return "/" in next(iter(sys.orig_argv), "")
    found = next(on_path("envprint", variables), None)
    return found is None or not _is_same(found, script)


def is_of_a_tool(prefix: str) -> bool:
    """Whether pipx or uv made this environment for one tool."""
    cache = os.path.dirname(os.path.dirname(prefix))
    marks = [*(os.path.join(prefix, name) for name in _TOOL_FILES), f"{cache}/{_CACHE_MARK}"]
    return any(map(os.path.isfile, marks))


def _variable_of(prefix: str, variables: Mapping[str, str]) -> str | None:
    """The variable by which the environment at `prefix` is active."""
    for name in VARIABLES:
        if variables.get(name) and _is_same(variables[name], prefix):
            return name
    return None


def _hint(prefix: str, variables: Mapping[str, str]) -> str | None:
    """Another environment than the one at `prefix` that may be meant; it is not run."""
    for name in VARIABLES:
        place = variables.get(name)
        if place and not _is_same(place, prefix):
            return _named_by(name, place)
    from envprint.core.shell import path_word

    found = _found_upwards()
    if found is None or _is_same(found, prefix):
        return None
    return _look(f"a {os.path.basename(found)} is here, not active", path_word(found))


def _named_by(name: str, place: str) -> str | None:
    """A variable that names another environment, which is not the first on PATH."""
    from envprint.core.redact import clean
    from envprint.core.shell import path_word

    word = path_word(clean(place, os.path.expanduser("~")))
    if word is None:
        return None
    if interpreter_in(place) is None:
        return f"{name} names {word}, where no python can be run"
    return _look(f"{name} names {word}", word)


def _look(text: str, word: str | None) -> str:
    """The text, and the command that looks there, if a word can name the place."""
    if word is None:
        return text
    from envprint.machine.started import program  # a hint is rare

    return f"{text}: {program(os.environ)} check --python {word}"


def _found_upwards() -> str | None:
    """The environment in the working directory or the nearest one above it, as a relative path."""
    try:
        levels = os.getcwd().rstrip("/").count("/")
    except OSError:  # removed in the meantime
        return None
    for level in range(levels + 1):
        for name in USUAL_NAMES:
            place = "../" * level + name
            if os.path.isfile(f"{place}/{_VENV_FILE}") and interpreter_in(place):
                return place
    return None


def resolve_python(text: str) -> str:
    """The interpreter that `text` means: its path, the directory of an environment, a name on PATH.

    A shim of pyenv is followed to the interpreter that it starts. Raises `InterpreterError`.
    """
    if not text or "\0" in text:
        raise InterpreterError(
            f"{NAMED} {text!r}: expected an interpreter, or a directory with one"
        )
    place = os.path.expanduser(text)
    if "/" in place:
        found = _at(place)
    else:
        # A directory of that name in the working directory does not hide `python` on PATH.
        named = next(on_path(place, os.environ), None)
        is_usual = place.startswith(("python", "pypy"))
        found = (named if is_usual else None) or interpreter_in(place) or named or _at(place)
    if found is None:
        raise InterpreterError(f"{NAMED} {text}: {_why_not(place)}")
    return _without_shim(os.path.abspath(found), os.environ, f"{NAMED} {text}")


def _at(place: str) -> str | None:
    if os.path.isdir(place):
        return interpreter_in(place)
    return place if os.path.exists(place) else None


def _why_not(place: str) -> str:
    if os.path.isdir(place):
        for name in _INTERPRETERS[:2]:
            link = os.path.join(place, name)
            if os.path.islink(link):
                return f"{name} is a link to {os.readlink(link)}, which does not exist"
        return "this directory has no bin/python"
    if os.path.islink(place):
        return f"is a link to {os.readlink(place)}, which does not exist"
    return "No such file or directory" + ("" if "/" in place else ", and not found on PATH")


def interpreter_in(directory: str) -> str | None:
    """The interpreter of the environment in `directory`; None without one that can be run."""
    paths = (os.path.join(directory, name) for name in _INTERPRETERS)
    return next(filter(is_program, paths), None)


def _without_shim(path: str, variables: Mapping[str, str], what: str = "") -> str:
    """`path`, or what it starts if it is a shim of pyenv. Raises `InterpreterError`."""
    if _is_environment(_above(path)) or not _is_script(path):
        return path
    from envprint.machine.pyenv import follow

    others = on_path(os.path.basename(path), variables)
    return follow(path, variables, others, what or path)


def prefix_of(python: str) -> str | None:
    """The `sys.prefix` of an interpreter; None for a script, which only its run could tell.

    Python looks for `pyvenv.cfg` beside the path it was started by, and only then follows links.
    https://docs.python.org/3/library/sys_path_init.html
    """
    above = _above(python)
    if _is_environment(above):
        return above
    return None if _is_script(python) else _above(os.path.realpath(python))


def _above(python: str) -> str:
    return os.path.dirname(os.path.dirname(os.path.abspath(python)))


def _is_environment(prefix: str) -> bool:
    venv, conda = os.path.join(prefix, _VENV_FILE), os.path.join(prefix, _CONDA_FOLDER)
    return os.path.isfile(venv) or os.path.isdir(conda)


def _is_script(path: str) -> bool:
    if not os.path.isfile(path):  # to open a pipe would wait for its writer
        return False
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(2) == b"#!"
    except OSError:
        return False


def has_framework(python: str) -> bool:
    """Whether a framework is installed for an interpreter, as far as files tell."""
    return _holds_framework(_package_directories(python))


def _holds_framework(directories: Iterable[str]) -> bool:
    # numpy, numpy-2.4.6.dist-info, tensorflow_cpu-2.21.0.dist-info
    names = (name for directory in directories for name in _names_in(directory))
    return any(name.partition("-")[0] in _MARKS for name in names)


def _names_in(directory: str) -> list[str]:
    """The names in a directory; none if it is missing or closed."""
    try:
        return os.listdir(directory)
    except OSError:
        return []


_MARKS = frozenset((*FRAMEWORK_MODULES, "scikit_learn", "tensorflow_cpu"))


def _package_directories(python: str) -> Iterator[str]:
    prefix = prefix_of(python)
    if prefix is None:
        return
    # /usr/lib holds the packages of several versions; the name of the file tells which is meant.
    real = os.path.basename(os.path.realpath(python))
    version = real if real.startswith("python3.") else "python3"
    yield from _below(prefix, version)
    base = _base_of(prefix)
    if base:
        yield from _below(base, version)
    if base or not os.path.isfile(os.path.join(prefix, _VENV_FILE)):
        yield from _below(os.path.expanduser("~/.local"), version)


def _below(prefix: str, version: str) -> Iterator[str]:
    for folder in ("lib", "lib64", "local/lib"):
        place = os.path.join(prefix, folder)
        for name in _names_in(place):
            if name.startswith(version) or name == "python3":
                yield f"{place}/{name}/site-packages"
                yield f"{place}/{name}/dist-packages"


# home = /usr/bin
# include-system-site-packages = true
# https://docs.python.org/3/library/site.html
def _base_of(prefix: str) -> str | None:
    """The prefix whose packages the environment at `prefix` sees, too; None if only its own."""
    try:
        with open(os.path.join(prefix, _VENV_FILE), encoding="utf-8") as file:  # noqa: PTH123
            lines = [line.partition("=") for line in file]
    except (OSError, ValueError):
        return None
    settings = {name.strip().lower(): value.strip() for name, _, value in lines}
    shares = settings.get("include-system-site-packages", "").lower() == "true"
    return os.path.dirname(settings.get("home", "")) or None if shares else None


def _is_same(one: str, other: str) -> bool:
    return one == other or os.path.realpath(one) == os.path.realpath(other)
