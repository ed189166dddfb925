"""Rules about installed packages: only those that compute or decode are worth a word."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.judging.policy.model import Policy
from tests.builders.judged import judge_drift
from tests.builders.support import drift, fingerprint, state, workload

DISTRIBUTIONS = "facts.packages.distributions"
DUPLICATES = "facts.packages.duplicates"


def copies(name: str, *versions: str) -> Fingerprint:
    listed = [{"version": v, "location": f"/lib/{i}"} for i, v in enumerate(versions)]
    return fingerprint({f"{DUPLICATES}[{name}]": listed})


def test_a_hidden_copy_of_another_version_is_a_finding() -> None:
    findings, undecided = state(
        "packages-duplicate-copies", copies("numpy", "1.26.4", "2.4.6"), ["numpy"]
    )
    assert [(f.impact, f.message, f.paths) for f in findings] == [
        (Impact.NUMERIC, "numpy 1.26.4 hides 2.4.6", (f"{DUPLICATES}[numpy]",))
    ]
    assert undecided == []


@pytest.mark.parametrize(
    "now",
    [
        copies("pip", "23", "24"),
        copies("numpy", "2.4.6", "2.4.6"),
        copies("jax", "1", "2"),
        copies("pillow", "9.5.0", "12.0.0"),
    ],
)
def test_copies_that_cannot_change_the_job_are_quiet(now: Fingerprint) -> None:
    assert state("packages-duplicate-copies", now, ["numpy"]) == ([], [])


def test_unknown_copies_are_a_doubt() -> None:
    unknown = fingerprint(unknown={DUPLICATES: "denied"})
    assert len(state("packages-duplicate-copies", unknown, ["numpy"])[1]) == 1


def verified(edited: dict[str, list[str]]) -> Fingerprint:
    return fingerprint({"facts.packages.files_verified": True, "facts.packages.edited": edited})


def test_an_edited_file_of_a_package_that_computes_is_a_finding() -> None:
    now = verified({"torch": ["torch/nn/init.py", "torch/x.py"], "pip": ["pip/a.py"]})
    findings, undecided = state("packages-files-edited", now, ["torch"])
    assert [(f.message, f.remedy) for f in findings] == [
        (
            "torch: torch/nn/init.py and 1 more differs from the file in the wheel",
            "pip install --force-reinstall --no-deps torch",
        )
    ]
    assert undecided == []
    assert state("packages-files-edited", verified({}), ["torch"]) == ([], [])


def test_files_that_nobody_asked_to_verify_are_no_doubt() -> None:
    lost = {"facts.packages.edited": "needs --deep"}
    quick = fingerprint({"facts.packages.files_verified": False}, lost)
    assert state("packages-files-edited", quick, ["torch"]) == ([], [])
    deep = fingerprint({"facts.packages.files_verified": True}, lost)
    assert len(state("packages-files-edited", deep, ["torch"])[1]) == 1


def packages(**installed: Any) -> Fingerprint:
    names = {name.replace("_", "-"): value for name, value in installed.items()}
    return fingerprint({f"{DISTRIBUTIONS}[{name}]": value for name, value in names.items()})


def build(version: str, build_id: str | None) -> dict[str, str | None]:
    return {"version": version, "build_id": build_id}


def test_another_build_of_the_same_version_is_numeric() -> None:
    before = packages(numpy=build("2.4.6", "a"), pip=build("24", "a"))
    after = packages(numpy=build("2.4.6", "b"), pip=build("24", "b"))
    findings, undecided = drift("packages-build-changed", before, after, ["numpy"])
    assert [(f.impact, f.message, f.paths) for f in findings] == [
        (
            Impact.NUMERIC,
            "numpy is a different build of the same version",
            (f"{DISTRIBUTIONS}[numpy].build_id",),
        )
    ]
    assert undecided == []
    assert drift("packages-build-changed", before, after, ["torch"]) == ([], [])


@pytest.mark.parametrize("after", [build("2.3.5", "b"), build("2.4.6", None), None])
def test_another_version_or_no_record_is_not_another_build(after: Any) -> None:
    before = packages(numpy=build("2.4.6", "a"))
    assert drift("packages-build-changed", before, packages(numpy=after), ["numpy"]) == ([], [])


def test_a_build_that_cannot_be_told_does_not_hide_another() -> None:
    lost = {f"{DISTRIBUTIONS}[numpy].build_id": "denied"}
    values = {f"{DISTRIBUTIONS}[numpy]": {"version": "2.4.6"}}
    before, after = (
        fingerprint({**values, f"{DISTRIBUTIONS}[scipy]": build("1.17.1", b)}, lost) for b in "ab"
    )
    findings, undecided = drift("packages-build-changed", before, after, ["numpy"])
    assert [f.message for f in findings] == ["scipy is a different build of the same version"]
    assert [d.reason for d in undecided] == ["denied"]


def test_another_opencv_may_decode_differently() -> None:
    before = packages(opencv_python={"version": "3.3.0.10"})
    after = packages(opencv_python={"version": "3.4.0.12"})
    findings, undecided = drift("opencv-changed", before, after)
    assert [(f.impact, f.message, f.remedy) for f in findings] == [
        (
            Impact.NUMERIC,
            "opencv-python was 3.3.0.10, is 3.4.0.12",
            "pip install opencv-python==3.3.0.10",
        )
    ]
    assert undecided == []
    patch = packages(opencv_python={"version": "3.3.0.11"})
    assert drift("opencv-changed", before, patch) == ([], [])
    assert drift("opencv-changed", packages(), before) == ([], [])
    unknown = fingerprint(unknown={DISTRIBUTIONS: "denied"})
    assert len(drift("opencv-changed", before, unknown)[1]) == 1


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("8.4.0", "9.1.0", 1),
        ("9.1.0", "8.4.0", 1),
        ("7.2.0", "8.4.0", 1),
        ("8.2.0", "8.4.0", 0),
        ("9.1.0", "10.4.0", 0),
        ("9.5.0", "12.0.0", 0),
    ],
)
def test_pillows_decoder_changed_with_major_versions_up_to_9(
    before: str, after: str, said: int
) -> None:
    sides = (packages(pillow={"version": v}) for v in (before, after))
    findings, undecided = drift("pillow-decoder-changed", *sides)
    assert (len(findings), undecided) == (said, [])


def test_an_unknown_pillow_is_a_doubt() -> None:
    unknown = fingerprint(unknown={DISTRIBUTIONS: "denied"})
    assert len(drift("pillow-decoder-changed", packages(), unknown)[1]) == 1


def test_other_pictures_are_findings_whatever_the_job() -> None:
    before = packages(pillow={"version": "8.4.0"}, opencv_python={"version": "4.8.1"})
    after = packages(pillow={"version": "9.1.0"}, opencv_python={"version": "5.0.0"})
    report = judge_drift(before, after, workload(["tensorflow", "torch"]), Policy())
    assert [f.rule for f in report.findings] == ["opencv-changed", "pillow-decoder-changed"]
    assert report.advice == ()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("xgboost", "3.4.1", "3.5.0"),
        ("xgboost_cpu", "2.1.4", "3.0"),
        ("lightgbm", "3.1.0", "3.2.0"),
        ("catboost", "1.1", "1.2"),
    ],
)
def test_another_version_of_a_library_for_trees_is_numeric(name: str, old: str, new: str) -> None:
    rule, shown = "boosting-version-changed", name.replace("_", "-")
    before, after = packages(**{name: {"version": old}}), packages(**{name: {"version": new}})
    advice, undecided = drift(rule, before, after)
    assert [(a.impact, a.message, a.paths, a.remedy) for a in advice] == [
        (
            Impact.NUMERIC,
            f"{shown} was {old}, is {new}",
            (f"{DISTRIBUTIONS}[{shown}].version",),
            f"pip install {shown}=={old}",
        )
    ]
    assert undecided == []
    assert drift(rule, before, packages(**{name: {"version": f"{old}.9"}})) == ([], [])
    assert drift(rule, packages(), after) == ([], [])
    unknown = fingerprint(unknown={DISTRIBUTIONS: "denied"})
    assert [d.reason for d in drift(rule, before, unknown)[1]] == ["denied"]


@pytest.mark.parametrize(
    ("path", "values", "said"),
    [
        ("facts.python.version", ("3.10.13", "3.11.7"), 0),
        ("facts.python.version", ("3.11.2", "3.11.7"), 1),
        ("facts.cpu.architecture", ("x86_64", "aarch64"), 0),
    ],
)
def test_a_wheel_that_python_or_the_processor_asks_for_is_no_other_build(
    path: str, values: tuple[str, str], said: int
) -> None:
    before, after = (
        fingerprint(
            {
                path: value,
                f"{DISTRIBUTIONS}[numpy]": {**build("2.4.6", value), "tags": [f"cp-{value}"]},
            }
        )
        for value in values
    )
    findings, undecided = drift("packages-build-changed", before, after, ["numpy"])
    assert (len(findings), undecided) == (said, [])


def test_a_pandas_that_gives_other_rows_is_another_run() -> None:
    rule, path = "pandas-version-changed", f"{DISTRIBUTIONS}[pandas].version"
    before, after = packages(pandas={"version": "2.1.4"}), packages(pandas={"version": "2.2.3"})
    advice, undecided = drift(rule, before, after)
    assert [(a.impact, a.message, a.paths, a.remedy) for a in advice] == [
        (Impact.DIVERGES, "pandas was 2.1.4, is 2.2.3", (path,), "pip install pandas==2.1.4")
    ]
    assert undecided == []
    assert drift(rule, before, packages(pandas={"version": "2.1.9"})) == ([], [])
    assert drift(rule, packages(), after) == ([], [])
    unknown = fingerprint(unknown={DISTRIBUTIONS: "denied"})
    assert [d.reason for d in drift(rule, before, unknown)[1]] == ["denied"]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("tensorflow", "tensorflow-cpu"), "both install tensorflow"),
        (("opencv-python", "opencv-python-headless"), "both install cv2"),
        (("pillow", "pillow-simd"), "both install PIL"),
    ],
)
def test_two_distributions_of_one_package_are_found_together(
    names: tuple[str, str], text: str
) -> None:
    rule = "packages-share-files"
    both = fingerprint({f"facts.packages.distributions[{name}].version": "1" for name in names})
    ((finding,), undecided) = state(rule, both)
    assert (finding.impact, undecided) == (Impact.NUMERIC, [])
    assert finding.message.endswith(text)
    assert finding.remedy == f"pip uninstall --yes {' '.join(names)}"
    for name in names:
        alone = fingerprint({f"facts.packages.distributions[{name}].version": "1"})
        assert state(rule, alone) == ([], [])


def test_what_is_to_be_installed_is_not_what_is() -> None:
    rule = "packages-declared-only"
    installed = fingerprint({f"{DISTRIBUTIONS}[numpy].version": "2.4.6"})
    declared = installed._replace(captured_via="import:uv-lock (declared)")
    ((finding,), undecided) = drift(rule, declared, installed)
    assert (finding.impact, finding.advice, undecided) == (Impact.NONE, True, [])
    assert finding.message == "before: uv-lock says what is to be installed, not what is"
    assert [one.message[:6] for one in drift(rule, installed, declared)[0]] == ["after:"]
    assert drift(rule, declared, declared) == ([], [])
    assert drift(rule, installed, installed) == ([], [])
    listed = installed._replace(captured_via="import:pip-freeze")
    assert drift(rule, listed, installed) == ([], [])
    unknown = fingerprint(unknown={DISTRIBUTIONS: "denied"})
    both = unknown._replace(captured_via=declared.captured_via), installed
    assert len(drift(rule, *both)[1]) == 1


def test_packages_that_cannot_be_listed_may_share_files() -> None:
    unknown = fingerprint(unknown={"facts.packages.distributions": "denied"})
    assert len(state("packages-share-files", unknown)[1]) == 1
