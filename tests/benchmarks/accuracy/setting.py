"""A side of a pair made real: its environment, its variables, the command in front."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.benchmarks.accuracy.pair import HERE, Pair, Side
from tests.builders.environments import KEPT, NotHereError, build, interpreter, name_of

CPU_LIMITS = "CPU ISA"
"""The area of pairs that limit a processor with AVX-512: on a lesser one the limit is none."""
PROCESSORS: Mapping[str, Callable[[str], bool]] = {
    "AMD": lambda cpuinfo: "AuthenticAMD" in cpuinfo,
    "no bfloat16": lambda cpuinfo: "_bf16" not in cpuinfo,
    "AVX-512": lambda cpuinfo: "avx512bw" in cpuinfo,
}
"""By the content of /proc/cpuinfo: whether MKL obeys a limit, whether a mode of bfloat16 has any
effect, and whether a limit at AVX2 is one."""


def need_processor(pair: Pair) -> None:
    """Raises `NotHereError` where the measurement of the pair says nothing of this processor."""
    wanted = pair.processor or ("AVX-512" if pair.area == CPU_LIMITS else "")
    if wanted and not PROCESSORS[wanted](Path("/proc/cpuinfo").read_text(encoding="utf-8")):
        raise NotHereError(f"it was measured on another processor ({wanted})")


@contextmanager
def environment(side: Side) -> Iterator[str]:
    """The interpreter of the side's environment, built when it is not there yet.

    It is thrown away afterwards, unless `KEPT` names a place to keep environments: a TensorFlow
    takes 1.5 GB. Raises `NotHereError`.
    """
    requirements = HERE / "requirements" / side.requirements
    base = interpreter(side.python)
    with ExitStack() as stack:
        kept = os.environ.get(KEPT)
        root = Path(kept or stack.enter_context(tempfile.TemporaryDirectory()))
        place = root / f"{requirements.stem}-{name_of(base, requirements.read_text())}"
        yield build(place, base, ("--no-deps", "-r", str(requirements)), by="uv")


def run(side: Side, command: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run `command` as that side runs its programs, with nothing of this process' variables."""
    words = [*shlex.split(side.prefix), *command]
    if not shutil.which(words[0]):
        raise NotHereError(f"there is no command {words[0]} here")
    # Each program in an empty directory of its own: what lies around is no part of the pair.
    with tempfile.TemporaryDirectory(dir=side.directory or None) as directory:
        return subprocess.run(
            words,
            env=_variables(side),
            cwd=directory,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )


def _variables(side: Side) -> dict[str, str]:
    basic = {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "LANG": "C.UTF-8"}
    unrelated = {f"UNRELATED_{n}": str(n) for n in range(side.unrelated_variables)}
    return {**basic, **unrelated, **{name: _file(name, value) for name, value in side.env}}


def _file(name: str, value: str) -> str:
    """A library's name in LD_PRELOAD stands for the file that this system has."""
    if name != "LD_PRELOAD":
        return value
    places = sorted(Path("/usr/lib").glob(f"*/{value}"))
    return str(places[0]) if places else value
