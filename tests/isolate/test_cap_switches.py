"""Another processor, as far as limits of libraries imitate it."""

from __future__ import annotations

import sys

from envprint.core.fingerprint import Fingerprint
from envprint.core.isolation import CAP, Plan
from envprint.documents.codec import fingerprint_shape
from envprint.isolate.cap_switches import with_caps
from envprint.isolate.variables import variables_of
from envprint.judging.context import Request, agreed
from tests.builders.support import fingerprint

AVX2 = ["avx", "avx2", "fma", "sse4_1", "sse4_2"]
AVX512 = [*AVX2, "avx512bw", "avx512dq", "avx512f", "avx512vl"]


def machine(flags: list[str]) -> Fingerprint:
    return fingerprint(
        {
            "facts.cpu.flags": flags,
            "facts.cpu.vendor": "AuthenticAMD",
            "facts.cpu.architecture": "x86_64",
            "facts.frameworks.numpy": {"version": "2.4.6"},
        }
    )


def planned(before: Fingerprint, after: Fingerprint) -> Plan:
    report = agreed(Request(), fingerprint_shape).drift(before, after)
    return with_caps(Plan((), ()), (before, after), report, sys.executable)


OLD = machine(AVX2)
HERE = machine(AVX512)._replace(reference="now")


def test_a_baseline_with_fewer_instructions_is_a_limit_for_each_library() -> None:
    found = planned(OLD, HERE)
    assert [(one.what, one.before, one.after) for one in found.switches] == [
        ("OPENBLAS_CORETYPE", "Haswell", None),
        ("NPY_DISABLE_CPU_FEATURES", "X86_V4", None),
    ]
    assert {one.kind for one in found.switches} == {CAP}
    assert found.switches[0].in_words() == "the processor, by OPENBLAS_CORETYPE Haswell → unset"
    assert "NumPy computes as recorded" in found.fixed[0].reason


def test_only_the_trials_of_that_side_have_the_limit() -> None:
    found = planned(OLD, HERE)
    limited = variables_of(found, (), (OLD, HERE), "/venv", {})
    assert limited["OPENBLAS_CORETYPE"] == "Haswell"
    switched = [one.name for one in found.switches]
    assert "OPENBLAS_CORETYPE" not in variables_of(found, switched, (OLD, HERE), "/venv", {})


def test_more_instructions_than_there_are_here_cannot_be_imitated() -> None:
    more = machine(AVX512)
    assert planned(more, machine(AVX2)._replace(reference="now")).switches == ()


def test_without_a_side_of_this_machine_nothing_is_limited() -> None:
    assert planned(OLD, machine(AVX512)).switches == ()
