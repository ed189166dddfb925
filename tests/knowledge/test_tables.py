"""Every table holds to its schema, has one entry a line, and states no fact twice."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from envprint import knowledge
from envprint.collectors._dist_info import normalised
from envprint.core.versions import numbers
from tests.benchmarks.accuracy.pair import load
from tests.builders.golden_files import Golden
from tests.builders.tables import FOLDER, SCHEMAS, TABLES, validator

KEYS = {
    "arm_implementers": ("implementer",),
    "arm_parts": ("implementer", "part"),
    "compute_capabilities": ("capability",),
    "command_wrappers": ("programs",),
    "computing_distributions": ("distribution",),
    "conda_names": ("conda",),
    "cuda_driver_floors": ("cuda",),
    "cuda_first_toolkits": ("capability",),
    "cuda_lowest_capabilities": ("cuda",),
    "cuda_releases": ("cuda",),
    "desktop_programs": ("program",),
    "drawing_libraries": ("module",),
    "engines": ("engine",),
    "integrated_gpu_names": ("name",),
    "known_bad_microcode": ("vendor", "model"),
    "launchers": ("launcher",),
    "known_breaks": ("package", "since", "only_if"),
    "local_versions": ("distribution",),
    "measured_equal": ("distribution", "measured"),
    "meant_to_differ": ("path",),
    "newest_releases": ("distribution",),
    "numpy_generator_changes": ("release",),
    "numpy_loops": ("loops",),
    "openblas_cores": ("core",),
    "package_conflicts": ("package", "versions", "other", "with", "frameworks"),
    "package_owners": ("distribution",),
    "roles": ("distribution",),
    "scikit_learn_changes": ("release",),
    "tensorflow_cuda": (),
    "tensorflow_pythons": (),
    "unrepeatable_kernels": ("distribution",),
    "torch_wheels": ("machine", "cuda"),
    "variables": ("variable",),
    "xla_flag_defaults": ("flag",),
}
"""By what an entry is found, beside a span of releases."""


INIT = FOLDER / "__init__.py"
UPDATE = "python -m pytest --update-golden tests/knowledge/test_tables.py"


def document(table: str) -> Any:
    return json.loads((FOLDER / f"{table}.json").read_text("utf-8"))


def test_every_table_has_a_schema_and_every_schema_a_table() -> None:
    assert sorted({path.stem for path in SCHEMAS.glob("*.json")} - {"entry"}) == TABLES
    assert sorted(KEYS) == TABLES


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_each_schema_is_valid_under_its_dialect(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("table", TABLES)
def test_a_table_holds_to_its_schema(table: str) -> None:
    found = [f"{list(e.path)}: {e.message}" for e in validator(table).iter_errors(document(table))]
    assert found == []


@pytest.mark.parametrize("table", TABLES)
def test_an_entry_without_source_or_date_or_with_a_strange_field_is_refused(table: str) -> None:
    entry = document(table)["entries"][0]
    wrong: list[dict[str, Any]] = [
        {name: value for name, value in entry.items() if name != "source"},
        {name: value for name, value in entry.items() if name != "date"},
        entry | {"date": "2026-02-30"},
        entry | {"source": ""},
        entry | {"misspelt": "1"},
        {"source": entry["source"], "date": entry["date"]},
    ]
    for instance in wrong:
        whole = document(table) | {"entries": [instance]}
        assert not validator(table).is_valid(whole), instance


@pytest.mark.parametrize("table", TABLES)
def test_each_entry_stands_on_one_line(table: str, golden: Golden) -> None:
    whole = document(table)
    entries = ",\n".join(f"    {json.dumps(e, ensure_ascii=False)}" for e in whole["entries"])
    form = f'{{\n  "$schema": "{whole["$schema"]}",\n  "entries": [\n{entries}\n  ]\n}}\n'
    golden(FOLDER / f"{table}.json", form)


@pytest.mark.parametrize("table", TABLES)
def test_no_entry_is_from_the_future(table: str) -> None:
    for entry in document(table)["entries"]:
        assert date.fromisoformat(entry["date"]) <= date.today(), entry


def test_the_knowledge_is_as_of_the_day_on_which_releases_were_looked_up(
    update_golden: bool,
) -> None:
    """So an entry of another table, however new, is one line in one file."""
    newest = max(entry["date"] for entry in document("newest_releases")["entries"])
    if update_golden:
        text = INIT.read_text("utf-8")
        INIT.write_text(text.replace(f'"{knowledge.AS_OF}"', f'"{newest}"'), "utf-8")
        knowledge.AS_OF = newest
    assert newest == knowledge.AS_OF, f"run\n{UPDATE}"


def test_what_has_a_newest_release_is_a_library_that_takes_part() -> None:
    listed = {entry["distribution"]: entry["roles"] for entry in knowledge.entries("roles")}
    for name in knowledge.names("newest_releases"):
        assert not knowledge.NO_PART.issuperset(listed[name]), name


def key(table: str, entry: knowledge.Entry) -> tuple[str, ...]:
    return tuple(str(entry.get(name, "")).lower() for name in KEYS[table])


def span(entry: knowledge.Entry) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return numbers(entry.get("first", "0")), numbers(entry.get("last", "999"))


WITH_SPANS = [table for table in TABLES if "last" in document(table)["entries"][0]]


@pytest.mark.parametrize("table", [table for table in TABLES if table not in WITH_SPANS])
def test_no_key_has_two_entries(table: str) -> None:
    counted = Counter(key(table, entry) for entry in knowledge.entries(table))
    assert [name for name, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("table", WITH_SPANS)
def test_spans_of_one_key_do_not_overlap(table: str) -> None:
    for one, other in combinations(knowledge.entries(table), 2):
        (low, high), (first, last) = span(one), span(other)
        assert low <= high, one
        if key(table, one) == key(table, other):
            assert high < first or last < low, (one, other)


def test_the_loops_of_every_numpy_end_with_some_that_need_nothing() -> None:
    for minor in range(30):
        for major in (1, 2):
            listed = [*knowledge.covering("numpy_loops", (major, minor))]
            assert (listed[-1]["level"], listed[-1]["needs"]) == ("sse", [])


def test_each_class_of_openblas_kernels_has_one_name_that_pins_it() -> None:
    cores = knowledge.entries("openblas_cores")
    pinned = Counter(core["level"] for core in cores if core.get("pins"))
    assert pinned == Counter({core["level"] for core in cores})


def test_each_major_cuda_of_a_release_has_a_floor() -> None:
    known = {entry["cuda"] for entry in knowledge.entries("cuda_driver_floors")}
    majors = {entry["cuda"].partition(".")[0] for entry in knowledge.entries("cuda_releases")}
    assert majors <= known


def test_a_wheel_has_code_for_known_capabilities_only() -> None:
    known = {entry["capability"] for entry in knowledge.entries("compute_capabilities")}
    for wheel in knowledge.entries("torch_wheels"):
        assert {text.partition("+")[0] for text in wheel["code"]} <= known


def test_each_span_of_equal_bits_names_a_pair_that_gave_them() -> None:
    equal = {pair.id for pair in load() if pair.measured == "none" and not pair.conditional}
    assert {entry["measured"] for entry in knowledge.entries("measured_equal")} <= equal


def test_the_names_of_distributions_are_normalised_and_kinds_have_one_star() -> None:
    for entry in knowledge.entries("roles"):
        name = entry["distribution"].removesuffix("*")
        assert normalised(name) == name
        assert "*" not in name
