"""Rules about Keras: which package tf.keras is, its version, its backend and its float type."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Code, Command, export, in_turn
from envprint.core.versions import numbers
from envprint.core.workload import Workload, uses
from envprint.rules.kit.packages import (
    equal_for_all,
    is_same_release,
    measured_equal,
    pip_install,
    traces,
    version_path,
)
from envprint.rules.kit.settings import SWITCHES, reported, switch, trace, variable, variables_of

KERAS = "facts.frameworks.keras"
TENSORFLOW = version_path("tensorflow")
LEGACY = "TF_USE_LEGACY_KERAS"
# https://keras.io/api/utils/config_utils/#setfloatx-function
_FLOATS = ("bfloat16", "float16", "float32", "float64")


def keras_version(side: Fingerprint) -> str | None:
    """The version of the Keras behind tf.keras: tf-keras if requested, else the package keras."""
    if _asks_for_legacy(side):
        legacy: str | None = side.value(f"{KERAS}.legacy_version")
        return legacy
    version: str | None = side.value(f"{KERAS}.version")
    return version


def _asks_for_legacy(side: Fingerprint) -> bool:
    is_requested = variables_of(side).get(LEGACY, "").lower() in ("1", "true")
    # 2.15 is the first version that reads the variable.
    return is_requested and numbers(side.value(TENSORFLOW) or "") >= (2, 15)


def keras_changed(comparison: Comparison, *, major: bool) -> Iterator[Match]:
    """A different Keras behind tf.keras: a new major version, or only a new release."""
    before, after = keras_version(comparison.before), keras_version(comparison.after)
    if not before or not after or before == after:
        return
    is_equal = measured_equal("keras", before, after)
    if is_same_release(before, after, places=1) != major:
        paths = traces(comparison, "keras", "keras", "tf-keras")
        yield Match(
            f"Keras was {before}, is {after}",
            (*paths, *comparison.under(variable(LEGACY)), *trace(comparison, (LEGACY,))),
            before,
            after,
            remedy=_keras_remedy(before, after),
            was_equal=is_equal,
            # What a release changed for some jobs is `behaviour-changed`; the step is not judged.
            is_conditional=is_equal and not equal_for_all("keras", before, after),
        )


def _keras_remedy(before: str, after: str) -> str | None:
    if numbers(before) < (3,) <= numbers(after):
        return in_turn(Command("pip install tf-keras"), export(LEGACY, "1"))
    return pip_install("keras", before)


def legacy_missing(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """Keras 2 is requested but not installed."""
    if _asks_for_legacy(now) and now.value(f"{KERAS}.legacy_version") is None:
        yield Match(
            f"{LEGACY} is set, and tf-keras is not installed",
            (variable(LEGACY), f"{KERAS}.legacy_version"),
            remedy=Command("pip install tf-keras"),
        )


def backend_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Keras has different backends on the two sides."""
    before, after = _in_force(comparison, "backend")
    if before and after and before != after and _can_use_keras(comparison, workload):
        gone = ["facts.frameworks.tensorflow"] if before == "tensorflow" else []
        yield Match(
            f"Keras' backend was {before}, is {after}",
            (
                *comparison.under(f"{KERAS}.backend", variable("KERAS_BACKEND"), *gone),
                *comparison.under(f"{SWITCHES}[keras-backend]"),
            ),
            before,
            after,
            remedy=export("KERAS_BACKEND", before),
        )


def floatx_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Keras has different default float types on the two sides."""
    before, after = _in_force(comparison, "floatx")
    if before and after and before != after and _can_use_keras(comparison, workload):
        yield Match(
            f"Keras' float type was {before}, is {after}",
            comparison.under(
                f"{KERAS}.floatx",
                f"{SWITCHES}[keras-floatx]",
                # Without its own policy, a layer has the default float type.
                f"{SWITCHES}[keras-dtype-policy]",
            ),
            before,
            after,
            remedy=Code(f"keras.config.set_floatx('{before}')") if before in _FLOATS else None,
        )


def image_format_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Keras expects the channels of images at different places."""
    if _can_use_keras(comparison, workload):
        yield from _file_setting(comparison, "image_data_format", "image format")


def epsilon_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Keras divides with a different small number."""
    if _can_use_keras(comparison, workload):
        yield from _file_setting(comparison, "epsilon", "epsilon")


def _file_setting(comparison: Comparison, field: str, name: str) -> Iterator[Match]:
    path = f"{KERAS}.{field}"
    before, after = (side.value(path) for side in (comparison.before, comparison.after))
    if before is not None and after is not None and before != after:
        yield Match(f"Keras' {name} was {before}, is {after}", (path,), before, after)


def _can_use_keras(comparison: Comparison, workload: Workload) -> bool:
    """Whether Keras computes with a framework of the job on a side, as far as that is known.

    A job of TensorFlow may be one of Keras, which has the same name in options, on any backend.
    """
    if "tensorflow" in workload.frameworks:
        return True
    backends = _in_force(comparison, "backend")
    return any(one is None or one in workload.frameworks for one in backends)


def _in_force(comparison: Comparison, name: str) -> tuple[str | None, str | None]:
    """What Keras itself reports on both sides, else the values of its file and variables."""
    sides = (comparison.before, comparison.after)
    before, after = (reported(side, f"keras-{name}") for side in sides)
    if before and after:
        return before, after
    before, after = (side.value(f"{KERAS}.{name}") for side in sides)
    return before, after


RULES = (
    Rule(
        id="keras-major-changed",
        title="tf.keras is a different Keras",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(f"{KERAS}.version", f"{KERAS}.legacy_version", variable(LEGACY)),
        why="Keras 3 is a rewrite. Layers with their own random numbers, such as Dropout, take "
        "their seeds at a different point, so layers built after one start with different "
        "weights (measured: first-epoch loss 5 % apart). On a GPU it compiles with XLA by "
        "default.",
        not_when="The program does not use tf.keras. Without such layers, the initial weights "
        "were the same on a CPU.",
        remedy="Use the same major version of Keras on both sides.",
        evidence=(
            Evidence(
                "TensorFlow 2.16 comes with Keras 3",
                "https://github.com/tensorflow/tensorflow/releases/tag/v2.16.1",
            ),
            Evidence("What differs in Keras 3", "https://keras.io/guides/migrating_to_keras_3/"),
            Evidence(
                "Which Keras each TensorFlow uses",
                "https://github.com/keras-team/keras-io/blob/master/templates/getting_started/"
                "tensorflow_keras_versions.md",
            ),
        ),
        drift=lambda comparison, workload: keras_changed(comparison, major=True),
    ),
    Rule(
        id="keras-version-changed",
        title="Keras' version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=uses("tensorflow"),
        watches=(f"{KERAS}.version", f"{KERAS}.legacy_version"),
        why="A release may implement layers, initial weights or optimizers differently.",
        not_when="The parts in use are the same. Releases from 3.10 to 3.15.1 gave the same "
        "bits as each other for a network of convolutions, and so did 2.14 and 2.15: those steps "
        "are advice, or not judged where a release between them is known to differ for some jobs.",
        remedy="Install the same version of Keras.",
        evidence=(
            Evidence("The releases of Keras", "https://github.com/keras-team/keras/releases"),
            Evidence("3.10 and 3.15", measured="tf.keras-3-10"),
            Evidence("3.12 and 3.15", measured="py.py310"),
            Evidence("3.13 and 3.15", measured="tf.keras-3-13"),
            Evidence("3.13 and 3.15, with attention", measured="tf.lstm.keras-3-13"),
        ),
        drift=lambda comparison, workload: keras_changed(comparison, major=False),
    ),
    Rule(
        id="keras-legacy-missing",
        title="Keras 2 is requested and not installed",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(variable(LEGACY), f"{KERAS}.legacy_version"),
        why="With TF_USE_LEGACY_KERAS=1, tf.keras is the package tf-keras; if it is missing, the "
        "first use of tf.keras fails.",
        not_when="The program does not use tf.keras.",
        remedy=Command("pip install tf-keras"),
        evidence=(
            Evidence(
                "How to keep Keras 2",
                "https://keras.io/getting_started/#tensorflow--keras-2-backwards-compatibility",
            ),
        ),
        state=legacy_missing,
    ),
    Rule(
        id="keras-backend-changed",
        title="Keras computes with a different backend",
        impact=Impact.DIVERGES,
        confidence=Confidence.MEASURED,
        applies=uses("tensorflow", "torch", "jax"),
        watches=(f"{KERAS}.backend", switch("keras-backend")),
        why="Each backend has its own kernels and random number generators.",
        not_when="The program does not use Keras.",
        remedy="Give KERAS_BACKEND the same value on both sides.",
        evidence=(
            Evidence("tensorflow and jax", measured="bk.jax"),
            Evidence(
                "How the backend is chosen",
                "https://keras.io/getting_started/#configuring-your-backend",
            ),
        ),
        drift=backend_changed,
    ),
    Rule(
        id="keras-floatx-changed",
        title="Keras computes in a different float type",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow", "torch", "jax"),
        watches=(f"{KERAS}.floatx", switch("keras-floatx")),
        why="Weights, activations and random numbers use the default float type, so everything "
        "differs from the first step.",
        not_when="The program does not use Keras, or gives every layer an explicit type.",
        remedy="Set floatx to the same type on both sides, in keras.json or with set_floatx().",
        evidence=(
            Evidence("floatx", "https://keras.io/api/utils/config_utils/#setfloatx-function"),
        ),
        drift=floatx_changed,
    ),
    Rule(
        id="keras-image-format-changed",
        title="Keras expects the channels of images at a different place",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow", "torch", "jax"),
        watches=(f"{KERAS}.image_data_format",),
        why="A layer without data_format takes the other axis as that of the channels: its "
        "weights have other shapes, or the network cannot be built at all, as a small one with "
        "images of 28 × 28 × 1 and Keras 3.15.",
        not_when="The program does not use Keras, has no layers for images, or gives each of them "
        "data_format.",
        remedy="Set image_data_format to the same value on both sides, in keras.json.",
        evidence=(
            Evidence(
                "image_data_format",
                "https://keras.io/api/utils/config_utils/#setimagedataformat-function",
            ),
        ),
        drift=image_format_changed,
    ),
    Rule(
        id="keras-epsilon-changed",
        title="Keras divides with a different epsilon",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow", "torch", "jax"),
        watches=(f"{KERAS}.epsilon",),
        why="Losses, normalisation and some optimizers add epsilon where they would divide by "
        "zero or take the logarithm of it.",
        not_when="The program does not use Keras, or no part of it uses this default.",
        remedy="Set epsilon to the same value on both sides, in keras.json.",
        evidence=(
            Evidence("epsilon", "https://keras.io/api/utils/config_utils/#setepsilon-function"),
        ),
        drift=epsilon_changed,
    ),
)
