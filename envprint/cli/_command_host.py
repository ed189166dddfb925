"""The environment that `envprint run` observes: that of the command it is about to run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping

from envprint.cli._capture_options import gpu_timeout_of, host_of, is_trusted, timeout_of
from envprint.core.errors import InterpreterError
from envprint.core.typed import Any, NamedTuple
from envprint.machine.environments import Environment
from envprint.machine.live import LiveHost
from envprint.run.command_interpreter import Started, follow
from envprint.run.program_files import shown


class Observed(NamedTuple):
    """What the command starts, and the machine as seen from there."""

    started: Started
    host: LiveHost
    remarks: list[str]
    """Lines for the user: that it may be another environment than the command's."""


def observe(options: argparse.Namespace) -> Observed:
    """The environment of the command, or the usual one where that is not known.

    Raises `InterpreterError` if another one is named and does not respond.
    """
    started = follow(options.command, LiveHost().environ_for_children(), _directory())
    try:
        host = host_again(options, started)
    except InterpreterError as error:
        if options.python is not None:
            raise
        reason = str(error).removeprefix("--python ")
        started = Started(None, reason, started.steps)
        host = host_again(options, started)
    return Observed(started, host, _remarks(options, started, host.interpreter()))


def host_again(options: argparse.Namespace, started: Started) -> LiveHost:
    """The same environment at another moment. Raises `InterpreterError`."""
    if options.python is not None or started.python is None:
        return host_of(options)
    variables = None
    if started.variables != LiveHost().environ_for_children():
        variables = started.variables
    is_own = variables is None and _is_own(started.python)
    host = LiveHost(
        None if is_own else started.python,
        cache=not options.no_cache,
        gpu_timeout_s=gpu_timeout_of(options),
        variables=variables,
        timeout_s=timeout_of(options),
        trusts=is_trusted,
    )
    options.environment = Environment(started.python, "the command starts it")
    return host


def _directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return "/"


def _is_own(python: str) -> bool:
    """Whether `python` is the interpreter that runs envprint, in the same environment.

    Links to one file in two directories may belong to two environments.
    """
    if not sys.executable:
        return False
    folders = {os.path.realpath(os.path.dirname(path)) for path in (python, sys.executable)}
    return len(folders) == 1 and os.path.realpath(python) == os.path.realpath(sys.executable)


def _remarks(
    options: argparse.Namespace, started: Started, described: Mapping[str, Any]
) -> list[str]:
    """What is to be read before the run: an environment that may not be the command's."""
    command = f"`{shown(options.command, _directory())}`"
    if options.python is not None:
        other = unrecorded(options, started, described)
        return [f"{command} starts {other}, but --python {options.python} is recorded"] * bool(
            other
        )
    if started.reason is None or not started.is_python:
        return []
    return [
        f"which interpreter {command} starts is unknown ({started.reason}); recorded "
        f"{described['prefix']}; --python names it"
    ]


def unrecorded(
    options: argparse.Namespace, started: Started, described: Mapping[str, Any]
) -> str | None:
    """The interpreter that the command starts, if `--python` names another environment."""
    if options.python is None or started.python is None or _is_of(started.python, described):
        return None
    return started.python


def _is_of(python: str, described: Mapping[str, Any]) -> bool:
    """Whether the program at `python` is an interpreter of the described environment."""
    folder = os.path.dirname(python)
    for place in (folder, os.path.dirname(folder)):
        if os.path.exists(os.path.join(place, "pyvenv.cfg")):
            prefix: str = described["prefix"]
            return os.path.realpath(place) == os.path.realpath(prefix)
    is_base: bool = described["prefix"] == described["base_prefix"]
    return is_base and os.path.realpath(described["executable"]) == os.path.realpath(python)
