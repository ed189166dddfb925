"""Rules about TensorFlow's versions and builds; part of the section `frameworks`."""

from __future__ import annotations

from envprint.model import Confidence, Impact
from envprint.rule import Evidence, Rule
from envprint.rules import _keras
from envprint.rules import _tensorflow_checks as checks
from envprint.rules._devices import DEVICES
from envprint.rules._packages import version_changed
from envprint.rules._tensorflow_checks import NAMES, PYTHON, TENSORFLOW
from envprint.workload import machine, on_gpu, uses

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
        why="TensorFlow may change numerical details and random numbers at any release. Measured "
        "on a CPU, operation by operation, from 2.6 to 2.21: most minor releases round something "
        "in another way than the one before (2.7, 2.10 and 2.18 nothing); 2.9 turns oneDNN on by "
        "itself, 2.11 brings other Keras optimizers; the random numbers of tf.random stayed the "
        "same.",
        not_when="The operations in use did not change: a small network gave the same bits with "
        "2.17, 2.20 and 2.21. A patch release is taken for another speed only, as with 2.16.1 and "
        "2.16.2, though nothing is promised. Other initial weights, and another major version of "
        "TensorFlow or Keras, have rules of their own.",
        remedy="Install the same version of TensorFlow.",
        evidence=(
            Evidence(
                "What TensorFlow keeps compatible, and what not",
                "https://www.tensorflow.org/guide/versions",
            ),
            Evidence("2.16.1 and 2.21.0", measured="pk.tf216"),
            Evidence("2.17.0 and 2.21.0, the same bits", measured="pk.tf217"),
            Evidence("A patch release, the same bits", measured="tf.2-16-patch"),
        ),
        drift=version_changed("TensorFlow", "tensorflow", *NAMES, patch=Impact.PERF),
        yields_to=("tensorflow-major-changed", "tensorflow-initializers-changed"),
        probed=True,
    ),
    Rule(
        id="tensorflow-major-changed",
        title="TensorFlow has another major version",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(TENSORFLOW,),
        why="TensorFlow 2 has another interface than 1: sessions, placeholders, "
        "tf.set_random_seed and tf.contrib are gone or stand in tf.compat.v1, operations run at "
        "once, and optimizers have other learning rates by default.",
        not_when="The program uses what both have, or only tf.compat.v1.",
        remedy="Install the same major version of TensorFlow.",
        evidence=(
            Evidence(
                "How the two differ, in behaviour and names",
                "https://www.tensorflow.org/guide/migrate/tf1_vs_tf2",
            ),
        ),
        drift=checks.major_changed,
    ),
    Rule(
        id="tensorflow-initializers-changed",
        title="Keras draws initial weights in another way",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(TENSORFLOW,),
        why="From 2.10 on Keras' initializers draw without a state, and one without a seed takes "
        "its own from Python's generator, so that tf.random.set_seed() alone does not fix it any "
        "more. The same seeds give other initial weights (measured with 2.9 and 2.10: every "
        "weight, and the layers that augment images).",
        not_when="The weights are loaded, or not made by Keras' initializers.",
        remedy="Install the same version of TensorFlow; from 2.10 on seed with "
        "tf.keras.utils.set_random_seed().",
        evidence=(
            Evidence(
                "Release notes of 2.10",
                "https://github.com/tensorflow/tensorflow/releases/tag/v2.10.0",
            ),
            Evidence(
                "Other weights in 2.10, and how to repeat them",
                "https://github.com/keras-team/keras/issues/17007",
            ),
            Evidence("2.9.3 and 2.10.1", measured="tf.2-9"),
        ),
        drift=checks.initializers_changed,
        yields_to=("keras-major-changed",),
    ),
    Rule(
        id="tensorflow-seeded-initializers-changed",
        title="Initializers with a seed of their own draw other weights",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow"),
        watches=(TENSORFLOW,),
        why="From 2.7 on an initializer that is made with a seed draws other numbers from it, and "
        "goes on to further ones with each call.",
        not_when="No initializer is given a seed, as in most programs: then the initial weights "
        "of 2.6 and 2.7 were the same.",
        remedy="Install the same version of TensorFlow.",
        evidence=(
            Evidence(
                "Release notes of 2.7",
                "https://github.com/tensorflow/tensorflow/releases/tag/v2.7.0",
            ),
            Evidence(
                "Other numbers in 2.7 from the same seed, and a maintainer's answer",
                "https://github.com/keras-team/keras/issues/15899",
            ),
        ),
        drift=checks.seeded_initializers_changed,
        advice=True,
        yields_to=("tensorflow-initializers-changed", "keras-major-changed"),
    ),
    Rule(
        id="tensorflow-build-changed",
        title="TensorFlow is built for another kind of device",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & on_gpu,
        watches=(checks.BUILD, "facts.frameworks.tensorflow.distribution"),
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
        drift=checks.build_changed,
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
        evidence=(_TESTED,),
        state=checks.python_unsupported,
    ),
    Rule(
        id="tensorflow-avx-missing",
        title="This processor lacks instructions that TensorFlow needs",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & machine("x86_64"),
        watches=(checks.FLAGS, TENSORFLOW),
        why="From 1.6 on the official wheels are compiled for processors with AVX; on another one "
        "the program ends with an illegal instruction.",
        not_when="TensorFlow was built for this processor, as by a distribution or from source.",
        remedy="Use a processor (or a virtual machine's CPU model) with AVX.",
        evidence=(_INSTALL,),
        state=checks.avx_missing,
    ),
    Rule(
        id="tensorflow-cuda-of-another-major",
        title="TensorFlow finds no CUDA of its major version",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & on_gpu,
        watches=(TENSORFLOW, checks.BUILD, checks.BUILT_WITH, checks.RUNTIME),
        why="TensorFlow asks the loader for CUDA's libraries by the major version that it was "
        "built with. Where one is missing it leaves the GPUs out, says so in its log only, and "
        "computes on the CPU.",
        not_when="The right libraries lie where envprint does not look. Another minor version of "
        "the same major one is no fault.",
        remedy="Install the CUDA that this TensorFlow was built with.",
        evidence=(
            _TESTED,
            Evidence(
                "What TensorFlow does where it cannot load some of the libraries",
                "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/"
                "common_runtime/gpu/gpu_device.cc",
            ),
        ),
        state=checks.cuda_of_another_major,
    ),
    Rule(
        id="tensorflow-shuffle-not-repeatable",
        title="This TensorFlow may shuffle differently in each run",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow") & on_gpu,
        watches=(TENSORFLOW, DEVICES),
        why="Before 2.3, a data set that is shuffled anew for each epoch does not repeat its order "
        "under MirroredStrategy, whatever the seed.",
        not_when="The job uses one GPU, no strategy of tf.distribute, or "
        "shuffle(reshuffle_each_iteration=False).",
        remedy="pip install 'tensorflow>=2.3'",
        evidence=(
            Evidence("The report", "https://github.com/tensorflow/tensorflow/issues/38197"),
            Evidence(
                "The fault, and the version that appears to mend it",
                "https://github.com/NVIDIA/framework-reproducibility/blob/master/doc/d9m/"
                "tensorflow.md",
            ),
        ),
        state=checks.shuffle_varies,
        advice=True,
    ),
    *_keras.RULES,
)
