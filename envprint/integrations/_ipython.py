"""The extension for IPython and Jupyter: `%load_ext envprint`.

    %envprint show              what this environment is
    %envprint check @last-good  judge it, as `envprint.check`
    %envprint diff a.json now

What a magic returns is shown as a table. After each cell, a variable that the cell has set too late
to have an effect is named.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterator, Mapping

from envprint.api import check, diff, load
from envprint.core.errors import EnvprintError
from envprint.core.impact import IMPACT_WORDS
from envprint.core.typed import Any, NoReturn
from envprint.documents.inputs import NOW
from envprint.results import DriftError
from envprint.rules.kit.settings import READ_AT_IMPORT, READ_AT_START

_MODULES = {"scikit-learn": "sklearn"}
"""Frameworks whose module has another name."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        from IPython.core.error import UsageError

        raise UsageError(f"%envprint: {message}; {self.format_usage().strip()}")


def load_ipython_extension(shell: Any) -> None:
    """Called by `%load_ext envprint`."""
    watch = Watch()
    shell.register_magic_function(envprint, "line", "envprint")
    shell.events.register("pre_run_cell", watch.before)
    shell.events.register("post_run_cell", watch.after)
    shell.envprint_watch = watch


def unload_ipython_extension(shell: Any) -> None:
    """Called by `%unload_ext envprint`."""
    watch = shell.envprint_watch
    shell.events.unregister("pre_run_cell", watch.before)
    shell.events.unregister("post_run_cell", watch.after)
    shell.magics_manager.magics["line"].pop("envprint", None)


def envprint(line: str) -> Any:
    """%envprint show [REF] | check [BASELINE] [--fail-on IMPACT] | diff BASELINE [CURRENT]."""
    parser = _Parser(prog="%envprint", add_help=False)
    parser.add_argument("verb", choices=("show", "check", "diff"))
    parser.add_argument("sources", nargs="*", metavar="REF")
    parser.add_argument("--fail-on", choices=IMPACT_WORDS)
    try:
        options = parser.parse_args(shlex.split(line))
    except ValueError as error:  # an open quotation mark
        parser.error(str(error))
    fewest, most = {"show": (0, 1), "check": (0, 1), "diff": (1, 2)}[options.verb]
    if not fewest <= len(options.sources) <= most:
        parser.error(f"{options.verb} takes {fewest} to {most} fingerprints")
    try:
        return _done(options.verb, options.sources, options.fail_on)
    except DriftError as drift:
        from IPython.display import display

        display(drift.report)
        raise
    except EnvprintError as error:
        parser.error(str(error))


def _done(verb: str, sources: list[str], fail_on: str | None) -> Any:
    if verb == "show":
        return load(*(sources or [NOW]))
    if verb == "check":
        return check(*sources, fail_on=fail_on)
    return diff(sources[0], sources[1] if sources[1:] else NOW)


class Watch:
    """What each cell does to the environment variables."""

    def __init__(self) -> None:
        self.before()

    def before(self, info: Any = None) -> None:
        """Before a cell: only what was there already can have read a variable."""
        self._variables = dict(os.environ)
        self._modules = frozenset(sys.modules)

    def after(self, result: Any = None) -> None:
        """After a cell: name what it has set too late."""
        for text in too_late(self._variables, os.environ, self._modules):
            print(f"envprint: {text}", file=sys.stderr)


def too_late(
    before: Mapping[str, str], after: Mapping[str, str], modules: frozenset[str]
) -> Iterator[str]:
    """A line for each variable that has changed since it was read."""
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            continue
        if name in READ_AT_START:
            yield (
                f"{name} is set too late: it is read when the kernel starts. Set it before, in "
                "the kernel's environment"
            )
        elif readers := [one for one in _readers(name) if _MODULES.get(one, one) in modules]:
            yield (
                f"{name} is set too late: {' and '.join(readers)} may have read it at import. "
                "Restart the kernel and set it first"
            )


def _readers(name: str) -> list[str]:
    return sorted(
        {r for start, names in READ_AT_IMPORT.items() if name.startswith(start) for r in names}
    )
