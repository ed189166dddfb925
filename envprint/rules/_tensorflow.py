"""Rules about TensorFlow and Keras; part of the section `frameworks`."""

from __future__ import annotations

from envprint.model import Confidence, Impact
from envprint.rule import Evidence, Rule
from envprint.rules import _keras
from envprint.rules._dials import variable
from envprint.rules._keras import KERAS, LEGACY, NAMES, PYTHON, TENSORFLOW
from envprint.rules._packages import version_changed
from envprint.workload import on_gpu, uses

RULES = (
    Rule(
        id="tensorflow-version-changed",
        title="TensorFlow's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(TENSORFLOW,),
        why="TensorFlow may change numerical details and random numbers at any release. "
        "Measured on a CPU: 2.17 and 2.20 gave the bits of 2.21, 2.16 rounded differently.",
        not_when="The operations in use did not change. A patch release is taken for another speed "
        "only, though nothing is promised. With another major version of Keras the run is another "
        "one altogether, which a rule of its own says.",
        remedy="Install the same version of TensorFlow.",
        evidence=(
            Evidence(
                "What TensorFlow keeps compatible, and what not",
                "https://www.tensorflow.org/guide/versions",
            ),
            Evidence(
                "A maintainer: the same seed need not give the same numbers in another version",
                "https://github.com/keras-team/keras/issues/15899",
            ),
            Evidence("2.16.1 and 2.21.0", measured="pk.tf216"),
            Evidence("2.17.0 and 2.21.0, the same bits", measured="pk.tf217"),
        ),
        drift=version_changed("TensorFlow", "tensorflow", *NAMES, patch=Impact.PERF),
    ),
    Rule(
        id="tensorflow-build-changed",
        title="TensorFlow is built for another kind of device",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & on_gpu,
        watches=("facts.frameworks.tensorflow.build", "facts.frameworks.tensorflow.distribution"),
        why="A build without support for the GPU computes on the CPU: other kernels, and random "
        "operations whose algorithm depends on the device.",
        not_when="The program runs on the CPU anyway; there both builds gave the same bits.",
        remedy="Install the same build again.",
        evidence=(
            Evidence(
                "Random numbers may depend on the device",
                "https://www.tensorflow.org/guide/random_numbers",
            ),
            Evidence("The same bits on a CPU", measured="pk.tffull"),
        ),
        drift=_keras.build_changed,
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
        not_when="It was built from source for this Python. Versions newer than the table are not "
        "judged.",
        remedy="Use a version of Python from the range.",
        evidence=(
            Evidence(
                "Tested build configurations",
                "https://www.tensorflow.org/install/source#tested_build_configurations",
            ),
        ),
        state=_keras.python_unsupported,
    ),
    Rule(
        id="keras-major-changed",
        title="tf.keras is another Keras",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(f"{KERAS}.version", f"{KERAS}.legacy_version", variable(LEGACY)),
        why="Keras 3 is a rewrite. Layers with random numbers of their own, such as Dropout, take "
        "their seeds at another point, so that what is built after one starts with other weights "
        "(measured: first-epoch loss 5 % apart); on a GPU it compiles with XLA by default.",
        not_when="The program uses tf.keras nowhere. Without such layers the initial weights were "
        "the same on a CPU.",
        remedy="Use the same major version of Keras on both sides.",
        evidence=(
            Evidence(
                "TensorFlow 2.16 brings Keras 3",
                "https://github.com/tensorflow/tensorflow/releases/tag/v2.16.1",
            ),
            Evidence("What differs in Keras 3", "https://keras.io/guides/migrating_to_keras_3/"),
            Evidence(
                "Which Keras each TensorFlow takes",
                "https://github.com/keras-team/keras-io/blob/master/templates/getting_started/"
                "tensorflow_keras_versions.md",
            ),
        ),
        drift=lambda comparison, workload: _keras.keras_changed(comparison, major=True),
    ),
    Rule(
        id="keras-version-changed",
        title="Keras' version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=uses("tensorflow"),
        watches=(f"{KERAS}.version", f"{KERAS}.legacy_version"),
        why="Layers, initial weights or optimizers may be written differently in another release.",
        not_when="The parts in use are the same: 3.12 and 3.15 gave the same bits.",
        remedy="Install the same version of Keras.",
        evidence=(
            Evidence("The releases of Keras", "https://github.com/keras-team/keras/releases"),
            Evidence("3.12 and 3.15", measured="py.py310"),
        ),
        drift=lambda comparison, workload: _keras.keras_changed(comparison, major=False),
        advice=True,
    ),
    Rule(
        id="keras-legacy-missing",
        title="Keras 2 is asked for and not installed",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(variable(LEGACY), f"{KERAS}.legacy_version"),
        why="With TF_USE_LEGACY_KERAS=1 tf.keras is the package tf-keras; without it the first "
        "use of tf.keras fails.",
        not_when="The program uses tf.keras nowhere.",
        remedy="pip install tf-keras",
        evidence=(
            Evidence(
                "How to keep Keras 2",
                "https://keras.io/getting_started/#tensorflow--keras-2-backwards-compatibility",
            ),
        ),
        state=_keras.legacy_missing,
    ),
    Rule(
        id="keras-backend-changed",
        title="Keras computes with another backend",
        impact=Impact.DIVERGES,
        confidence=Confidence.MEASURED,
        applies=uses("tensorflow", "torch", "jax"),
        watches=(f"{KERAS}.backend",),
        why="Each backend has kernels and random number generators of its own.",
        not_when="The program does not use Keras.",
        remedy="Give KERAS_BACKEND the same value on both sides.",
        evidence=(
            Evidence("tensorflow and jax", measured="bk.jax"),
            Evidence(
                "How the backend is chosen",
                "https://keras.io/getting_started/#configuring-your-backend",
            ),
        ),
        drift=_keras.backend_changed,
    ),
    Rule(
        id="keras-floatx-changed",
        title="Keras computes in another float type",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow", "torch", "jax"),
        watches=(f"{KERAS}.floatx",),
        why="Weights, activations and random numbers have the default float type, so everything "
        "differs from the first step.",
        not_when="The program does not use Keras, or gives every layer a type itself.",
        remedy="Set floatx in keras.json to the same type on both sides.",
        evidence=(
            Evidence("floatx", "https://keras.io/api/utils/config_utils/#setfloatx-function"),
        ),
        drift=_keras.floatx_changed,
    ),
)
