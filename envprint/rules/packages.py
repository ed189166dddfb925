"""The effect of installed packages on a result, apart from the frameworks' own versions.

Most packages compute nothing: a change of theirs only appears in the report's list of changes. The
packages named here compute numbers, or decode the data that a job learns from.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint import knowledge
from envprint.core.comparison import Comparison
from envprint.core.fingerprint import DECLARED, IMPORTED, Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, for_each
from envprint.core.shell import command
from envprint.core.versions import numbers
from envprint.core.workload import Workload, always
from envprint.rules.kit.packages import (
    CONDA,
    DISTRIBUTIONS,
    is_same_release,
    needs_another_wheel,
    package_changed,
)

# Libraries that train trees on their own.
BOOSTING = ("xgboost", "xgboost-cpu", "lightgbm", "catboost")


def _version(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    return package_changed(comparison, workload, BOOSTING)


BOOSTING_RULES = (
    Rule(
        id="boosting-version-changed",
        title="A boosted-tree library's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=tuple(f"{DISTRIBUTIONS}[{name}].version" for name in BOOSTING),
        why="A different version may sum gradients in a different order or estimate its start "
        "differently; a tied split then goes the other way.",
        not_when="The job does not train with it. LightGBM 4.3 to 4.6 gave the same bits: there it "
        "is advice. XGBoost 3.0.5 to 3.2 gave the same bits for regression, two classes, ranking "
        "and DART, while several classes came out 1 to 3 % apart: a job with several classes is "
        "another run. Patch releases are listed as not judged.",
        remedy="Install the same version.",
        evidence=(
            Evidence("XGBoost 2.1.4 and 3", measured="xgboost.3"),
            Evidence("XGBoost 3.0.5 and 3.2 without several classes", measured="xgboost.3-2"),
            Evidence("LightGBM 4.3 and 4.6", measured="lightgbm.4-6"),
            Evidence(
                "XGBoost: optimisation between versions may change the last digits",
                "https://github.com/dmlc/xgboost/issues/6350",
            ),
        ),
        drift=_version,
        yields_to=("behaviour-changed",),
    ),
)

# Packages that turn files into numbers. No fingerprint shows whether the job reads images, and with
# which package.
OPENCV = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
_PILLOW = f"{DISTRIBUTIONS}[pillow].version"


def _opencv(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    return package_changed(comparison, workload, OPENCV)


def _pillow(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    change = comparison.change(_PILLOW)
    if change and change.before and change.after:
        older = min(numbers(change.before), numbers(change.after))
        if older < (9,) and not is_same_release(change.before, change.after, places=1):
            yield from package_changed(comparison, workload, ("pillow",))


DECODERS_RULES = (
    Rule(
        id="opencv-changed",
        title="OpenCV's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=tuple(f"{DISTRIBUTIONS}[{name}].version" for name in OPENCV),
        why="The wheels contain their own image decoders and resizing; when those change, pixels "
        "differ by a few steps of 255.",
        not_when="The job reads no images with OpenCV. Headless wheels from 4.5.5 to 4.13 gave "
        "the same pixels when decoding and resizing: there it is advice, though 4.12 "
        "resized float images differently and 5.0 warped differently. Patch releases are "
        "listed as not judged. Switching from Pillow to OpenCV is a separate matter: "
        "both decode alike, but Pillow smooths when it shrinks an image.",
        remedy="Install the same version of OpenCV.",
        evidence=(
            Evidence(
                "Different pixels after the decoder changed",
                "https://github.com/opencv/opencv-python/issues/65",
            ),
            Evidence("4.5.5 and 4.11", measured="opencv.4-11"),
            Evidence("4.10 and 4.13", measured="image.opencv-4-13"),
        ),
        drift=_opencv,
    ),
    Rule(
        id="pillow-decoder-changed",
        title="Pillow decodes images differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(_PILLOW,),
        why="Pillow's wheels switched to a different JPEG decoder in 9.0, libjpeg-turbo; a "
        "different decoder gives pixels that differ by a few steps of 255.",
        not_when="The job reads no JPEG with Pillow; PNG and resizing stayed the same. Wheels from "
        "9.0 to 13.0 gave the same pixels, and so did 7.2 and 8.4 here, though not for everyone.",
        remedy="Install the same version of Pillow.",
        evidence=(
            Evidence("8.4.0 and 9.0.1", measured="pillow.9-0"),
            Evidence(
                "Pillow: libjpeg-turbo in the wheels of 9.0 may give different pixels",
                "https://github.com/python-pillow/Pillow/pull/6264",
            ),
            Evidence(
                "The pixels of 8 match neither those of 7 nor those of 9",
                "https://github.com/python-pillow/Pillow/issues/9457",
            ),
        ),
        drift=_pillow,
        yields_to=("behaviour-changed",),
    ),
)


_DUPLICATES = "facts.packages.duplicates"
_EDITED = "facts.packages.edited"


def _computing(workload: Workload) -> frozenset[str]:
    """The packages that compute a result of the job."""
    listed = knowledge.entries("computing_distributions")
    return frozenset(
        entry["distribution"] for entry in listed if entry["framework"] in workload.frameworks
    )


def _duplicates(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    for name, copies in sorted((now.value(_DUPLICATES) or {}).items()):
        versions = [copy.get("version") for copy in copies]
        if len(set(versions)) > 1 and name in _computing(workload):
            others = ", ".join(str(version) for version in versions[1:])
            yield Match(
                f"{name} {versions[0]} hides {others}",
                (f"{_DUPLICATES}[{name}]",),
                after=copies,
                remedy=command("pip uninstall --yes {}", name),
                note="Repeat until no copy is left; then install it once.",
            )


def _shared(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    installed = now.value(DISTRIBUTIONS) or {}
    owners: dict[str, list[str]] = {}
    # It takes two to share a package; without them the table need not be read.
    for entry in knowledge.entries("package_owners") if len(installed) > 1 else ():
        if entry["distribution"] in installed:
            owners.setdefault(entry["package"], []).append(entry["distribution"])
    for package, names in sorted(owners.items()):
        if len(names) > 1:
            versions = [f"{name} {installed[name].get('version')}" for name in sorted(names)]
            yield Match(
                f"{' and '.join(versions)} both install {package}",
                tuple(f"{DISTRIBUTIONS}[{name}]" for name in names),
                after=versions,
                remedy=command(
                    "pip uninstall --yes " + " ".join("{}" for _ in names), *sorted(names)
                ),
            )


def _edited(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    if not now.value("facts.packages.files_verified"):
        return  # no check was requested
    for name, files in sorted((now.value(_EDITED) or {}).items()):
        if files and name in _computing(workload):
            more = f" and {len(files) - 1} more" if len(files) > 1 else ""
            yield Match(
                f"{name}: {files[0]}{more} differs from the file in the wheel",
                (f"{_EDITED}[{name}]",),
                after=files,
                remedy=command("pip install --force-reinstall --no-deps {}", name),
            )


def _builds(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    names = (comparison.before.value(DISTRIBUTIONS) or {}).keys()
    both = names & (comparison.after.value(DISTRIBUTIONS) or {}).keys()
    computing = sorted(both & _computing(workload)) if both else ()
    return for_each(computing, lambda name: _another_build(comparison, name))


def _another_build(comparison: Comparison, name: str) -> Iterator[Match]:
    change = comparison.change(f"{DISTRIBUTIONS}[{name}].build_id")
    if not change or not change.before or not change.after:
        return
    same_version = not comparison.change(f"{DISTRIBUTIONS}[{name}].version")
    if same_version and not needs_another_wheel(comparison, name):
        yield Match(
            f"{name} is a different build of the same version",
            comparison.under(f"{DISTRIBUTIONS}[{name}]", f"{CONDA}[{name}]"),
            change.before,
            change.after,
        )


_PANDAS = f"{DISTRIBUTIONS}[pandas].version"
_PANDAS_BREAKS = ((2, 2), (3,))
"""Releases that are known to give other rows or numbers."""


def _pandas(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    change = comparison.change(_PANDAS)
    if change and change.before and change.after:
        older, newer = sorted(numbers(side) for side in change[2:])
        if any(older < release <= newer for release in _PANDAS_BREAKS):
            yield from package_changed(comparison, workload, ("pandas",))


def _declared(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    sides = {"before": comparison.before, "after": comparison.after}
    declared = {name: one for name, one in sides.items() if one.captured_via.endswith(DECLARED)}
    # Two equal records say the same, whatever they are.
    if not declared or len({(one.digest, one.captured_via) for one in sides.values()}) == 1:
        return
    for one in sides.values():
        one.value(DISTRIBUTIONS)
    for name, one in declared.items():
        form = one.captured_via.removeprefix(IMPORTED).removesuffix(DECLARED)
        text = f"{name}: {form} says what is to be installed, not what is"
        yield Match(text, (DISTRIBUTIONS,))


RULES = (
    Rule(
        id="packages-declared-only",
        title="A side says what is to be installed, not what is",
        impact=Impact.NONE,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(DISTRIBUTIONS,),
        why="A lock or a list of requirements names packages for several platforms and groups. "
        "An environment made of it may lack some, have others, or have changed since.",
        not_when="The environment was just made of that file, with the same installer, platform "
        "and groups.",
        remedy="Compare with a capture of the environment, or with what `pip freeze` says of it.",
        evidence=(
            Evidence(
                "A lock file has packages with markers, extras and groups",
                "https://packaging.python.org/en/latest/specifications/pylock-toml/",
            ),
        ),
        drift=_declared,
        advice=True,
    ),
    Rule(
        id="packages-duplicate-copies",
        title="A package is installed more than once",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(_DUPLICATES,),
        why="Python imports the copy that comes first on the search path; a tool that lists "
        "packages may show a different one, and the order of the path depends on how the "
        "program starts.",
        not_when="All copies have the same version: then nothing is reported.",
        remedy="Keep one copy.",
        evidence=(
            Evidence(
                "The search path and its order",
                "https://docs.python.org/3/library/sys_path_init.html",
            ),
        ),
        state=_duplicates,
    ),
    Rule(
        id="packages-share-files",
        title="Two distributions install the same package",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(DISTRIBUTIONS,),
        why="Each overwrites files of the other, so what is imported depends on which came last, "
        "and an upgrade of one leaves a mixture of both. With tensorflow beside "
        "tensorflow-cpu, it is a matter of chance whether the GPU is used.",
        not_when="The job does not import that package.",
        remedy="Uninstall all of them, then install the one you want.",
        evidence=(
            Evidence(
                "TensorFlow installed twice, under two names",
                "https://github.com/tensorflow/tensorflow/issues/35113",
            ),
            Evidence(
                "OpenCV: install only one of its four distributions",
                "https://github.com/opencv/opencv-python#installation-and-usage",
            ),
        ),
        state=_shared,
    ),
    Rule(
        id="packages-files-edited",
        title="Files of a package were edited",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(_EDITED,),
        why="The installed code differs from the release, so its version does not show what runs.",
        not_when="The edit affects nothing that the job runs. Only --deep finds edits.",
        remedy="Reinstall the package, or install the edited one under its own version.",
        evidence=(
            Evidence(
                "RECORD lists every file of a wheel with its hash",
                ""
                "https://packaging.python.org/en/latest/specifications/recording-installed-packages/",
            ),
        ),
        state=_edited,
    ),
    Rule(
        id="packages-build-changed",
        title="A package is a different build of the same version",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=(DISTRIBUTIONS, CONDA),
        why="A different build was compiled with different options or against different "
        "libraries, and may round differently.",
        not_when="The builds differ in parts that compute nothing, or a different Python version "
        "or processor needs a different wheel. Builds without a RECORD, such as those of "
        "a distribution, cannot be told apart.",
        remedy="Install the same file from the same place on both sides.",
        evidence=(
            Evidence(
                "A different build of NumPy may give different random draws",
                "https://numpy.org/doc/stable/reference/random/compatibility.html",
            ),
        ),
        drift=_builds,
    ),
    Rule(
        id="pandas-version-changed",
        title="pandas' version differs",
        impact=Impact.DIVERGES,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=(_PANDAS,),
        why="Releases may return rows in a different order or numbers in a different unit: "
        "merge() in 2.2, equal counts and the integers of timestamps in 3.0. Samples are then "
        "drawn, split and fed differently.",
        not_when="The job prepares no data with pandas, or sorts what it gets: arithmetic, "
        "grouping and sample() with a seed gave the same bits from 2.1 to 3.0. Other releases are "
        "listed as not judged.",
        remedy="Install the same version of pandas.",
        evidence=(
            Evidence("2.1.4 and 2.2.3", measured="pandas.2-2"),
            Evidence("2.2.3 and 3.0", measured="pandas.3"),
            Evidence(
                "Its maintainers on an order that a release changed",
                "https://github.com/pandas-dev/pandas/issues/57006",
            ),
        ),
        drift=_pandas,
    ),
    *BOOSTING_RULES,
    *DECODERS_RULES,
)
