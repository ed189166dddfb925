"""Reading and writing documents: exact form, full round trip, every kind of bad input."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envprint.core.errors import DocumentError
from envprint.documents import codec
from tests.builders.documents import BAD, GOOD, JSON
from tests.builders.support import fingerprint


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
@given(JSON)
def test_our_writer_writes_what_the_standard_library_would(value: Any) -> None:
    assert codec.to_json(value) == json.dumps(value, indent=2, sort_keys=True) + "\n"


@given(st.dictionaries(st.text(min_size=1), st.text()), st.text())
def test_a_fingerprint_survives_writing_and_reading(variables: dict[str, str], note: str) -> None:
    written = fingerprint({"facts.environ.variables": variables, "facts.cpu.threads": 8})
    written = written._replace(note=note, label="a", tags={"k": "v"})
    read = codec.loads(codec.dumps(written).encode(), "f")
    assert read._replace(unknown={}) == written
    assert read.value("facts.cpu.threads") == 8


def test_a_field_that_the_document_lacks_is_unknown_and_not_absent() -> None:
    read = codec.loads(codec.dumps(fingerprint({"facts.os.system": "Linux"})).encode(), "f")
    assert read.unknown["facts.os.libc"] == "not recorded by envprint 0.1.0"
    assert "facts.os.system" not in read.unknown


def test_a_section_that_is_null_records_nothing() -> None:
    document_with_null = {**json.loads(GOOD), "facts": {"os": None}}
    read = codec.loads(json.dumps(document_with_null).encode(), "f")
    assert read.facts == {"os": {}}
    assert read.unknown["facts.os.system"] == "not recorded by envprint 0.1.0"


def test_a_plain_value_of_a_map_may_be_null_as_a_submodule_that_is_not_checked_out() -> None:
    with_null = {**json.loads(GOOD), "facts": {"code": {"submodules": {"data": None}}}}
    assert codec.loads(json.dumps(with_null).encode(), "f").facts["code"]


def test_foreign_keys_are_kept_aside_and_named() -> None:
    text = codec.to_document(fingerprint({"facts.os.system": "Linux"}))
    text["flavour"] = 1
    text["facts"]["os"]["mood"] = "good"
    text["facts"]["astrology"] = {"sign": "virgo"}
    text["schema_version"] = "1.7"
    read = codec.loads(json.dumps(text).encode(), "f")
    assert sorted(read.undeclared) == ["facts.astrology", "facts.os.mood", "flavour"]


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_error_that_names_the_place(name: str) -> None:
    content, beginning = BAD[name]
    with pytest.raises(DocumentError) as caught:
        codec.loads(content, "f")
    assert str(caught.value).startswith(beginning)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("facts", 5, "f: facts: expected object, found int"),
        ("facts", {"os": []}, "f: facts.os: expected object, found list"),
        ("facts", {"os": {"system": 5}}, "f: facts.os.system: expected string, found int"),
        (
            "facts",
            {"environ": {"variables": {"A": True}}},
            "f: facts.environ.variables[A]: expected string, found bool",
        ),
        (
            "facts",
            {"math": {"blas": [None]}},
            "f: facts.math.blas[0]: expected object, found NoneType",
        ),
        (
            "facts",
            {"packages": {"edited": {"a": [None]}}},
            "f: facts.packages.edited[a][0]: expected string, found NoneType",
        ),
        (
            "live",
            {"gpu": {"devices": {"0": None}}},
            "f: live.gpu.devices[0]: expected object, found NoneType",
        ),
        ("unknown", {"live": 1}, "f: unknown[live]: expected string, found int"),
        ("digest", [], "f: digest: expected string, found list"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_by_its_path(
    name: str, value: Any, message: str
) -> None:
    bad = {**json.loads(GOOD), name: value}
    with pytest.raises(DocumentError) as caught:
        codec.loads(json.dumps(bad).encode(), "f")
    assert str(caught.value) == message


@pytest.mark.parametrize("name", codec.REQUIRED)
def test_a_required_key_that_is_missing_or_null_is_named(name: str) -> None:
    for value in ("missing", "null"):
        bad = json.loads(GOOD)
        bad[name] = None
        if value == "missing":
            del bad[name]
        with pytest.raises(DocumentError, match=name):
            codec.loads(json.dumps(bad).encode(), "f")


def test_the_digest_covers_all_facts_but_code() -> None:
    plain = fingerprint({"facts.os.system": "Linux", "facts.code.commit": "a"})
    other_code = fingerprint({"facts.os.system": "Linux", "facts.code.commit": "b"})
    other_os = fingerprint({"facts.os.system": "Darwin", "facts.code.commit": "a"})
    assert plain.digest == other_code.digest != other_os.digest
    assert plain.section_digests["code"] != other_code.section_digests["code"]
