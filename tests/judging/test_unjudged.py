"""A change of what takes part in training and that nobody has judged is said to be so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from envprint import knowledge
from envprint.core.fingerprint import REQUESTED, Fingerprint
from envprint.core.impact import Impact
from envprint.core.report import HIDDEN_VALUE, NOT_JUDGED, Report
from envprint.core.workload import Workload
from envprint.judging.policy.model import Accept, Entry, Policy
from envprint.judging.policy.parse import parse_policy
from envprint.outputs.formats import ALL, View, text
from envprint.outputs.formats import json as json_format
from envprint.rules import catalogue
from envprint.rules.kit.packages import DISTRIBUTIONS
from tests.builders.judged import judge_drift, judge_state
from tests.builders.support import fingerprint, workload

PLACE = "facts.packages.distributions"
EVERY_FRAMEWORK = ("jax", "numpy", "scikit-learn", "tensorflow", "torch")
Packages = Mapping[str, str | dict[str, Any]]


def side(packages: Packages, unknown: Mapping[str, str] | None = None) -> Fingerprint:
    """A machine with these packages: each with a version, or with several fields."""
    fields = {
        f"{PLACE}[{name}]": {"version": value} if isinstance(value, str) else value
        for name, value in packages.items()
    }
    return fingerprint({f"{PLACE}": {}, **fields}, unknown)


def diff(
    before: Packages,
    after: Packages,
    frameworks: tuple[str, ...] = EVERY_FRAMEWORK,
    policy: Policy | None = None,
    device: str = "cpu",
) -> Report:
    job = workload(frameworks, device)
    return judge_drift(side(before), side(after), job, policy or Policy())


def listed(report: Report) -> list[str]:
    return [entry.message for entry in report.unjudged]


@pytest.mark.parametrize(
    ("name", "before", "after", "role"),
    [
        ("transformers", "4.46.1", "4.46.2", "trains"),
        ("transformers", "4.46.2", "4.46.1", "trains"),
        ("transformers", "4.46.2", "4.46.3", "trains"),
        ("transformers", "5.1.0rc1", "5.1.0", "trains"),
        ("xgboost", "2.1.3", "2.1.4", "trains"),
        ("pandas", "2.2.1", "2.2.2", "prepares"),
        ("numba", "0.59.1", "0.60.0", "computes"),
        ("tokenizers", "0.15.2", "0.22.0", "prepares"),
        ("gymnasium", "0.29.1", "1.0.0", "draws"),
        ("accelerate", "0.34.2", "1.0.0", "distributes"),
        ("torchmetrics", "1.4.0", "1.5.0", "measures"),
        ("h5py", "3.11.0", "3.12.1", "prepares"),
    ],
)
def test_a_step_of_a_library_that_takes_part_is_listed_and_in_no_other_list(
    name: str, before: str, after: str, role: str
) -> None:
    report = diff({name: before}, {name: after})
    (entry,) = report.unjudged
    assert (entry.name, entry.before, entry.after, entry.role) == (name, before, after, role)
    assert (entry.path, entry.kind) == (f"{PLACE}[{name}].version", "package")
    assert (report.impact, report.findings, report.changes, report.advice) == (
        Impact.NONE,
        (),
        (),
        (),
    )


@pytest.mark.parametrize(
    "name", ["wandb", "tensorboard", "requests", "pytest", "fastapi", "types-requests", "tqdm"]
)
def test_a_step_of_what_takes_no_part_stays_a_change(name: str) -> None:
    report = diff({name: "1.0"}, {name: "2.0"})
    assert report.unjudged == ()
    assert [change.path for change in report.changes] == [f"{PLACE}[{name}].version"]


@pytest.mark.parametrize("name", ["diffusers", "apex", "pyarrow"])
def test_a_library_that_takes_part_and_comes_or_goes_is_listed(name: str) -> None:
    assert listed(diff({}, {name: "1.0"})) == [f"{name} 1.0 added"]
    assert listed(diff({name: "1.0"}, {})) == [f"{name} 1.0 removed"]
    assert diff({}, {name: "1.0"}).changes == ()


def test_another_build_of_the_same_version_is_listed() -> None:
    before, after = ({"diffusers": {"version": "1.0", "build_id": build}} for build in ("aa", "bb"))
    report = diff(before, after)
    assert listed(report) == ["diffusers: a different build of the same version"]
    assert report.changes == ()


def test_of_what_only_conda_has_the_libraries_of_the_table_are_listed() -> None:
    def conda(version: str) -> Fingerprint:
        names = ("mkl", "openssl", "python")
        return fingerprint({f"facts.packages.conda[{name}].version": version for name in names})

    report = judge_drift(conda("2019.3"), conda("2019.4"), workload(["numpy"]), Policy())
    assert listed(report) == ["mkl 2019.3 → 2019.4"]
    assert len(report.changes) == 2


def test_the_wheel_for_another_python_is_no_build_of_its_own() -> None:
    def on(python: str, build: str) -> Fingerprint:
        wheel = {"version": "0.60.0", "build_id": build, "tags": [f"cp{python}-x"]}
        version = {"facts.python.version": f"3.{python[1:]}.1"}
        return fingerprint({f"{PLACE}[numba]": wheel, **version})

    job = workload(["numpy"])
    assert judge_drift(on("311", "a"), on("312", "b"), job, Policy()).unjudged == ()
    assert len(judge_drift(on("311", "a"), on("311", "b"), job, Policy()).unjudged) == 1


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("h5py", "3.12.1", "3.14.0"), ("ml-dtypes", "0.5.1", "0.6.0"), ("pillow", "9.5.0", "12.0.0")],
)
def test_a_step_that_was_measured_to_give_equal_bits_is_judged(
    name: str, before: str, after: str
) -> None:
    report = diff({name: before}, {name: after})
    assert report.unjudged == ()
    assert report.summary.startswith("nothing that differs is known to change a training result")


def test_a_step_that_a_rule_knows_is_judged() -> None:
    report = diff({"pandas": "2.1.4"}, {"pandas": "2.2.3"})
    assert (report.unjudged, [f.rule for f in report.findings]) == ((), ["pandas-version-changed"])


@pytest.mark.parametrize(
    ("name", "frameworks", "device", "count"),
    [
        ("torchaudio", ["tensorflow"], "cpu", 0),
        ("torchaudio", ["torch"], "cpu", 1),
        ("flax", ["torch"], "cpu", 0),
        ("transformers", ["tensorflow"], "cpu", 1),
        ("transformers", [], "cpu", 1),
        ("torchaudio", [], "cpu", 1),
        ("nvidia-cusparse-cu12", ["torch"], "cpu", 0),
        ("nvidia-cusparse-cu12", ["torch"], "gpu", 1),
        ("nvidia-cublas-cu12", ["torch"], "gpu", 0),
    ],
)
def test_what_cannot_reach_the_workload_is_not_raised(
    name: str, frameworks: list[str], device: str, count: int
) -> None:
    report = diff({name: "1.0"}, {name: "1.1"}, tuple(frameworks), device=device)
    assert len(report.unjudged) == count


@pytest.mark.parametrize(
    ("before", "after", "listed_as"),
    [("2.4.4", "2.4.6", []), ("2.2.1", "2.2.3", ["numpy 2.2.1 → 2.2.3"])],
)
def test_a_patch_of_a_framework_is_not_harmless_by_its_size(
    before: str, after: str, listed_as: list[str]
) -> None:
    sides = (
        fingerprint({f"{PLACE}[numpy].version": v, "facts.frameworks.numpy.version": v})
        for v in (before, after)
    )
    report = judge_drift(*sides, workload(["numpy"]), Policy())
    assert (listed(report), bool(report.findings)) == (listed_as, not listed_as)
    assert report.changes == ()


def test_metadata_decides_for_what_no_table_lists_and_the_unknown_come_last() -> None:
    said = {"acme-a": None, "acme-b": True, "acme-c": False, "acme-d": True}
    before, after = (
        {name: {"version": v, "takes_part": part} for name, part in said.items()} | {"diffusers": v}
        for v in ("1.0", "1.1")
    )
    report = diff(before, after)
    shown = [(entry.name, entry.role, entry.derived) for entry in report.unjudged]
    assert shown == [
        ("diffusers", "trains", False),
        ("acme-b", "unknown", True),
        ("acme-d", "unknown", True),
        ("acme-a", "unknown", False),
    ]
    assert [change.path for change in report.changes] == [f"{PLACE}[acme-c].version"]


def test_a_document_of_an_earlier_version_tells_nothing_of_an_unlisted_package() -> None:
    report = diff({"acme": "1.0"}, {"acme": {"version": "1.1", "takes_part": False}})
    assert report.unjudged == ()
    assert [entry.derived for entry in diff({"acme": "1.0"}, {"acme": "1.1"}).unjudged] == [False]


def test_the_first_word_is_not_judged_and_nothing_is_called_harmless() -> None:
    report = diff({"transformers": "4.46.1"}, {"transformers": "4.46.2"})
    shown = " ".join(text.render(report).split())
    assert shown.startswith(
        "NOT JUDGED 1 change of a library that takes part in training is not judged. "
        "not transformers 4.46.1 → 4.46.2 (trains): nobody has measured this step"
    )
    assert "is known to change" not in shown
    assert "https://github.com/huggingface/transformers/releases" in shown
    document = json.loads(json_format.render(report))
    assert document["verdict"]["impact"] == "none"
    assert document["verdict"]["unjudged"] == len(document["unjudged"]) == 1
    assert document["changes"] == []


def test_a_finding_that_changes_results_keeps_its_word_and_counts_the_rest() -> None:
    before, after = {"diffusers": "1.0", "pandas": "2.1.4"}, {"diffusers": "1.1", "pandas": "2.2.3"}
    report = diff(before, after)
    assert text.render(report).startswith("DIVERGES")
    assert "1 not judged" in report.summary


def test_what_is_left_is_named_first_where_to_look() -> None:
    report = diff({"diffusers": "1.0"}, {"diffusers": "1.1"})
    assert report.look_next[0].startswith("what is not judged: 1 change, first diffusers")


def test_equal_documents_leave_nothing() -> None:
    report = diff({"diffusers": "1.0"}, {"diffusers": "1.0"})
    assert (report.unjudged, report.summary.split(";")[0]) == ((), "no difference")


def test_a_check_against_a_baseline_lists_it_as_well() -> None:
    before, after = side({"diffusers": "1.0"}), side({"diffusers": "1.1"})
    report = judge_state(after, before, workload(["torch"]), Policy())
    assert listed(report) == ["diffusers 1.0 → 1.1"]
    assert judge_state(after, None, workload(["torch"]), Policy()).unjudged == ()


def test_a_version_that_is_unknown_leaves_its_library_undecided() -> None:
    path = f"{PLACE}[diffusers].version"
    after = side({"diffusers": {"installer": "pip"}}, {path: "denied"})
    report = judge_drift(side({"diffusers": "1.0"}), after, workload(["torch"]), Policy())
    assert [(u.rule, u.path, u.impact) for u in report.undecided] == [
        (NOT_JUDGED, path, Impact.NUMERIC)
    ]
    quiet = side({"wandb": {"installer": "pip"}}, {f"{PLACE}[wandb].version": "denied"})
    report = judge_drift(side({"wandb": "1.0"}), quiet, workload(["torch"]), Policy())
    assert report.undecided == ()


def accept(package: str = "*", role: str = "*", step: str = "any", expired: bool = False) -> Policy:
    entry = Accept("accept[0]", package, role, step, "we read it", "2027-01-31", expired)
    return Policy(accepts=(entry,))


@pytest.mark.parametrize(
    ("policy", "before", "after", "is_accepted"),
    [
        (accept("diffusers", step="patch"), "1.0.8", "1.0.9", True),
        (accept("diffusers", step="patch"), "1.0.9", "1.0.8", True),
        (accept("diffusers", step="patch"), "1.0.9", "1.1.0", False),
        (accept("diffusers", step="minor"), "1.0.9", "1.1.0", True),
        (accept("diffusers", step="minor"), "1.0.8", "1.0.9", True),
        (accept("diffusers", step="minor"), "1.0.9", "2.0.0", False),
        (accept("diffusers", step="major"), "1.0.9", "2.0.0", True),
        (accept("diffusers", step="major"), "1!1.0", "2!1.0", True),
        (accept("diffusers", step="minor"), "1!1.0", "2!1.0", False),
        (accept("diffusers", step="minor"), "2024.11.1", "2025.1.0", False),
        (accept("diffusers", step="patch"), "1.0.0rc1", "1.0.0", True),
        (accept("diffusers", step="major"), "1.0+cpu", "1.0+cu130", False),
        (accept("diffusers", step="any"), "1.0+cpu", "1.0+cu130", True),
        (accept("diffusers", step="major"), "main", "other", False),
        (accept("dif*"), "1.0", "3.0", True),
        (accept("diffusersy"), "1.0", "3.0", False),
        (accept(role="trains"), "1.0", "3.0", True),
        (accept(role="computes"), "1.0", "3.0", False),
        (accept("diffusers", role="computes"), "1.0", "3.0", False),
        (accept("diffusers", expired=True), "1.0", "3.0", False),
    ],
)
def test_a_step_is_accepted_by_package_role_and_size(
    policy: Policy, before: str, after: str, is_accepted: bool
) -> None:
    report = diff({"diffusers": before}, {"diffusers": after}, policy=policy)
    assert [(one.rule, one.reason) for one in report.ignored] == [
        (NOT_JUDGED, "we read it")
    ] * is_accepted
    assert len(report.unjudged) == (not is_accepted)


def test_what_came_is_accepted_by_any_step_only() -> None:
    for step, count in (("major", 1), ("any", 0)):
        assert (
            len(diff({}, {"diffusers": "1.0"}, policy=accept("diffusers", step=step)).unjudged)
            == count
        )


def test_an_accepted_change_is_still_shown_and_nothing_is_called_known() -> None:
    report = diff({"diffusers": "1.0"}, {"diffusers": "1.1"}, policy=accept("diffusers"))
    shown = " ".join(text.render(report, View(details=ALL)).split())
    assert "not-judged: we read it" in shown
    assert report.ignored[0].message == "diffusers 1.0 → 1.1"
    assert report.summary.startswith("nothing that differs, apart from what the policy leaves out")


def test_an_entry_that_has_expired_or_fits_nothing_is_named() -> None:
    assert diff(
        {"diffusers": "1.0"}, {"diffusers": "1.1"}, policy=accept("diffusers", expired=True)
    ).policy_notes
    (note,) = diff({"diffusers": "1.0"}, {"diffusers": "1.1"}, policy=accept("peft")).policy_notes
    assert note == "accept[0] (peft) no longer matches anything here: we read it"
    assert (
        diff({"diffusers": "1.0"}, {"diffusers": "1.1"}, policy=accept("diffusers")).policy_notes
        == ()
    )


@pytest.mark.parametrize("rule", ["*", NOT_JUDGED])
def test_a_path_that_the_policy_expects_or_ignores_covers_it(rule: str) -> None:
    entry = Entry("expect[0]", rule, f"{PLACE}[diffusers]*", "the experiment")
    expected = diff({"diffusers": "1.0"}, {"diffusers": "1.1"}, policy=Policy(expects=(entry,)))
    assert (expected.unjudged, expected.policy_notes) == ((), ())
    assert [one.message for one in expected.expected] == ["diffusers 1.0 → 1.1"]
    ignored = diff({"diffusers": "1.0"}, {"diffusers": "1.1"}, policy=Policy(ignores=(entry,)))
    assert (ignored.unjudged, ignored.policy_notes) == ((), ())
    assert [one.message for one in ignored.ignored] == ["diffusers 1.0 → 1.1"]


POLICY = b"""
[[accept]]
package = "Torch_Geometric"
step = "minor"
reason = "read its notes"
expires = 2027-01-31

[[accept]]
role = "measures"
reason = "they only report"
"""


def test_the_policy_file_names_packages_as_people_write_them() -> None:
    policy = parse_policy(POLICY, "envprint.toml", "2026-11-28")
    assert policy.notes == ()
    assert policy.accepts == (
        Accept("accept[0]", "torch-geometric", "*", "minor", "read its notes", "2027-01-31"),
        Accept("accept[1]", "*", "measures", "any", "they only report"),
    )


def test_no_rule_has_the_id_that_stands_for_none() -> None:
    assert {NOT_JUDGED, HIDDEN_VALUE}.isdisjoint(rule.id for rule in catalogue())


def test_the_table_of_roles_is_not_read_if_no_package_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from envprint import knowledge

    monkeypatch.setattr(knowledge, "FOLDER", str(tmp_path))
    knowledge.forget()
    try:
        before = fingerprint({"facts.os.kernel_release": "1"})
        after = fingerprint({"facts.os.kernel_release": "2"})
        assert judge_drift(before, after, workload([]), Policy()).unjudged == ()
    finally:
        knowledge.forget()


# How old the knowledge is, and what is newer.


def newer(before: dict[str, str | None], after: dict[str, str | None]) -> tuple[str, ...]:
    sides = (
        fingerprint({f"{DISTRIBUTIONS}[{name}].version": v for name, v in side.items()})
        for side in (before, after)
    )
    known = judge_drift(*sides, Workload(), Policy()).knowledge
    assert known and known.as_of == knowledge.AS_OF
    return known.newer


def test_a_changed_package_of_a_later_version_is_newer_than_the_knowledge() -> None:
    before = {"timm": "1.0.9", "torch": "2.9.0", "acme-nets": "1", "pytest": "8.0", "jax": "99.0"}
    after = {**before, "timm": "99.1", "torch": "98.0+cu150", "acme-nets": "99", "pytest": "99"}
    assert newer(before, after) == ("timm 99.1", "torch 98.0+cu150")


@pytest.mark.parametrize("version", ["1.0.10", "NEWEST", "NEWEST+local", None])
def test_one_that_was_released_when_the_knowledge_was_written_is_not(version: str | None) -> None:
    newest = knowledge.about("newest_releases", "timm")[0]["version"]
    text = version and version.replace("NEWEST", newest)
    assert newer({"timm": "1.0.9"}, {"timm": text}) == ()


def test_an_unchanged_package_or_the_older_side_is_not_counted() -> None:
    assert newer({"timm": "99.1"}, {"timm": "99.1"}) == ()
    assert newer({"timm": "99.1"}, {"timm": "1.0.9"}) == ()


def test_one_that_only_this_side_has_counts() -> None:
    assert newer({"numpy": "2.0"}, {"numpy": "2.0", "timm": "99.1"}) == ("timm 99.1",)


# The order of what is left.

NO_JOB = Workload()


def left(job: Workload = NO_JOB, **requested: list[str]) -> list[str]:
    """What is left not judged of four libraries that moved, in order, by what was requested."""
    names = ("imageio", "timm", "torchmetrics", "zz-of-nobody")
    versions = [{f"{DISTRIBUTIONS}[{name}].version": v for name in names} for v in ("1.0", "9.1")]
    sides = [
        fingerprint({**side, **({REQUESTED: requested[key]} if key in requested else {})})
        for key, side in zip(("before", "after"), versions, strict=True)
    ]
    return [entry.name for entry in judge_drift(*sides, job, Policy()).unjudged]


def test_what_was_installed_by_name_comes_before_what_it_needs() -> None:
    assert left() == ["timm", "imageio", "torchmetrics", "zz-of-nobody"]
    assert left(after=["torchmetrics"])[0] == "torchmetrics"
    assert left(before=["torchmetrics"])[0] == "torchmetrics"
    assert left(after=["zz-of-nobody"])[-1] == "zz-of-nobody"


def test_the_jobs_own_libraries_come_first_whatever_was_requested() -> None:
    job = Workload(frameworks=("torch",), libraries=("timm",))
    assert left(job, after=["imageio"])[:2] == ["timm", "imageio"]


def test_how_packages_came_is_no_difference_and_in_no_digest() -> None:
    versions = {f"{DISTRIBUTIONS}[timm].version": "1.0"}
    one, other = (fingerprint({**versions, REQUESTED: names}) for names in ([], ["timm"]))
    assert one.digest == other.digest == fingerprint(versions).digest
    assert judge_drift(one, other, Workload(), Policy()).changes == ()


def test_a_list_of_packages_that_one_side_lacks_altogether_is_no_fault() -> None:
    without, some = fingerprint({DISTRIBUTIONS: None}), side({"numpy": "1.26.4"})
    for sides in ((without, some), (some, without)):
        known = judge_drift(*sides, Workload(), Policy()).knowledge
        assert known and known.newer == ()
