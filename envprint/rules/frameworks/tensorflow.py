"""Rules about TensorFlow's versions and builds; part of the section `frameworks`."""

from __future__ import annotations

from collections.abc import Iterator

from envprint import knowledge
from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Command, sentence
from envprint.core.versions import numbers
from envprint.core.workload import Workload, machine, on_gpu, uses
from envprint.rules.kit.devices import DEVICES, how_many
from envprint.rules.kit.packages import (
    TENSORFLOW_NAMES,
    is_same_release,
    pip_install,
    restored,
    traces,
    version_changed,
    version_path,
)

# What the rules about TensorFlow look for.
TENSORFLOW = version_path("tensorflow")
PYTHON = "facts.python.version"
BUILD = "facts.frameworks.tensorflow.build"
RUNTIME = "facts.cuda.runtime"
BUILT_WITH = f"{RUNTIME}.built[tensorflow]"
FLAGS = "facts.cpu.flags"

_STATEFUL = (2, 7)
"""From this version on, Keras' initializers draw from a generator seeded once."""
_STATELESS = (2, 10)
"""From this version on, each call draws anew from the initializer's seed."""
_SHUFFLES_REPEAT_FROM = (2, 3)
_NEEDS_AVX_FROM = (1, 6)
_MAJOR_NAMES_FILE_FROM = (11,)
"""Before CUDA 11 the minor version is part of the runtime's file name: libcudart.so.10.1."""
_BRINGS_CUDA_FROM = (2, 14)


def _versions(comparison: Comparison) -> tuple[str, str] | None:
    """TensorFlow's version on both sides, if both have one and they differ."""
    change = comparison.change(TENSORFLOW)
    return (change.before, change.after) if change and change.before and change.after else None


def major_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """TensorFlow 1 on one side, 2 on the other."""
    versions = _versions(comparison)
    if versions and not is_same_release(*versions, places=1):
        yield _version_match(comparison, versions, "the interface is different")


def initializers_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Releases of TensorFlow 2 from before and after Keras changed how it draws weights."""
    yield from _crossed(comparison, _STATELESS, "initial weights are drawn differently")


def seeded_initializers_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """The same for initializers with a seed of their own."""
    text = "initializers with their own seed draw different numbers"
    yield from _crossed(comparison, _STATEFUL, text)


def _crossed(comparison: Comparison, first: tuple[int, int], text: str) -> Iterator[Match]:
    versions = _versions(comparison)
    if versions and is_same_release(*versions, places=1):
        low, high = sorted(map(numbers, versions))
        if low < first <= high:
            since = ".".join(map(str, first))
            yield _version_match(comparison, versions, f"from {since} on {text}")


def _version_match(comparison: Comparison, versions: tuple[str, str], text: str) -> Match:
    before, after = versions
    return Match(
        f"TensorFlow was {before}, is {after}: {text}",
        traces(comparison, "tensorflow", *TENSORFLOW_NAMES),
        before,
        after,
        None,
        *restored(comparison, "tensorflow", *TENSORFLOW_NAMES),
    )


def build_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """TensorFlow is installed on both sides, built for different devices."""
    change = comparison.change(BUILD)
    if change and change.before and change.after:
        yield Match(
            f"TensorFlow was built for {change.before}, is built for {change.after}",
            (change.path, *traces(comparison, "tensorflow", *TENSORFLOW_NAMES)),
            change.before,
            change.after,
            None,
            *restored(comparison, "tensorflow", *TENSORFLOW_NAMES),
        )


def python_unsupported(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """An interpreter that this TensorFlow does not support."""
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
            remedy=sentence("Use Python {} with TensorFlow {}.", high, tensorflow),
        )


def python_for_tensorflow(version: tuple[int, ...]) -> knowledge.Entry | None:
    """Lowest and highest Python 3 with a wheel of that TensorFlow; None if not in the table."""
    return next(knowledge.covering("tensorflow_pythons", version), None)


def avx_missing(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """A processor without AVX, and a wheel that uses AVX throughout."""
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
    """No installed CUDA runtime has the version that TensorFlow requests from the loader."""
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
    """CUDA and cuDNN that it was built and tested with; None if not in the table."""
    return next(knowledge.covering("tensorflow_cuda", version), None)


def _is_same_file(need: str, found: str) -> bool:
    wanted, have = numbers(need)[:2], numbers(found)[:2]
    return wanted[:1] == have[:1] if wanted >= _MAJOR_NAMES_FILE_FROM else wanted == have


def _cuda_remedy(version: str, need: str, tested: knowledge.Entry | None) -> str | None:
    if numbers(version) >= _BRINGS_CUDA_FROM:
        return pip_install("tensorflow", version, "[and-cuda]")
    if tested:
        return sentence("Install CUDA {} and cuDNN {}.", need, tested["cudnn"])
    return sentence("Install CUDA {}.", need)


_INSTALL = Evidence(
    "What a processor, a driver and an installation need", "https://www.tensorflow.org/install/pip"
)
_TESTED = Evidence(
    "Tested build configurations",
    "https://www.tensorflow.org/install/source#tested_build_configurations",
)

RULES = (
    Rule(
        id="tensorflow-version-changed",
        title="TensorFlow's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(TENSORFLOW,),
        why="Any TensorFlow release may change numerical details and random numbers. Measured on "
        "a CPU, operation by operation, from 2.6 to 2.21: most minor releases round something "
        "differently than the one before (2.7, 2.10 and 2.18 nothing); 2.9 turns oneDNN on by "
        "default, 2.11 has different Keras optimizers; the random numbers of tf.random stayed "
        "the same.",
        not_when="The operations in use did not change: a small network gave the same bits with "
        "2.17, 2.20 and 2.21. A patch release is treated as affecting speed only, as "
        "2.16.1 and 2.16.2 showed, though nothing is promised. Different initial "
        "weights, and a different major version of TensorFlow or Keras, have their own "
        "rules.",
        remedy="Install the same version of TensorFlow.",
        evidence=(
            Evidence(
                "What TensorFlow keeps compatible, and what it does not",
                "https://www.tensorflow.org/guide/versions",
            ),
            Evidence("2.16.1 and 2.21.0", measured="pk.tf216"),
            Evidence("2.17.0 and 2.21.0, the same bits", measured="pk.tf217"),
            Evidence("A patch release, the same bits", measured="tf.2-16-patch"),
        ),
        drift=version_changed("TensorFlow", "tensorflow", *TENSORFLOW_NAMES, patch=Impact.PERF),
        yields_to=("tensorflow-major-changed", "tensorflow-initializers-changed"),
        probed=True,
    ),
    Rule(
        id="tensorflow-major-changed",
        title="TensorFlow's major version differs",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(TENSORFLOW,),
        why="TensorFlow 2 has a different interface: sessions, placeholders, tf.set_random_seed "
        "and tf.contrib are gone or moved to tf.compat.v1, operations run immediately, and "
        "optimizers have different default learning rates.",
        not_when="The program uses only what both versions have, or only tf.compat.v1.",
        remedy="Install the same major version of TensorFlow.",
        evidence=(
            Evidence(
                "How the two differ, in behaviour and names",
                "https://www.tensorflow.org/guide/migrate/tf1_vs_tf2",
            ),
        ),
        drift=major_changed,
    ),
    Rule(
        id="tensorflow-initializers-changed",
        title="Keras draws initial weights differently",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(TENSORFLOW,),
        why="Since 2.10, Keras initializers are stateless, and one without a seed takes it from "
        "Python's generator, so tf.random.set_seed() alone no longer fixes it. The same seeds "
        "give different initial weights (measured with 2.9 and 2.10: every weight, and the "
        "layers that augment images).",
        not_when="The weights are loaded, or Keras initializers do not create them.",
        remedy="Install the same version of TensorFlow.",
        note="From 2.10 on, seed with tf.keras.utils.set_random_seed().",
        evidence=(
            Evidence(
                "Release notes of 2.10",
                "https://github.com/tensorflow/tensorflow/releases/tag/v2.10.0",
            ),
            Evidence(
                "Different weights in 2.10, and how to reproduce them",
                "https://github.com/keras-team/keras/issues/17007",
            ),
            Evidence("2.9.3 and 2.10.1", measured="tf.2-9"),
        ),
        drift=initializers_changed,
        yields_to=("keras-major-changed",),
    ),
    Rule(
        id="tensorflow-seeded-initializers-changed",
        title="Initializers with their own seed draw different weights",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(TENSORFLOW,),
        why="Since 2.7, an initializer created with a seed draws different numbers from it, and "
        "new ones at each call.",
        not_when="No initializer has a seed, as in most programs: then the initial weights of 2.6 "
        "and 2.7 were the same.",
        remedy="Install the same version of TensorFlow.",
        evidence=(
            Evidence(
                "Release notes of 2.7",
                "https://github.com/tensorflow/tensorflow/releases/tag/v2.7.0",
            ),
            Evidence(
                "Different numbers in 2.7 from the same seed, and a maintainer's answer",
                "https://github.com/keras-team/keras/issues/15899",
            ),
        ),
        drift=seeded_initializers_changed,
        yields_to=("tensorflow-initializers-changed", "keras-major-changed"),
    ),
    Rule(
        id="tensorflow-build-changed",
        title="TensorFlow is built for a different kind of device",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & on_gpu,
        watches=(BUILD, "facts.frameworks.tensorflow.distribution"),
        why="A build without GPU support computes on the CPU: with different kernels, and with "
        "random operations whose algorithm depends on the device.",
        not_when="The program runs on the CPU anyway; both builds gave the same bits there.",
        remedy="Install the same build on both sides.",
        evidence=(
            Evidence(
                "Random numbers may depend on the device",
                "https://www.tensorflow.org/guide/random_numbers",
            ),
            Evidence("The same bits on a CPU", measured="pk.tffull"),
        ),
        drift=build_changed,
    ),
    Rule(
        id="tensorflow-python-unsupported",
        title="This TensorFlow is not made for this Python",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(TENSORFLOW, PYTHON),
        why="TensorFlow is built and tested for a range of Python versions; outside it there are "
        "no wheels, and dependencies are missing.",
        not_when="It was built from source for this Python. Python versions newer than the table "
        "are not judged.",
        remedy="Use a Python version from that range.",
        evidence=(_TESTED,),
        state=python_unsupported,
    ),
    Rule(
        id="tensorflow-avx-missing",
        title="This processor lacks instructions that TensorFlow needs",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & machine("x86_64"),
        watches=(FLAGS, TENSORFLOW),
        why="Since 1.6, the official wheels are compiled for processors with AVX; on any other, "
        "the program ends with an illegal instruction.",
        not_when="TensorFlow was built for this processor, from source or by a distribution.",
        remedy="Use a processor (or a virtual machine's CPU model) with AVX.",
        evidence=(_INSTALL,),
        state=avx_missing,
    ),
    Rule(
        id="tensorflow-cuda-of-another-major",
        title="TensorFlow finds no CUDA of the right major version",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & on_gpu,
        watches=(TENSORFLOW, BUILD, BUILT_WITH, RUNTIME),
        why="TensorFlow loads CUDA's libraries by the major version it was built with. If one is "
        "missing, it ignores the GPUs, reports that only in its log, and computes on the CPU.",
        not_when="The right libraries are where envprint does not look. A different minor version "
        "of the same major version is fine.",
        remedy="Install the CUDA version that this TensorFlow was built with.",
        evidence=(
            _TESTED,
            Evidence(
                "What TensorFlow does when it cannot load some of the libraries",
                "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/"
                "common_runtime/gpu/gpu_device.cc",
            ),
        ),
        state=cuda_of_another_major,
    ),
    Rule(
        id="tensorflow-shuffle-not-repeatable",
        title="This TensorFlow may shuffle differently in each run",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & on_gpu,
        watches=(TENSORFLOW, DEVICES),
        why="Before 2.3, a data set that is reshuffled for each epoch does not repeat its order "
        "under MirroredStrategy, whatever the seed.",
        not_when="The job uses one GPU, no strategy of tf.distribute, or "
        "shuffle(reshuffle_each_iteration=False).",
        remedy=Command("pip install 'tensorflow>=2.3'"),
        evidence=(
            Evidence("The report", "https://github.com/tensorflow/tensorflow/issues/38197"),
            Evidence(
                "The fault, and the version that appears to fix it",
                "https://github.com/NVIDIA/framework-reproducibility/blob/master/doc/d9m/"
                "tensorflow.md",
            ),
        ),
        state=shuffle_varies,
        advice=True,
    ),
)
