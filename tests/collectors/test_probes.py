"""What probes told becomes facts; what nobody measured is unknown and says how to measure it."""

from __future__ import annotations

from typing import Any

from envprint.collectors._runner import capture
from envprint.collectors.probes import collect
from envprint.core.fingerprint import NOT_IMPORTED, NOT_MEASURED, NOT_TRAINED, Unknown
from envprint.documents.codec import dumps, loads
from envprint.machine.live import LiveHost
from tests.builders.support import host

TOLD: dict[str, Any] = {
    "revision": "r",
    "version": "2.4.6",
    "device": "cpu",
    "settings": {"threads": "2"},
    "runs": 3,
    "digests": {"matmul/large float32": ["a"], "fft/real float32": ["b", "c"]},
    "errors": {"matmul/large bfloat16": "TypeError: no"},
}


def collected(**probes: Any) -> Any:
    return collect(host(interpreter={"probes": probes}))


def test_nothing_was_measured() -> None:
    assert collect(host(interpreter={})) == {
        "numeric": Unknown(NOT_MEASURED),
        "training": Unknown(NOT_TRAINED),
        "imports": Unknown(NOT_IMPORTED),
    }


def test_digests_are_facts_and_what_varies_or_fails_is_unknown() -> None:
    (key, reported), *others = collected(numeric={"numpy": TOLD})["numeric"].items()
    assert (key, others) == ("numpy", [])
    assert reported == {
        "revision": "r",
        "version": "2.4.6",
        "device": "cpu",
        "settings": {"threads": "2"},
        "runs": 3,
        "digests": {
            "matmul/large float32": "a",
            "fft/real float32": Unknown("it does not repeat itself here"),
            "matmul/large bfloat16": Unknown("TypeError: no"),
        },
        "varying": ["fft/real float32"],
    }


def test_a_framework_that_refuses_is_unknown_with_its_reason() -> None:
    refused = {"refused": "ImportError: libcudart.so.12", "digests": {}, "errors": {}, "runs": 1}
    assert collected(numeric={"torch": refused})["numeric"] == {
        "torch": Unknown("ImportError: libcudart.so.12")
    }


def test_a_capture_holds_what_was_measured_and_its_digest_is_that_of_the_environment() -> None:
    bare, probed = LiveHost(), LiveHost()
    probed.set_probe_results({"numeric": {"numpy": TOLD}})
    without, fingerprint = capture(bare), capture(probed)
    place = "facts.probes.numeric[numpy]"
    assert fingerprint.value(f"{place}.digests[matmul/large float32]") == "a"
    assert fingerprint.unknown[f"{place}.digests[matmul/large bfloat16]"] == "TypeError: no"
    assert fingerprint.digest == without.digest
    assert fingerprint.section_digests["probes"] != without.section_digests["probes"]
    assert loads(dumps(fingerprint).encode(), "f.json") == fingerprint
    assert without.unknown["facts.probes.numeric"] == NOT_MEASURED


def test_imports_are_facts_without_their_duration_and_a_slow_one_is_unknown() -> None:
    works = {"module": "numpy", "version": "2.4.6", "ok": True, "used": None, "error": None}
    slow = {**works, "ok": None, "refused": "importing it took longer than 120 s"}
    found = collected(
        imports={"numpy": {**works, "seconds": 0.2}, "torch": {**slow, "seconds": 120}}
    )
    assert found["imports"] == {"numpy": works, "torch": Unknown(slow["refused"])}
