"""How the rules of `_torch` find what they speak of."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.model import Comparison, Fingerprint, Impact, Workload
from envprint.rule import Match
from envprint.rules._devices import cards, field
from envprint.rules._dials import variable, variables_of
from envprint.rules._in_force import SWITCHES
from envprint.rules._packages import traces, version_path
from envprint.shell import command
from envprint.versions import numbers

VERSION = version_path("torch")
BUILD = "facts.frameworks.torch.build"
CUDA = "facts.cuda.runtime.built[torch]"
DETERMINISTIC = f"{SWITCHES}[torch-deterministic-algorithms].value"
WARN_ONLY = f"{SWITCHES}[torch-deterministic-warn-only].value"
BENCHMARK = f"{SWITCHES}[torch-cudnn-benchmark].value"
SET_IN_PROGRAM = f"{SWITCHES}[torch-matmul-tf32].value"
"""What a loaded PyTorch tells; where both sides know it, another rule compares it."""
OVERRIDES = ("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")

_SEEDS_WORKERS_FROM = (1, 9)
_TF32_PRODUCTS = ((1, 7), (1, 12))
"""From the first of these versions to before the second, products used TF32 by default."""
_NEEDS_WORKSPACE = ((1, 8), (2, 9))
"""2.9 is as old as the change and was not looked up, so it is not judged."""
_WORKSPACES = (":4096:8", ":16:8")


def build_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """A build for another kind of device."""
    change = comparison.change(BUILD)
    if change and change.before and change.after:
        lost = change.after == "cpu"
        yield Match(
            f"PyTorch was built for {change.before}, is built for {change.after}",
            (change.path, *traces(comparison, "torch", "torch")),
            change.before,
            change.after,
            remedy=command(
                "Install the build for {} again"
                + (": with this one the job runs on the CPU." if lost else "."),
                change.before,
            ),
        )


def _multiplies_in_tf32(side: Fingerprint) -> bool | None:
    """Whether products of matrices use TF32 unless the program says otherwise; None: no PyTorch."""
    version, chosen = side.value(VERSION), variables_of(side)
    if not version:
        return None
    if chosen.get(OVERRIDES[0]) == "0":
        return False
    if OVERRIDES[1] in chosen:
        return chosen[OVERRIDES[1]] == "1"
    first, end = _TF32_PRODUCTS
    return first <= numbers(version) < end


def tf32_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Products of matrices whose default precision changed with the version."""
    change = comparison.change(VERSION)
    sides = (comparison.before, comparison.after)
    before, after = map(_multiplies_in_tf32, sides)
    is_told = all(side.value(SET_IN_PROGRAM) for side in sides)
    if not change or is_told or before == after or None in (before, after):
        return
    for key in cards(comparison.after):
        if numbers(field(comparison.after, key, "compute_capability") or "") >= (8, 0):
            told = ["float32", "TF32"]
            yield Match(
                f"PyTorch {change.before} multiplied matrices in {told[bool(before)]} by default, "
                f"{change.after} does in {told[bool(after)]}",
                traces(comparison, "torch", "torch"),
                change.before,
                change.after,
                remedy=command(
                    "torch.backends.cuda.matmul.allow_tf32 = {}, on both sides.", str(before)
                ),
            )
            return


def workspace_missing(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """Deterministic algorithms without the workspace that this version asks for."""
    version, cuda = now.value(VERSION), now.value(CUDA)
    first, end = _NEEDS_WORKSPACE
    if not version or not first <= numbers(version) < end or numbers(cuda or "") < (10, 2):
        return
    value = variables_of(now).get("CUBLAS_WORKSPACE_CONFIG")
    if value not in _WORKSPACES and now.value(DETERMINISTIC) == "on":
        yield Match(
            f"deterministic algorithms are on in PyTorch {version}, and CUBLAS_WORKSPACE_CONFIG is "
            f"{value or 'unset'}",
            (DETERMINISTIC, variable("CUBLAS_WORKSPACE_CONFIG")),
            after=value,
            impact=Impact.NUMERIC if now.value(WARN_ONLY) == "on" else None,
        )


def workers_repeat(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """A version whose workers share one NumPy stream."""
    version = now.value(VERSION)
    if version and numbers(version) < _SEEDS_WORKERS_FROM:
        yield Match(
            f"workers of PyTorch {version} all draw the same numbers from np.random",
            (VERSION,),
            after=version,
        )


def worker_seeds_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Versions of which one seeds NumPy in its workers."""
    change = comparison.change(VERSION)
    if change and change.before and change.after:
        sides = [numbers(side) >= _SEEDS_WORKERS_FROM for side in (change.before, change.after)]
        if sides[0] != sides[1]:
            yield Match(
                f"PyTorch was {change.before}, is {change.after}: workers draw other numbers from "
                "np.random",
                (VERSION,),
                change.before,
                change.after,
            )


def times_convolutions(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """The switch by which convolutions are timed."""
    if now.value(BENCHMARK) == "on":
        yield Match("torch.backends.cudnn.benchmark is on", (BENCHMARK,), after="on")
