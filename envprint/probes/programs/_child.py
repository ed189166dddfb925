"""One probe in its own process: `python _child.py FILE DEVICE [AFTER]`, a line of JSON each result.

Runs in the interpreter under observation, from Python 3.7 on, and uses nothing of envprint. Each
result is told at once, so that a crash costs only what was not told yet. Whatever a framework
prints goes to stderr.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from array import array
from collections.abc import Callable
from functools import partial
from importlib import util
from math import floor, isfinite
from types import ModuleType
from typing import Any

RESULTS = 200
"""The descriptor that results go to, out of the way of what is printed or opened at start-up."""
NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1", "HIP_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
"""What keeps a framework from making a context on a GPU when only the CPU is asked for."""
VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "GLIBC_TUNABLES",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "NPY_DISABLE_CPU_FEATURES",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
    "TF_ENABLE_ONEDNN_OPTS",
    "XLA_FLAGS",
)
"""Variables that cap threads or the instruction set, or switch arithmetic; told where set."""


def inputs(count: int, salt: str) -> bytes:
    """The bytes of `count` little-endian numbers below 2**32: an integer hash of `salt`.

    No random generator is asked, and every Python gives the same.
    """
    return hashlib.shake_128(salt.encode()).digest(4 * count)


def content(result: Any) -> bytes:
    """The bytes of a result, of all its parts."""
    parts = result if isinstance(result, (list, tuple)) else (result,)
    return b"".join(part if isinstance(part, bytes) else part.tobytes() for part in parts)


def digest(result: bytes) -> str:
    """The first 128 bits of the SHA-256, in hexadecimal."""
    return hashlib.sha256(result).hexdigest()[:32]


def coarse(operation: str, result: bytes) -> bytes | None:
    """Random draws cut to sixteenths, which rounding does not reach; None for other operations.

    Where they agree and the draws do not, both sides drew the same and rounded differently.
    """
    kind = {"float32": "f", "float64": "d"}.get(operation.rpartition(" ")[2])
    if kind is None or not operation.startswith("random/"):
        return None
    draws = array(kind, result)
    # Of many draws some would lie so near to a cut that rounding reaches it.
    some = draws[:: len(draws) // 1009 + 1]
    cut = [floor(16 * draw + 0.3) if isfinite(draw) else 0 for draw in some]
    return array("q", cut).tobytes()


def send(**result: Any) -> None:
    """Print one result as a line."""
    line = (json.dumps(result) + "\n").encode("ascii")
    while line:
        line = line[os.write(RESULTS, line) :]


def attempt(run: Callable[[], Any]) -> tuple[Any, str | None]:
    """What `run` returned, or None and what it raised, in one line."""
    try:
        return run(), None
    # Frameworks raise exceptions of their own kind, or want to leave, and what one of them refuses
    # is to cost this one operation, not the rest.
    except (Exception, SystemExit) as error:  # noqa: BLE001  see the reason above
        return None, f"{type(error).__name__}: {error}".partition("\n")[0][:300]


def load(path: str) -> ModuleType:
    """The probe in the file at `path`, under a name that shadows no framework.

    Compiled here, as bytecode kept beside it could be that of an earlier text.
    """
    module = ModuleType("envprint_probe")
    module.__file__ = path
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  as every Python has it
        text = file.read()
    exec(compile(text, path, "exec"), module.__dict__)
    return module


def operations(probe: ModuleType, device: str) -> list[tuple[str, Callable[[], Any]]]:
    """All operations of a probe: those of its further parts, then its own.

    All at once, so that no code of a probe between two operations can cost the later ones.
    """
    folder = os.path.dirname(str(probe.__file__))
    parts = [load(os.path.join(folder, part)) for part in getattr(probe, "PARTS", ())]
    return [named for part in (*parts, probe) for named in part.operations(device, inputs)]


def prepare(device: str) -> None:
    """Make room for the results, and keep this folder and the GPUs out of the way."""
    os.dup2(1, RESULTS, inheritable=False)
    os.dup2(2, 1)
    here = os.path.dirname(os.path.abspath(__file__))
    # The files here are called like the frameworks that they import.
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    if device == "cpu":
        os.environ.update(NO_GPU)


def surroundings() -> dict[str, str]:
    """The settings that every probe has: usable CPUs, and the variables that are set."""
    usable = {"cpus": str(len(os.sched_getaffinity(0)))} if hasattr(os, "sched_getaffinity") else {}
    return {**usable, **{name: os.environ[name] for name in VARIABLES if name in os.environ}}


def run(probe: ModuleType, device: str, after: str = "") -> None:
    """Run the operations of one probe, all or those behind `after`, and tell what came of it."""
    if util.find_spec(probe.MODULE) is None:
        send(missing=probe.MODULE)
        return
    around = surroundings()  # before a framework sets variables of its own
    header, refusal = attempt(lambda: probe.begin(device))
    listed, refused = attempt(lambda: [] if refusal else operations(probe, device))
    if refusal or refused:
        send(refused=refusal or refused)
        return
    names = [name for name, _ in listed]
    settings = {**around, **header["settings"]}
    send(begun={**header, "settings": settings, "operations": names})
    for name, operation in listed[names.index(after) + 1 if after in names else 0 :]:
        send(trying=name)
        result, refusal = attempt(partial(lambda compute: content(compute()), operation))
        if refusal:
            send(operation=name, error=refusal)
            continue
        send(operation=name, digest=digest(result))
        cut = coarse(name, result)
        if cut is not None:
            send(operation=f"{name} coarse", digest=digest(cut))


if __name__ == "__main__":
    file, device, *rest = sys.argv[1:]
    prepare(device)
    run(load(file), device, *rest)
    send(done=True)
    sys.stderr.flush()
    # A framework may take seconds to go, or crash on its way out: nothing it does then matters.
    os._exit(0)
