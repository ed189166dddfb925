"""A comparison with somebody else's record: what it cannot say is undecided, never equal."""

from __future__ import annotations

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.report import NOT_CHECKED_WORD, Report, first_word
from envprint.documents.codec import fingerprint_shape
from envprint.judging.compare import compare
from envprint.judging.context import Request, agreed
from tests.builders.records import (
    COLLECT_ENV,
    CONDA_LIST,
    FREEZE,
    NVIDIA_TABLE,
    NVIDIA_XML,
    REQUIREMENTS,
    SHORT_FREEZE,
    UV_LOCK,
    take_in,
)

NAME = "facts.packages.distributions"


def judged(before: str, after: str) -> Report:
    return agreed(Request(), fingerprint_shape).drift(take_in(before), take_in(after))


def changes(before: Fingerprint, after: Fingerprint) -> dict[str, tuple[object, object]]:
    found = compare(before, after, fingerprint_shape()).changes
    return {change.path: (change.before, change.after) for change in found}


def test_a_package_that_a_whole_list_lacks_is_removed() -> None:
    found = changes(take_in(FREEZE), take_in(FREEZE.replace("grpcio==1.66.1\n", "")))
    assert list(found) == [f"{NAME}[grpcio]"]


@pytest.mark.parametrize("short", [SHORT_FREEZE, REQUIREMENTS, UV_LOCK, COLLECT_ENV])
def test_a_package_that_a_short_list_lacks_is_no_change(short: str) -> None:
    whole = take_in(FREEZE)
    for sides in ((whole, take_in(short)), (take_in(short), whole)):
        gone = [path for path in changes(*sides) if path.endswith("[tensorflow]")]
        assert gone == []


def test_a_package_that_takes_part_and_that_a_short_list_may_lack_is_undecided() -> None:
    report = judged(FREEZE, SHORT_FREEZE)
    assert f"{NAME}[tensorflow]" in {one.path for one in report.undecided}


def test_a_release_and_its_build_are_not_two_versions() -> None:
    plain = COLLECT_ENV.replace("2.1.0+cu121", "2.1.0")
    path = "facts.frameworks.torch.version"
    assert path not in changes(take_in(COLLECT_ENV), take_in(plain))
    other = COLLECT_ENV.replace("2.1.0+cu121", "2.2.0")
    assert changes(take_in(COLLECT_ENV), take_in(other))[path] == ("2.1.0+cu121", "2.2.0")


def test_a_size_that_is_known_in_whole_mib_is_the_same_size() -> None:
    record = take_in(NVIDIA_XML)
    devices = {"0": {**record.facts["gpu"]["devices"]["0"]}}
    devices["0"]["memory_total_bytes"] += 12345
    gpu = {**record.facts["gpu"], "devices": devices}
    captured = record._replace(captured_via="cli", facts={**record.facts, "gpu": gpu})
    assert changes(record, captured) == changes(captured, record) == {}


def test_the_name_of_a_channel_and_its_address_are_not_two_channels() -> None:
    address = CONDA_LIST.replace(" conda-forge", " https://conda.example.org/conda-forge/linux-64")
    assert changes(take_in(CONDA_LIST), take_in(address)) == {}
    other = changes(take_in(CONDA_LIST), take_in(CONDA_LIST.replace(" conda-forge", " main")))
    assert set(other.values()) == {("conda-forge", "main")}


@pytest.mark.parametrize(
    ("before", "after"),
    [(FREEZE, NVIDIA_TABLE), (NVIDIA_XML, CONDA_LIST), ("a==1\nb==2\n", "c==1\nd==2\n")],
)
def test_two_records_without_a_value_in_common_are_not_checked(before: str, after: str) -> None:
    report = judged(before, after)
    assert first_word(report, report.impact) == NOT_CHECKED_WORD
    assert report.not_checked and report.not_checked.startswith("nothing can be compared: ")


@pytest.mark.parametrize("text", [FREEZE, COLLECT_ENV, UV_LOCK, CONDA_LIST])
def test_equal_records_are_equal_in_what_they_hold_and_no_more(text: str) -> None:
    report = judged(text, text)
    assert "no difference in what both sides hold" in report.summary or report.not_checked
    assert len(report.undecided) > 10
    assert agreed(Request(on_unknown="fail"), fingerprint_shape).exit_code(report) == 3


def test_a_framework_that_a_record_says_nothing_of_is_not_taken_for_installed() -> None:
    assert judged(SHORT_FREEZE, SHORT_FREEZE).workload.frameworks == ("numpy",)
    assert judged(NVIDIA_XML, NVIDIA_XML).not_checked


def test_two_pasted_texts_name_what_differs() -> None:
    before = f"It fails here.\n```\n{COLLECT_ENV}```\n\n```\n{NVIDIA_TABLE}```\n"
    after = before.replace("2.1.0+cu121", "2.4.0+cu124").replace("1.23.5", "1.26.4")
    report = judged(before, after)
    assert report.impact == Impact.NUMERIC
    assert {"torch-version-changed", "numpy-version-changed"} <= {f.rule for f in report.findings}
