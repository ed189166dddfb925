"""How the rules of `_tensorflow` find what they speak of."""

from __future__ import annotations

from collections.abc import Iterator

from envprint import knowledge
from envprint.model import Comparison, Fingerprint, Workload
from envprint.rule import Match
from envprint.rules._devices import DEVICES, how_many
from envprint.rules._packages import is_same_release, pip_install, traces, version_path
from envprint.shell import command
from envprint.versions import numbers

NAMES = ("tensorflow", "tensorflow-cpu", "tensorflow-intel", "tensorflow-gpu")
TENSORFLOW = version_path("tensorflow")
PYTHON = "facts.python.version"
BUILD = "facts.frameworks.tensorflow.build"
RUNTIME = "facts.cuda.runtime"
BUILT_WITH = f"{RUNTIME}.built[tensorflow]"
FLAGS = "facts.cpu.flags"

_STATEFUL = (2, 7)
"""From here on Keras' initializers draw from a generator that their seed starts once."""
_STATELESS = (2, 10)
"""From here on they draw anew from their seed with each call."""
_SHUFFLES_REPEAT_FROM = (2, 3)
_NEEDS_AVX_FROM = (1, 6)
_MAJOR_NAMES_FILE_FROM = (11,)
"""Before CUDA 11 the minor version is part of the runtime's file name: libcudart.so.10.1."""
_BRINGS_CUDA_FROM = (2, 14)


def _versions(comparison: Comparison) -> tuple[str, str] | None:
    """TensorFlow's version on both sides, where both have one and they differ."""
    change = comparison.change(TENSORFLOW)
    return (change.before, change.after) if change and change.before and change.after else None


def major_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """TensorFlow 1 on one side, 2 on the other."""
    versions = _versions(comparison)
    if versions and not is_same_release(*versions, places=1):
        yield _version_match(comparison, versions, "the interface is another one")


def initializers_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """One release of TensorFlow 2 before and one after Keras drew weights in another way."""
    yield from _crossed(comparison, _STATELESS, "initial weights are drawn in another way")


def seeded_initializers_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """The same for initializers that have a seed of their own."""
    told = "initializers with a seed of their own draw other numbers"
    yield from _crossed(comparison, _STATEFUL, told)


def _crossed(comparison: Comparison, first: tuple[int, int], told: str) -> Iterator[Match]:
    versions = _versions(comparison)
    if versions and is_same_release(*versions, places=1):
        low, high = sorted(map(numbers, versions))
        if low < first <= high:
            since = ".".join(map(str, first))
            yield _version_match(comparison, versions, f"from {since} on {told}")


def _version_match(comparison: Comparison, versions: tuple[str, str], told: str) -> Match:
    before, after = versions
    name = comparison.before.value("facts.frameworks.tensorflow.distribution") or "tensorflow"
    return Match(
        f"TensorFlow was {before}, is {after}: {told}",
        traces(comparison, "tensorflow", *NAMES),
        before,
        after,
        remedy=pip_install(name, before),
    )


def build_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """TensorFlow is there on both sides, built for other devices."""
    change = comparison.change(BUILD)
    if change and change.before and change.after:
        yield Match(
            f"TensorFlow was built for {change.before}, is built for {change.after}",
            (change.path, *traces(comparison, "tensorflow", *NAMES)),
            change.before,
            change.after,
        )


def python_unsupported(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """The interpreter lies outside the range of this TensorFlow."""
    tensorflow, python = now.value(TENSORFLOW), now.value(PYTHON)
    built = python_for_tensorflow(numbers(tensorflow)) if tensorflow and python else None
    if not built:
        return
    low, high = built["lowest_python"], built["highest_python"]
    if not numbers(low) <= numbers(python)[:2] <= numbers(high):
        yield Match(
            f"TensorFlow {tensorflow} is for Python {low} to {high}, Python is {python}",
            (TENSORFLOW, PYTHON),
            after=python,
            remedy=command("Use Python {} with TensorFlow {}.", high, tensorflow),
        )


def python_for_tensorflow(version: tuple[int, ...]) -> knowledge.Entry | None:
    """Lowest and highest Python 3 with a wheel of that TensorFlow; None when not in the table."""
    return next(knowledge.covering("tensorflow_pythons", version), None)


def avx_missing(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """A processor without AVX under a wheel that has AVX in all its code."""
    version, flags = now.value(TENSORFLOW), now.value(FLAGS)
    if version and numbers(version) >= _NEEDS_AVX_FROM and flags and "avx" not in flags:
        yield Match(f"TensorFlow {version} on a processor without AVX", (FLAGS, TENSORFLOW))


def shuffle_varies(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """A version whose shuffled data sets do not repeat on several GPUs."""
    version = now.value(TENSORFLOW)
    if version and (2,) <= numbers(version) < _SHUFFLES_REPEAT_FROM and how_many(now) > 1:
        yield Match(
            f"TensorFlow {version} may shuffle differently in each run on {how_many(now)} GPUs",
            (TENSORFLOW, DEVICES),
            after=version,
        )


def cuda_of_another_major(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """No copy of CUDA's runtime has the version whose file TensorFlow asks the loader for."""
    version = now.value(TENSORFLOW)
    if not version or now.value(BUILD) != "cuda":
        return
    tested = cuda_for_tensorflow(numbers(version))
    need = now.value(BUILT_WITH) or (tested and tested["cuda"])
    copies = [*(now.value(f"{RUNTIME}.loaded") or []), *(now.value(f"{RUNTIME}.installed") or [])]
    here = sorted({copy["version"] for copy in copies if copy.get("version")})
    if need and here and not any(_is_same_file(need, found) for found in here):
        yield Match(
            f"TensorFlow {version} was built with CUDA {need}, and {', '.join(here)} is here",
            (f"{RUNTIME}.installed", BUILT_WITH),
            after=here[-1],
            remedy=_cuda_remedy(version, need, tested),
        )


def cuda_for_tensorflow(version: tuple[int, ...]) -> knowledge.Entry | None:
    """CUDA and cuDNN that it was built and tested with; None when not in the table."""
    return next(knowledge.covering("tensorflow_cuda", version), None)


def _is_same_file(need: str, found: str) -> bool:
    wanted, have = numbers(need)[:2], numbers(found)[:2]
    return wanted[:1] == have[:1] if wanted >= _MAJOR_NAMES_FILE_FROM else wanted == have


def _cuda_remedy(version: str, need: str, tested: knowledge.Entry | None) -> str | None:
    if numbers(version) >= _BRINGS_CUDA_FROM:
        return pip_install("tensorflow", version, "[and-cuda]")
    if tested:
        return command("Install CUDA {} and cuDNN {}.", need, tested["cudnn"])
    return command("Install CUDA {}.", need)
