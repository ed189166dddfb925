"""Rules about NumPy, SciPy and scikit-learn; part of the section `frameworks`."""

from __future__ import annotations

from collections.abc import Iterator

from envprint import knowledge
from envprint.core.comparison import Comparison
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.versions import numbers
from envprint.core.workload import Workload, uses
from envprint.rules.kit.packages import version_changed, version_path


def changed_models(before: str, after: str) -> tuple[str, ...]:
    """The models that a release after the older and up to the newer version fits differently.

    The lists are from the release notes, which state that they are incomplete.
    """
    names = [
        name
        for entry in _between("scikit_learn_changes", before, after)
        for name in entry["models"]
    ]
    return tuple(dict.fromkeys(names))


def moves_far(before: str, after: str) -> bool:
    """Whether a release between the two gave clearly different results in many models."""
    return any(entry["far"] for entry in _between("scikit_learn_changes", before, after))


def _between(table: str, before: str, after: str) -> list[knowledge.Entry]:
    """The entries of the releases after the older and up to the newer version."""
    older, newer = sorted((numbers(before)[:2], numbers(after)[:2]))
    if not older:
        return []  # not a version that can be ordered
    listed = knowledge.entries(table)
    return [entry for entry in listed if older < numbers(entry["release"]) <= newer]


_another_scikit_learn = version_changed(
    "scikit-learn", "scikit-learn", "scikit-learn", with_blas=True
)


def _scikit_learn(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    for match in _another_scikit_learn(comparison, workload):
        models = changed_models(match.before, match.after)
        text = f": clearly different models from {', '.join(models)}" if models else ""
        impact = Impact.DIVERGES if moves_far(match.before, match.after) else Impact.NUMERIC
        yield match._replace(message=match.message + text, impact=impact)


def _generator(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change(version_path("numpy"))
    if not change or not change.before or not change.after:
        return
    for entry in _between("numpy_generator_changes", change.before, change.after):
        with_what = f" {entry['note']}" if "note" in entry else ""
        names = ", ".join(f"{name}()" for name in entry["methods"])
        yield Match(
            f"NumPy {entry['release']} changed what {names} of a Generator draws{with_what}",
            (version_path("numpy"),),
            change.before,
            change.after,
            about=entry["release"],
        )


RULES = (
    Rule(
        id="numpy-generator-changed",
        title="A release of NumPy between the two changed random streams",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("numpy", "scikit-learn"),
        watches=(version_path("numpy"),),
        why="NumPy may change the stream of a method of Generator at a minor release, and names it "
        "in the release notes: the same seed then gives different numbers.",
        not_when="The program draws with np.random.seed and RandomState, whose streams are frozen, "
        "or with other methods or arguments than those named.",
        remedy="Install the same version of NumPy, or draw with numpy.random.RandomState.",
        evidence=(
            Evidence(
                "What NumPy promises of random streams",
                "https://numpy.org/neps/nep-0019-rng-policy.html",
            ),
            Evidence(
                "The stream of geometric() and rayleigh() is another one since 1.21",
                "https://numpy.org/doc/stable/release/1.21.0-notes.html",
            ),
            Evidence(
                "The samples of binomial() and multinomial() are other ones since 2.5",
                "https://numpy.org/doc/stable/release/2.5.0-notes.html",
            ),
        ),
        drift=_generator,
    ),
    Rule(
        id="numpy-version-changed",
        title="NumPy's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("numpy", "scikit-learn"),
        watches=("facts.frameworks.numpy.version", "facts.frameworks.numpy.blas"),
        why="A different version has different loops for exp, sums and sorting, and usually a "
        "different OpenBLAS; both round differently. Distributions of random Generators may "
        "change in minor releases.",
        not_when="The functions in use did not change. NumPy's policy keeps streams of "
        "np.random.seed and RandomState unchanged, rounding aside. From 1.23 to 2.4 the "
        "methods of Generator also drew the same, except dirichlet() with small "
        "parameters (by 2.2), wald() (by 2.3) and the last bits of "
        "multivariate_normal(). A patch with the same OpenBLAS is treated as affecting "
        "speed only, as 2.4.4 and 2.4.6 showed. Frameworks with their own kernels use "
        "NumPy only to prepare data.",
        remedy="Install the same version of NumPy.",
        evidence=(
            Evidence("2.3.5 and 2.4.6", measured="np.v2_3_5"),
            Evidence("1.26.4 and 2.4.6", measured="np.v1_26_4"),
            Evidence("A patch release", measured="numpy.2-4-patch"),
            Evidence(
                "What NumPy promises about random streams",
                "https://numpy.org/neps/nep-0019-rng-policy.html",
            ),
        ),
        drift=version_changed("NumPy", "numpy", "numpy", patch=Impact.PERF, with_blas=True),
        probed=True,
    ),
    Rule(
        id="scipy-version-changed",
        title="SciPy's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("numpy", "scikit-learn"),
        watches=("facts.frameworks.scipy.version", "facts.frameworks.scipy.blas"),
        why="SciPy's wheels contain their own OpenBLAS, and its algorithms change between "
        "releases. Versions 1.10, 1.13, 1.15 and 1.17 each differed from the one before in "
        "some decompositions, eigenvalues of sparse matrices and optimisers. A changed "
        "optimiser may end somewhere else: differential_evolution() up to 1.15, COBYLA in "
        "1.17.",
        not_when="The job imports neither SciPy nor scikit-learn, or calls only what did not "
        "change: FFT, distances and nearly all random draws gave the same bits. A patch "
        "release with the same OpenBLAS is treated as affecting speed only, as 1.17.0 "
        "and 1.17.1 showed.",
        remedy="Install the same version of SciPy.",
        evidence=(
            Evidence(
                "scikit-learn: Ridge differs slightly because a solver of SciPy 1.12 changed",
                "https://scikit-learn.org/stable/whats_new/v1.4.html",
            ),
            Evidence("1.13 and 1.15", measured="scipy.1-15"),
            Evidence("A patch release", measured="scipy.patch"),
            Evidence(
                "The BLAS that SciPy is built with",
                "https://docs.scipy.org/doc/scipy/building/blas_lapack.html",
            ),
        ),
        drift=version_changed("SciPy", "scipy", "scipy", patch=Impact.PERF, with_blas=True),
    ),
    Rule(
        id="scikit-learn-version-changed",
        title="scikit-learn's version differs",
        impact=Impact.DIVERGES,
        confidence=Confidence.MEASURED,
        applies=uses("scikit-learn"),
        watches=("facts.frameworks.scikit_learn.version",),
        why="Each release lists models that give different results with the same data and "
        "parameters, and changes defaults. For the models that are named, the difference is "
        "more than rounding: k-means with one start instead of ten finds different groups. "
        "Across 1.3, 1.4 and 1.5, the median of the changed results moved by more than 1 %; "
        "across 1.6 to 1.9, by rounding.",
        not_when="The estimators in use did not change: forests, decision trees, nearest "
        "neighbours, SVC, Ridge, scaling and all splits gave the same bits from 1.2 to "
        "1.9 with the same NumPy and SciPy.",
        remedy="Install the same version of scikit-learn.",
        evidence=(
            Evidence("1.5.2 and 1.9.1", measured="np.sk152"),
            Evidence("1.3.2 and 1.4.2, models of many kinds", measured="sklearn.1-4"),
            Evidence(
                "Changed models in each release", "https://scikit-learn.org/stable/whats_new.html"
            ),
            Evidence(
                "KMeans starts once by default since 1.4, and its result differs",
                "https://github.com/scikit-learn/scikit-learn/discussions/25016",
            ),
        ),
        drift=_scikit_learn,
    ),
)
