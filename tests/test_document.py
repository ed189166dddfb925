"""Reading and writing documents: exact form, full round trip, every kind of bad input."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envprint import document
from envprint.errors import DocumentError
from tests.support import fingerprint

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=25,
)


@given(JSON)
def test_our_writer_writes_what_the_standard_library_would(value: Any) -> None:
    assert document.to_json(value) == json.dumps(value, indent=2, sort_keys=True) + "\n"


@given(st.dictionaries(st.text(min_size=1), st.text()), st.text())
def test_a_fingerprint_survives_writing_and_reading(variables: dict[str, str], note: str) -> None:
    written = fingerprint({"facts.environ.variables": variables, "facts.cpu.threads": 8})
    written = written._replace(note=note, label="a", tags={"k": "v"})
    read = document.loads(document.dumps(written).encode(), "f")
    assert read._replace(unknown={}) == written
    assert read.value("facts.cpu.threads") == 8


def test_a_field_that_the_document_lacks_is_unknown_and_not_absent() -> None:
    read = document.loads(document.dumps(fingerprint({"facts.os.system": "Linux"})).encode(), "f")
    assert read.unknown["facts.os.libc"] == "not recorded by envprint 0.1.0"
    assert "facts.os.system" not in read.unknown


def test_a_section_that_is_null_records_nothing() -> None:
    document_with_null = {**json.loads(GOOD), "facts": {"os": None}}
    read = document.loads(json.dumps(document_with_null).encode(), "f")
    assert read.facts == {"os": {}}
    assert read.unknown["facts.os.system"] == "not recorded by envprint 0.1.0"


def test_a_plain_value_of_a_map_may_be_null_as_a_submodule_that_is_not_checked_out() -> None:
    with_null = {**json.loads(GOOD), "facts": {"code": {"submodules": {"data": None}}}}
    assert document.loads(json.dumps(with_null).encode(), "f").facts["code"]


def test_foreign_keys_are_kept_aside_and_named() -> None:
    text = document.to_document(fingerprint({"facts.os.system": "Linux"}))
    text["flavour"] = 1
    text["facts"]["os"]["mood"] = "good"
    text["facts"]["astrology"] = {"sign": "virgo"}
    text["schema_version"] = "1.7"
    read = document.loads(json.dumps(text).encode(), "f")
    assert sorted(read.foreign) == ["facts.astrology", "facts.os.mood", "flavour"]


GOOD = document.dumps(fingerprint({"facts.os.system": "Linux"}))

BAD = {
    "empty": (b"", "f: empty"),
    "blank": (b" \n", "f: empty"),
    "truncated": (GOOD[: len(GOOD) // 2].encode(), "f: not valid JSON"),
    "not UTF-8": (b'{"schema_version": "\xff"}', "f: not UTF-8 text (byte 20)"),
    "binary": (bytes(range(256)) * 10, "f: not UTF-8 text"),
    "null": (b"null", "f: expected a JSON object, found NoneType"),
    "list": (b"[1, 2]", "f: expected a JSON object, found list"),
    "foreign": (b'{"a": 1}', "f: not a fingerprint: no 'schema_version'"),
    "NaN": (b'{"x": NaN}', "f: not valid JSON: NaN is not a JSON number"),
    "Infinity": (b'{"x": -Infinity}', "f: not valid JSON: -Infinity"),
    "duplicate keys": (b'{"a": 1, "a": 2}', 'f: not valid JSON: the key "a" stands twice'),
    "deep list": (b"[" * 200_000 + b"]" * 200_000, "f: nested too deeply"),
    "deep object": (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, "f: nested too deeply"),
    "newer major": (
        GOOD.replace('"1.0"', '"99.0"').encode(),
        "f: schema_version '99.0' cannot be read",
    ),
    "older major": (
        GOOD.replace('"1.0"', '"0.9"').encode(),
        "f: schema_version '0.9' cannot be read",
    ),
    "no version text": (
        GOOD.replace('"1.0"', "1").encode(),
        "f: not a fingerprint: no 'schema_version'",
    ),
    "padding": (GOOD.encode() + b" " * document.MAX_BYTES, "f: larger than 64 MiB"),
    "huge number": (b'{"x": ' + b"9" * 5000 + b"}", "f: not valid JSON"),
    "more than 64 bits": (b'{"x": 36893488147419103232}', "f: not valid JSON: a whole number of"),
    "infinite": (b'{"x": -1e400}', "f: not valid JSON: the number -1e400 is too large"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_error_that_names_the_place(name: str) -> None:
    content, beginning = BAD[name]
    with pytest.raises(DocumentError) as caught:
        document.loads(content, "f")
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
        document.loads(json.dumps(bad).encode(), "f")
    assert str(caught.value) == message


@pytest.mark.parametrize("name", document.REQUIRED)
def test_a_required_key_that_is_missing_or_null_is_named(name: str) -> None:
    for value in ("missing", "null"):
        bad = json.loads(GOOD)
        bad[name] = None
        if value == "missing":
            del bad[name]
        with pytest.raises(DocumentError, match=name):
            document.loads(json.dumps(bad).encode(), "f")


def test_the_digest_covers_all_facts_but_code() -> None:
    plain = fingerprint({"facts.os.system": "Linux", "facts.code.commit": "a"})
    other_code = fingerprint({"facts.os.system": "Linux", "facts.code.commit": "b"})
    other_os = fingerprint({"facts.os.system": "Darwin", "facts.code.commit": "a"})
    assert plain.digest == other_code.digest != other_os.digest
    assert plain.section_digests["code"] != other_code.section_digests["code"]
