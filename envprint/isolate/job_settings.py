"""How the recorded job was started: its variables and CPUs, as far as a document tells.

A variable is set if its whole value is recorded and it names no code to load: a library that is
preloaded or a directory of modules would run what somebody else's document chooses, and lies on the
recorded machine anyway.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from envprint.core.fingerprint import Fingerprint
from envprint.core.redact import HIDDEN, is_recorded, safe_value
from envprint.core.shell import is_name, quoted
from envprint.core.typed import Any, NamedTuple

VARIABLES = "facts.environ.variables"
HASH_SEED = "PYTHONHASHSEED"
_LOADS_CODE = frozenset(
    """
    LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE
    PYTHONPLATLIBDIR PYTHONEXECUTABLE PYTHONBREAKPOINT PYTHONWARNINGS PYTHONPYCACHEPREFIX
    PYTHONCASEOK CUDA_INJECTION64_PATH NVTX_INJECTION64_PATH OMP_TOOL_LIBRARIES KMP_TOOL_LIBRARIES
    NCCL_NET_PLUGIN NCCL_TUNER_PLUGIN NCCL_PROFILER_PLUGIN NCCL_ENV_PLUGIN NCCL_CONF_FILE
    HSA_TOOLS_LIB ROCBLAS_TENSILE_LIBPATH TPU_LIBRARY_PATH TORCHINDUCTOR_CACHE_DIR
    JAX_COMPILATION_CACHE_DIR CUDA_CACHE_PATH CUDA_HOME CUDA_PATH
    """.split()
)
"""Variables by which a process loads code from a place; caches of compiled code included."""
_MARK_OF_CODE = re.compile(r"_(?:PRELOAD|PLUGIN|LIBPATH|LIBRARY_PATH|PLUGIN_PATH)$")


class LeftOut(NamedTuple):
    """A variable that is not set, and why."""

    name: str
    reason: str


class JobSettings(NamedTuple):
    """How the job was started."""

    variables: Mapping[str, str]
    """Those to set, sorted."""
    left_out: tuple[LeftOut, ...]
    """Those that were set there, or may have been, and are not set."""
    cpus: int | None
    """How many it could use; None if that is unknown."""


def settings_of(fingerprint: Fingerprint, *, trust: bool = False) -> JobSettings:
    """How the job of a fingerprint was started; with `trust`, paths to code are set as well."""
    found = fingerprint.get(VARIABLES) or {}
    variables: dict[str, str] = {}
    left_out = list(_unknown(fingerprint))
    for name in sorted(found):
        reason = _why_not(name, found[name], trust=trust)
        if reason is None:
            variables[name] = found[name]
        else:
            left_out.append(LeftOut(name, reason))
    seed = fingerprint.get("facts.python.hash_seed")
    if HASH_SEED not in found and isinstance(seed, str) and re.fullmatch(r"\d{1,10}", seed):
        variables[HASH_SEED] = seed
    cpus = fingerprint.get("facts.cpu.usable_threads")
    is_count = isinstance(cpus, int) and not isinstance(cpus, bool) and cpus > 0
    return JobSettings(dict(sorted(variables.items())), tuple(left_out), cpus if is_count else None)


def _unknown(side: Fingerprint) -> Iterator[LeftOut]:
    for whole in ("facts.environ", VARIABLES):
        if whole in side.unknown:
            yield LeftOut("all variables", f"unknown: {side.unknown[whole]}")
    start = f"{VARIABLES}["
    for path in sorted(side.unknown):
        if path.startswith(start) and path.endswith("]"):
            yield LeftOut(path[len(start) : -1], f"unknown: {side.unknown[path]}")


def _why_not(name: str, value: Any, *, trust: bool) -> str | None:
    """Why a recorded variable is not set; None if it is."""
    if not is_name(name):
        return "its name is not one of a variable"
    if not isinstance(value, str) or HIDDEN in value or safe_value(name, value) != value:
        return "its value is hidden in the record"
    if not is_recorded(name):
        return "envprint records no variable of this name"
    if quoted(value) is None:
        return "no shell can write its value"
    if loads_code(name) and not trust:
        return "it names code or a cache of code on the recorded machine; --trust sets it"
    return None


def loads_code(name: str) -> bool:
    """Whether a process loads code from where this variable says."""
    return name in _LOADS_CODE or _MARK_OF_CODE.search(name) is not None


def environment(settings: JobSettings, given: Mapping[str, str]) -> dict[str, str]:
    """The variables of a process that the launcher starts, where `given` are those around it."""
    kept_as_is = {one.name for one in settings.left_out}
    others = {
        name: value
        for name, value in given.items()
        if name in kept_as_is or not is_recorded(name) or loads_code(name)
    }
    home = given.get("HOME") or os.path.expanduser("~")
    return {**others, **{n: _with_home(v, home) for n, v in settings.variables.items()}}


def _with_home(value: str, home: str) -> str:
    return f"{home}/{value[2:]}" if value.startswith("~/") else value
