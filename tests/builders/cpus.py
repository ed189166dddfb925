"""Fingerprints of processors."""

from __future__ import annotations

from envprint.core.fingerprint import Fingerprint
from tests.builders.support import drift, fingerprint

FLAGS = "facts.cpu.flags"
AVX = ["avx", "sse4_2"]
AVX2 = ["avx", "avx2", "fma", "sse4_2"]
AVX512 = [*AVX2, "avx512bw", "avx512dq", "avx512f", "avx512vl"]


def cpu(flags: list[str], numpy: str = "2.4.6", **variables: str) -> Fingerprint:
    return fingerprint(
        {
            FLAGS: flags,
            "facts.cpu.architecture": "x86_64",
            "facts.cpu.vendor": "GenuineIntel",
            "facts.os.libc": "glibc 2.36",
            "facts.frameworks.numpy": {"version": numpy, "blas": {"name": "scipy-openblas"}},
            "facts.environ.variables": variables,
        }
    )


def limited(rule: str, name: str, value: str, flags: list[str], *frameworks: str) -> list[str]:
    findings, undecided = drift(rule, cpu(flags), cpu(flags, **{name: value}), frameworks)
    assert undecided == []
    return [f.impact.word for f in findings]
