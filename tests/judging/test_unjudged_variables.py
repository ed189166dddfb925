"""A changed variable that a library of the job may read, and that nobody has judged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from envprint import knowledge
from envprint.core.impact import Impact
from envprint.core.redact import is_recorded
from envprint.core.report import Report
from envprint.judging.policy.model import Accept, Policy
from envprint.judging.unjudged_variables import listed
from envprint.outputs.formats import json as json_format
from envprint.outputs.formats import text
from envprint.rules import catalogue
from tests.builders.judged import judge_drift
from tests.builders.support import fingerprint, workload

PLACE = "facts.packages.distributions"


def diff(
    before: dict[str, str],
    after: dict[str, str],
    frameworks: list[str],
    *packages: str,
    device: str = "cpu",
    policy: Policy | None = None,
) -> Report:
    installed = {name: {"version": "1.0"} for name in packages}
    sides = (
        fingerprint({PLACE: installed, "facts.environ.variables": variables})
        for variables in (before, after)
    )
    return judge_drift(*sides, workload(frameworks, device), policy or Policy())


@pytest.mark.parametrize(
    ("name", "framework", "package", "role"),
    [
        ("PL_GLOBAL_SEED", "torch", "lightning", "trains"),
        ("ACCELERATE_MIXED_PRECISION", "torch", "accelerate", "distributes"),
        ("BNB_CUDA_VERSION", "torch", "bitsandbytes", "computes"),
        ("NUMBA_OPT", "numpy", "numba", "computes"),
        ("TORCHDYNAMO_EXTRA", "torch", "torch", "framework"),
        ("JAX_DISABLE_BWD_CHECKS", "jax", "jax", "framework"),
    ],
)
def test_a_variable_without_a_rule_is_listed_where_its_library_can_reach_the_job(
    name: str, framework: str, package: str, role: str
) -> None:
    for before, after in (({}, {name: "7"}), ({name: "7"}, {}), ({name: "1"}, {name: "7"})):
        report = diff(before, after, [framework], package)
        assert [(e.name, e.kind, e.role, e.before, e.after) for e in report.unjudged] == [
            (name, "variable", role, before.get(name), after.get(name))
        ]
        assert (report.impact, report.findings, report.changes) == (Impact.NONE, (), ())


@pytest.mark.parametrize(
    ("name", "frameworks", "packages"),
    [
        ("PL_GLOBAL_SEED", ["torch"], []),
        ("PL_GLOBAL_SEED", ["tensorflow"], ["lightning"]),
        ("JAX_DISABLE_BWD_CHECKS", ["torch"], ["jax"]),
        ("NVTE_FUSED_ATTN", ["torch"], ["transformer-engine"]),
        ("PYTHONUNBUFFERED", ["torch"], []),
    ],
)
def test_a_variable_whose_library_is_not_there_or_not_the_jobs_stays_a_change(
    name: str, frameworks: list[str], packages: list[str]
) -> None:
    report = diff({}, {name: "1"}, frameworks, *packages)
    assert report.unjudged == ()
    assert [change.path for change in report.changes] == [f"facts.environ.variables[{name}]"]


@pytest.mark.parametrize(
    ("name", "framework", "package"),
    [
        ("TOKENIZERS_PARALLELISM", "torch", "tokenizers"),
        ("HF_HOME", "torch", "transformers"),
        ("TF_CPP_MIN_LOG_LEVEL", "tensorflow", "tensorflow"),
        ("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "tensorflow", "protobuf"),
        ("POLARS_MAX_THREADS", "numpy", "polars"),
        ("TORCHINDUCTOR_CACHE_DIR", "torch", "torch"),
    ],
)
def test_a_variable_that_is_known_to_have_no_effect_stays_a_change(
    name: str, framework: str, package: str
) -> None:
    report = diff({}, {name: "1"}, [framework], package)
    assert (report.unjudged, report.findings) == ((), ())


def test_a_variable_that_a_rule_judges_is_not_listed_even_where_it_changes_nothing() -> None:
    report = diff({}, {"OMP_DYNAMIC": "false", "MKL_CBWR": ""}, ["torch"])
    assert report.unjudged == ()


def test_what_only_a_gpu_reads_is_listed_for_jobs_on_a_gpu() -> None:
    assert diff({}, {"NVTE_FUSED_ATTN": "0"}, ["torch"], "transformer-engine").unjudged == ()
    report = diff({}, {"NVTE_X": "0"}, ["torch"], "transformer-engine", device="gpu")
    assert [entry.name for entry in report.unjudged] == ["NVTE_X"]


def test_the_text_and_the_document_name_the_variable_and_where_to_read() -> None:
    report = diff({}, {"PL_GLOBAL_SEED": "7"}, ["torch"], "lightning")
    shown = " ".join(text.render(report).split())
    assert shown.startswith(
        "NOT JUDGED 1 change of a variable whose library takes part in training is not judged. "
        "not PL_GLOBAL_SEED unset → 7 (trains): "
    )
    assert "nobody has measured what this" in shown
    (entry,) = json.loads(json_format.render(report))["unjudged"]
    assert (entry["name"], entry["kind"], entry["role"]) == ("PL_GLOBAL_SEED", "variable", "trains")
    assert entry["read"].startswith("https://")


def test_a_policy_accepts_a_variable_by_its_name_or_role() -> None:
    for package, role in (("PL_GLOBAL_SEED", "*"), ("*", "trains")):
        agreed = Policy(accepts=(Accept("accept[0]", package, role, "any", "we set it"),))
        report = diff({}, {"PL_GLOBAL_SEED": "7"}, ["torch"], "lightning", policy=agreed)
        assert (report.unjudged, [one.reason for one in report.ignored]) == ((), ["we set it"])


def test_every_variable_of_the_table_is_recorded() -> None:
    names = [entry["variable"].rstrip("*") for entry in knowledge.entries("variables")]
    assert [name for name in names if not is_recorded(name)] == []


_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]\b|\bPYTHONHASHSEED\b|\bNPROC\b")
NO_VARIABLES = {"PCI_BUS_ID"}
"""A value of a variable."""


def remedies() -> Iterator[tuple[str, str]]:
    """Every text with what to do: of rules, and of the tables of knowledge."""
    for rule in catalogue():
        yield rule.id, f"{rule.remedy} {rule.note}"
        yield from ((rule.id, path) for path in rule.watches if ".variables[" in path)
    for table in ("known_breaks", "package_conflicts"):
        for entry in knowledge.entries(table):
            yield entry["package"], f"{entry.get('restore', '')} {entry.get('remedy', '')}"


def test_a_variable_that_a_remedy_names_is_recorded() -> None:
    named = {(name, found) for name, said in remedies() for found in _VARIABLE.findall(said)}
    assert len(named) > 50
    assert {(n, v) for n, v in named if v not in NO_VARIABLES and not is_recorded(v)} == set()


def test_a_variable_is_looked_up_without_a_walk_through_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A hundred thousand of them took 39 seconds."""
    assert knowledge.names("variables")

    def walk(table: str) -> tuple[knowledge.Entry, ...]:
        raise AssertionError(f"all of {table} is read for one variable")

    monkeypatch.setattr(knowledge, "entries", walk)
    for name, wanted in (("NUMBA_OPT", "NUMBA_*"), ("MADE_BY_NOBODY", None), ("", None)):
        found = listed(name)
        assert (found and found["variable"]) == wanted
