"""Rules about NumPy, SciPy and scikit-learn; part of the section `frameworks`."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.model import Confidence, Fingerprint, Impact, Workload
from envprint.rule import Evidence, Match, Rule
from envprint.rules._compat import NUMPY_2
from envprint.rules._packages import version_changed, version_path
from envprint.versions import numbers
from envprint.workload import always, uses


def _numpy_2(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    numpy = now.value(version_path("numpy"))
    if not numpy or numbers(numpy) < (2,):
        return
    for package, first in NUMPY_2.items():
        if package != "scipy" and package not in workload.frameworks:
            continue
        version = now.value(version_path(package))
        if version and numbers(version) < first:
            yield Match(
                f"{package} {version} is built for NumPy 1, NumPy is {numpy}",
                (version_path(package), version_path("numpy")),
                after=version,
                remedy="pip install 'numpy<2'",
            )


RULES = (
    Rule(
        id="numpy-version-changed",
        title="NumPy's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("numpy", "scikit-learn"),
        watches=("facts.frameworks.numpy.version", "facts.frameworks.numpy.blas"),
        why="Another version brings other loops for exp, sums and sorting, and mostly another "
        "OpenBLAS; both round differently. Distributions of random Generators may change at minor "
        "releases.",
        not_when="The functions in use did not change. Streams of np.random.seed and RandomState "
        "stay as they are by NumPy's policy, round-off aside. Frameworks with kernels of their "
        "own use NumPy to prepare data only.",
        remedy="Install the same version of NumPy.",
        evidence=(
            Evidence("2.3.5 and 2.4.6", measured="np.v2_3_5"),
            Evidence("1.26.4 and 2.4.6", measured="np.v1_26_4"),
            Evidence(
                "What NumPy promises of random streams",
                "https://numpy.org/neps/nep-0019-rng-policy.html",
            ),
        ),
        drift=version_changed("NumPy", "numpy", "numpy", with_blas=True),
    ),
    Rule(
        id="scipy-version-changed",
        title="SciPy's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=uses("numpy", "scikit-learn"),
        watches=("facts.frameworks.scipy.version", "facts.frameworks.scipy.blas"),
        why="SciPy's wheels bring an OpenBLAS of their own, and its algorithms change between "
        "releases.",
        not_when="The job does not import SciPy, scikit-learn included.",
        remedy="Install the same version of SciPy.",
        evidence=(
            Evidence(
                "The BLAS that SciPy is built with",
                "https://docs.scipy.org/doc/scipy/building/blas_lapack.html",
            ),
        ),
        drift=version_changed("SciPy", "scipy", "scipy", with_blas=True),
    ),
    Rule(
        id="scikit-learn-version-changed",
        title="scikit-learn's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("scikit-learn"),
        watches=("facts.frameworks.scikit_learn.version",),
        why="Each release lists models that give other results with the same data and parameters; "
        "defaults change as well.",
        not_when="The estimators in use are not among the changed ones. Splits by "
        "train_test_split and StratifiedKFold were equal between 1.3 and 1.9.",
        remedy="Install the same version of scikit-learn.",
        evidence=(
            Evidence("1.5.2 and 1.9.1", measured="np.sk152"),
            Evidence(
                "Changed models in each release", "https://scikit-learn.org/stable/whats_new.html"
            ),
        ),
        drift=version_changed("scikit-learn", "scikit-learn", "scikit-learn", with_blas=True),
    ),
    Rule(
        id="numpy-2-unsupported",
        title="A package was built for NumPy 1, and NumPy 2 is installed",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=tuple(version_path(name) for name in ("numpy", *NUMPY_2)),
        why="An extension that was compiled with NumPy 1 does not run with NumPy 2: the import "
        "fails, or arrays cannot be handed over.",
        not_when="The package was rebuilt from source with NumPy 2.",
        remedy="pip install 'numpy<2', or a newer version of the package.",
        evidence=(
            Evidence(
                "The binary interface of NumPy 2",
                "https://numpy.org/doc/stable/dev/depending_on_numpy.html",
            ),
            Evidence(
                "Which packages work with NumPy 2, and since when",
                "https://github.com/numpy/numpy/issues/26191",
            ),
            Evidence(
                "PyTorch 2.3 is the first that does",
                "https://github.com/pytorch/pytorch/issues/132179",
            ),
            Evidence(
                "TensorFlow 2.18 is compiled with NumPy 2",
                "https://github.com/tensorflow/tensorflow/releases/tag/v2.18.0",
            ),
        ),
        state=_numpy_2,
    ),
)
