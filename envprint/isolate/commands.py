"""The programs that build an environment, run without what would make them build another one.

They get no variables that choose an environment, a target or other versions, and no configuration
of the working directory, which a cloned repository could bring: its own settings of the user count.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from envprint.core.errors import EnvprintError
from envprint.machine.child_groups import Command, Ended, run_beside

_DROPPED = frozenset(
    """
    VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONSAFEPATH __PYVENV_LAUNCHER__
    PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER PIP_PYTHON PIP_REQUIREMENT PIP_NO_BINARY PIP_ONLY_BINARY
    PIP_PLATFORM PIP_DRY_RUN PIP_UPGRADE PIP_IGNORE_INSTALLED PIP_EDITABLE PIP_REQUIRE_HASHES
    UV_CONSTRAINT UV_OVERRIDE UV_EXCLUDE UV_BUILD_CONSTRAINT UV_EXCLUDE_NEWER UV_REQUIRE_HASHES
    UV_NO_BINARY UV_NO_BUILD UV_SYSTEM_PYTHON UV_BREAK_SYSTEM_PACKAGES UV_PROJECT UV_WORKING_DIR
    UV_TORCH_BACKEND UV_RESOLUTION
    """.split()
)
_FIXED = {"PIP_CONSTRAINT": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
"""An empty list of constraints replaces that of a configuration file."""
_LONGEST = 300


class CommandFailedError(EnvprintError):
    """A program did not do its job; the message has the last thing it said."""

    def __init__(self, what: str, ended: Ended) -> None:
        self.code = ended.code
        self.said = ended.err.decode("utf-8", "replace")
        how = "it took too long" if ended.code is None else f"it ended with {ended.code}"
        super().__init__(f"{what}: {reason_in(self.said) or how}")


def run(
    argv: Sequence[str],
    timeout_s: float,
    what: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> str:
    """What a program prints on stdout; it gets these additional `variables`.

    Raises `CommandFailedError`.
    """
    ended: list[Ended] = []
    name = what or os.path.basename(argv[0])
    try:
        environ = {**clean_variables(), **(variables or {})}
        run_beside([Command(name, argv, environ)], 1, timeout_s, ended.append)
    except OSError as error:
        raise EnvprintError(f"{name}: {error.strerror or error}") from None
    if ended[0].code != 0:
        raise CommandFailedError(name, ended[0])
    return ended[0].out.decode("utf-8", "replace")


def clean_variables() -> dict[str, str]:
    """The variables of this process, without those that lead to another environment."""
    kept = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    return {**kept, **_FIXED}


# error: No solution found when resolving dependencies
#   cause: Because there is no version of torch==2.13.0+cpu and you require …
#   ╰─▶ Because there is no version of torch==2.13.0+cpu and you require
#       torch==2.13.0+cpu, we can conclude …
# ERROR: No matching distribution found for torch==2.13.0+cpu
_BEGINNINGS = ("cause: ", "╰─▶ ", "ERROR: ", "error: ")


def reason_in(said: str) -> str:
    """What an installer's messages give as the reason; empty if it said nothing."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for begin in _BEGINNINGS:
        found = [number for number, line in enumerate(lines) if line.startswith(begin)]
        if found:
            rest = lines[found[-1] :] if begin == "╰─▶ " else lines[found[-1] : found[-1] + 1]
            return " ".join(rest).removeprefix(begin)[:_LONGEST]
    return lines[-1][:_LONGEST] if lines else ""
