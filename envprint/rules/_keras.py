"""How the rules of `_tensorflow` find what they speak of."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.model import Comparison, Fingerprint, Workload
from envprint.rule import Match
from envprint.rules._compat import python_for_tensorflow
from envprint.rules._dials import trace, variable, variables_of
from envprint.rules._packages import is_same_release, traces, version_path
from envprint.versions import numbers

NAMES = ("tensorflow", "tensorflow-cpu", "tensorflow-intel", "tensorflow-gpu")
KERAS = "facts.frameworks.keras"
TENSORFLOW = version_path("tensorflow")
PYTHON = "facts.python.version"
LEGACY = "TF_USE_LEGACY_KERAS"


def keras_version(side: Fingerprint) -> str | None:
    """The Keras that tf.keras is: tf-keras where it is asked for, else the package keras."""
    if _asks_for_legacy(side):
        legacy: str | None = side.value(f"{KERAS}.legacy_version")
        return legacy
    version: str | None = side.value(f"{KERAS}.version")
    return version


def _asks_for_legacy(side: Fingerprint) -> bool:
    asked = variables_of(side).get(LEGACY, "").lower() in ("1", "true")
    # 2.15 is the first version that reads the variable.
    return asked and numbers(side.value(TENSORFLOW) or "") >= (2, 15)


def keras_changed(comparison: Comparison, *, major: bool) -> Iterator[Match]:
    """Another Keras behind tf.keras: another major version, or only another release."""
    before, after = keras_version(comparison.before), keras_version(comparison.after)
    if not before or not after or before == after:
        return
    if is_same_release(before, after, places=1) != major:
        paths = traces(comparison, "keras", "keras", "tf-keras")
        yield Match(
            f"Keras was {before}, is {after}",
            (*paths, *comparison.under(variable(LEGACY)), *trace(comparison, (LEGACY,))),
            before,
            after,
            remedy=_keras_remedy(before, after),
        )


def _keras_remedy(before: str, after: str) -> str:
    if numbers(before) < (3,) <= numbers(after):
        return f"pip install tf-keras; export {LEGACY}=1"
    return f"pip install keras=={before}"


def legacy_missing(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """Keras 2 is asked for and not there."""
    if _asks_for_legacy(now) and now.value(f"{KERAS}.legacy_version") is None:
        yield Match(
            f"{LEGACY} is set, and tf-keras is not installed",
            (variable(LEGACY), f"{KERAS}.legacy_version"),
            remedy="pip install tf-keras",
        )


def backend_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Keras has a backend on both sides, and not the same."""
    change = comparison.change(f"{KERAS}.backend")
    if change and change.before and change.after:
        gone = ["facts.frameworks.tensorflow"] if change.before == "tensorflow" else []
        yield Match(
            f"Keras' backend was {change.before}, is {change.after}",
            (
                change.path,
                *comparison.under(variable("KERAS_BACKEND"), *gone),
                *trace(comparison, ("KERAS_BACKEND",)),
            ),
            change.before,
            change.after,
            remedy=f"export KERAS_BACKEND={change.before}",
        )


def floatx_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Keras has a default float type on both sides, and not the same."""
    change = comparison.change(f"{KERAS}.floatx")
    if change and change.before and change.after:
        yield Match(
            f"Keras' float type was {change.before}, is {change.after}",
            (change.path,),
            change.before,
            change.after,
            remedy=f"keras.config.set_floatx('{change.before}')",
        )


def build_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """TensorFlow is there on both sides, built for other devices."""
    change = comparison.change("facts.frameworks.tensorflow.build")
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
    span = python_for_tensorflow(numbers(tensorflow)) if tensorflow and python else None
    if span and not span[0] <= numbers(python)[:2] <= span[1]:
        low, high = (".".join(map(str, end)) for end in span)
        yield Match(
            f"TensorFlow {tensorflow} is for Python {low} to {high}, Python is {python}",
            (TENSORFLOW, PYTHON),
            after=python,
            remedy=f"Use Python {high} with TensorFlow {tensorflow}.",
        )
