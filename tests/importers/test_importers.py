"""What holds for every form: recognised, forced, without people, unknown and never absent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from envprint.core.errors import DocumentError, UnknownValueError
from envprint.core.fingerprint import DECLARED, IMPORTED
from envprint.documents.codec import dumps, fingerprint_shape
from envprint.documents.validate import faults
from envprint.importers import forms, imported
from tests.builders.loading import loaded_by
from tests.builders.records import COLLECT_ENV, FREEZE, NVIDIA_TABLE, SAMPLES, take_in

DECLARED_FORMS = {
    *("requirements", "pylock", "uv-lock", "poetry-lock", "pixi-lock", "cyclonedx"),
    "mlflow-python-env",
}


def test_there_is_a_sample_of_every_form() -> None:
    assert sorted(SAMPLES) == forms()


@pytest.mark.parametrize("form", SAMPLES)
def test_a_form_is_recognised_by_its_content(form: str) -> None:
    found = take_in(SAMPLES[form])
    declared = DECLARED if form in DECLARED_FORMS else ""
    assert found.captured_via == f"{IMPORTED}{form}{declared}"
    assert any(found.facts.values())
    assert take_in(SAMPLES[form], form).facts.keys() == found.facts.keys()


@pytest.mark.parametrize("form", SAMPLES)
def test_what_is_written_follows_the_published_schema(form: str) -> None:
    text = dumps(imported(SAMPLES[form].encode(), "x"))
    assert faults(text.encode(), "x") == []


@pytest.mark.parametrize("form", SAMPLES)
def test_no_person_is_in_a_document(form: str) -> None:
    text = dumps(imported(SAMPLES[form].encode(), "x"))
    found = re.findall(r"\bann\b|/home/|anns-box|abc\b|abcdef|@example|tok@|tk-123|:pw", text)
    assert found == []


@pytest.mark.parametrize("form", SAMPLES)
def test_a_section_that_a_record_does_not_hold_is_unknown_with_that_reason(form: str) -> None:
    found = take_in(SAMPLES[form])
    for path in ("facts.determinism.switches", "facts.cuda.cudnn", "live.host.load_1_minute"):
        with pytest.raises(UnknownValueError, match=r": not in "):
            found.value(path)
    shape = fingerprint_shape()
    assert shape is not None and all(reason for reason in found.unknown.values())


@pytest.mark.parametrize("form", SAMPLES)
@pytest.mark.parametrize("change", ["crlf", "bom", "utf-16", "colour"])
def test_a_record_is_read_however_it_was_saved(form: str, change: str) -> None:
    text = SAMPLES[form]
    content = {
        "crlf": text.replace("\n", "\r\n").encode(),
        "bom": text.encode("utf-8-sig"),
        "utf-16": text.encode("utf-16"),
        "colour": ("\x1b[32m\x1b[0m" + text).encode(),
    }[change]
    assert take_in(content).facts == take_in(text).facts


@pytest.mark.parametrize("form", SAMPLES)
def test_another_form_is_refused_in_one_line_that_names_the_file(form: str) -> None:
    for other in sorted(SAMPLES.keys() - {form}):
        try:
            imported(SAMPLES[other].encode(), "record.txt", form)
        except DocumentError as error:
            assert str(error).startswith("record.txt: ")
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\xff\xfe\x00", "not utf-16 text"),
        (b"numpy==1\xff", "not utf-8 text"),
        (b"numpy==1\0", "NUL"),
        (b"Dear all,\nit does not work.\n", "no record of a known form"),
        (b"{}", "no record of a known form"),
        (b'{"schema_version": "1.1", "facts": {}}', "it is a fingerprint already"),
        (b"[1, 2]", "no record of a known form"),
        (b"x" * (17 << 20), "larger than 16 MiB"),
        (b"# " + b"x" * (5 << 20), "larger than 4 MiB"),
        (b"\n".join(b"p%d==1" % number for number in range(10_001)), "more than 10,000 packages"),
    ],
)
def test_what_is_no_record_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        imported(content, "record.txt")


def test_a_misspelt_form_is_named_with_the_nearest_one() -> None:
    with pytest.raises(DocumentError, match="did you mean pip-freeze"):
        imported(b"numpy==1", "record.txt", "pip-freze")


def test_records_that_were_pasted_into_a_text_are_read_together() -> None:
    prose = f"Loss is NaN.\n```\n{COLLECT_ENV}```\nand here is the table:\n\n{NVIDIA_TABLE}\nAnn"
    found = take_in(prose)
    assert found.captured_via == f"{IMPORTED}pasted-text (collect-env, nvidia-smi-table)"
    assert found.value("facts.frameworks.torch.version") == "2.1.0+cu121"
    assert found.value("facts.gpu.devices[0].memory_total_bytes") == 40960 << 20


def test_what_stands_between_fences_is_read_whatever_its_form() -> None:
    prose = f"Loss is NaN.\n\n```text\n{FREEZE}```\n<details>\n\n```\n{NVIDIA_TABLE}```\nAnn"
    found = take_in(prose)
    assert found.captured_via == f"{IMPORTED}pasted-text (nvidia-smi-table, pip-freeze)"
    assert found.value("facts.frameworks.tensorflow.version") == "2.16.1"


def test_a_text_without_any_line_break_is_read_the_same() -> None:
    flat, whole = take_in(" ".join(COLLECT_ENV.split("\n"))), take_in(COLLECT_ENV)
    assert flat.facts == whole.facts


def test_importing_the_package_costs_an_ordinary_fingerprint_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(dumps(imported(FREEZE.encode(), "x")))
    code = f"import envprint; envprint.load({str(path)!r})"
    assert not [
        name
        for name in loaded_by("-c", code, cwd=tmp_path)
        if name.startswith("envprint.importers")
    ]
