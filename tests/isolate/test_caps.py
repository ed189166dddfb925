"""Limits for a processor with more instructions, and what is claimed of each framework."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.isolate.caps import NONE, Caps, caps_for
from tests.builders.environments import bare, packages_of
from tests.builders.support import fingerprint

AVX2 = ["avx", "avx2", "fma", "sse4_1", "sse4_2"]
AVX512 = [*AVX2, "avx512bw", "avx512dq", "avx512f", "avx512vl", "avx512_vnni"]
AMD, INTEL = "AuthenticAMD", "GenuineIntel"


def machine(flags: list[str], vendor: str = AMD, **frameworks: str) -> Fingerprint:
    values: dict[str, Any] = {
        "facts.cpu.flags": flags,
        "facts.cpu.vendor": vendor,
        "facts.cpu.architecture": "x86_64",
    }
    for name, version in frameworks.items():
        values[f"facts.frameworks.{name}"] = {"version": version}
    return fingerprint(values)


def caps(recorded: Fingerprint, here: Fingerprint, python: str | None = None, **given: str) -> Caps:
    return caps_for(recorded, here, python, given)


def test_equal_processors_need_no_limit() -> None:
    assert caps(machine(AVX2, numpy="2.4.6"), machine(AVX2)) == NONE


def test_numpy_is_limited_to_avx2_by_names_of_its_release() -> None:
    found = caps(machine(AVX2, numpy="2.4.6"), machine(AVX512))
    assert dict(found.variables) == {
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4",
    }
    assert found.claims == ("NumPy computes as recorded, bit for bit (names from a table)",)


def pretended_numpy(place: Path, dispatch: str, enabled: str) -> str:
    python = bare(place)
    folder = packages_of(place) / "numpy" / "_core"
    folder.mkdir(parents=True)
    for name in (folder.parent, folder):
        (name / "__init__.py").write_text("")
    (folder / "_multiarray_umath.py").write_text(
        f"__cpu_dispatch__ = {dispatch.split()}\n"
        f"__cpu_features__ = dict.fromkeys({enabled.split()}, True)\n"
    )
    return python


def test_the_names_that_numpy_knows_are_read_from_the_installed_one(tmp_path: Path) -> None:
    python = pretended_numpy(
        tmp_path, "X86_V3 X86_V4 AVX512_ICL AVX512_SPR AVX512_NEW", "X86_V3 X86_V4 AVX512_NEW"
    )
    found = caps(machine(AVX2, numpy="2.4.6"), machine(AVX512), python)
    assert dict(found.variables)["NPY_DISABLE_CPU_FEATURES"] == "X86_V4 AVX512_NEW"
    assert found.claims == (
        "NumPy computes as recorded, bit for bit (names from the installed NumPy)",
    )


def test_a_numpy_that_cannot_be_imported_leaves_the_table(tmp_path: Path) -> None:
    python = bare(tmp_path)
    found = caps(machine(AVX2, numpy="2.2.3"), machine(AVX512), python)
    assert dict(found.variables)["NPY_DISABLE_CPU_FEATURES"] == "AVX512F"


@pytest.mark.parametrize(
    ("vendors", "variables", "claim"),
    [
        (
            (AMD, AMD),
            {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
            "PyTorch computes as recorded, bit for bit, except in LSTM layers",
        ),
        (
            (INTEL, INTEL),
            {
                "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2",
                "MKL_ENABLE_INSTRUCTIONS": "AVX2",
            },
            "PyTorch is limited to avx2; not measured beside a processor of this vendor",
        ),
        (
            (INTEL, AMD),
            {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
            "PyTorch does not compute as recorded: MKL chooses by vendor, and the recorded "
            "processor is of another one",
        ),
    ],
)  # fmt: skip
def test_pytorch_is_claimed_within_the_vendor_that_was_measured(
    vendors: tuple[str, str], variables: dict[str, str], claim: str
) -> None:
    found = caps(machine(AVX2, vendors[0], torch="2.13.0"), machine(AVX512, vendors[1]))
    assert (dict(found.variables), found.claims) == (variables, (claim,))


def test_tensorflow_gets_its_limits_and_no_claim() -> None:
    found = caps(machine(AVX2, tensorflow="2.21.0"), machine(AVX512))
    assert dict(found.variables) == {"ONEDNN_MAX_CPU_ISA": "AVX2", "TF_ENABLE_ONEDNN_OPTS": "0"}
    assert found.claims[0].startswith("TensorFlow does not compute as recorded")


def test_a_variable_of_the_record_is_kept() -> None:
    found = caps(machine(AVX2, numpy="2.4.6"), machine(AVX512), OPENBLAS_CORETYPE="Prescott")
    assert dict(found.variables) == {"NPY_DISABLE_CPU_FEATURES": "X86_V4"}


def test_below_avx2_nothing_is_claimed() -> None:
    found = caps(machine(["sse4_2"], numpy="2.4.6", torch="2.13.0"), machine(AVX512))
    assert found.claims[0] == "NumPy: not measured for sse (names from a table)"
    assert "not measured" in found.claims[1]


def test_a_processor_with_less_cannot_be_helped() -> None:
    found = caps(machine(AVX512, numpy="2.4.6"), machine(AVX2))
    assert found == Caps(
        (), ("this processor has avx2 and the recorded one avx512: no limit adds the rest",)
    )


def test_unknown_features_are_said() -> None:
    recorded = fingerprint({}, {"facts.cpu.flags": "not readable"})
    found = caps(recorded, machine(AVX512))
    assert found.variables == ()
    assert "not readable" in found.claims[0]
