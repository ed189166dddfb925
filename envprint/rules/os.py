"""The effect of the operating system on a result: little, with a few exceptions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Command
from envprint.core.versions import numbers
from envprint.core.workload import Workload, always, machine

_RELEASE = "facts.os.kernel_release"

# 5.4.0-187-generic   5.3.0-2-amd64
# Many distributions fixed the bug under such a number:
# https://go.dev/wiki/LinuxKernelSignalVectorBug
_DISTRIBUTION = r"\d+\.\d+\.0-\d+\D.*"


_CONCERNED = ((5, 2), (5, 3), (5, 4))


def is_known_bad(release: str) -> bool:
    """Whether a kernel with this version may corrupt vector registers.

    Debian and Ubuntu number all their builds of a series X.Y.0 and backport fixes themselves.
    """
    number = (*numbers(release), 0, 0, 0)
    major, minor, patch = number[:3]
    if (major, minor) not in _CONCERNED or re.fullmatch(_DISTRIBUTION, release):
        return False
    if (major, minor) == (5, 3):
        return patch < 15
    return (major, minor) == (5, 2) or ((major, minor) == (5, 4) and patch < 2)


def _kernel(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    release = now.value(_RELEASE)
    if release and now.value("facts.os.system") == "Linux" and is_known_bad(release):
        yield Match(f"the kernel is {release}", (_RELEASE,), after=release)


RULES = (
    Rule(
        id="os-kernel-known-bad",
        title="This kernel may corrupt vector registers",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=machine("x86_64"),
        watches=(_RELEASE, "facts.os.system"),
        why="Linux 5.2, 5.3 before 5.3.15 and 5.4 before 5.4.2 can return from a signal with "
        "corrupted AVX registers, whatever the program.",
        not_when="The kernel was built with GCC 8 or older, or the distribution fixed it under "
        "the old number; for releases such as 5.4.0-187-generic, whose number does not "
        "show that, nothing is reported. Programs that receive no signals are not "
        "affected.",
        remedy="Boot Linux 5.4.2 or later, or 5.3.15 or later of the 5.3 series.",
        evidence=(
            Evidence(
                "The fault, its range and its fix", "https://go.dev/wiki/LinuxKernelSignalVectorBug"
            ),
            Evidence("How it was found", "https://github.com/golang/go/issues/35777"),
        ),
        state=_kernel,
    ),
    Rule(
        id="os-system-changed",
        title="The operating system differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=("facts.os.system",),
        why="A different system has a different C library and different builds of every package. "
        "NumPy's older integer draws follow the size of a C long, which differs on Windows.",
        not_when="The job computes with integers only.",
        remedy="Run on the same system, or compare results with a tolerance.",
        evidence=(
            Evidence(
                "What NumPy promises about random streams across platforms",
                "https://numpy.org/neps/nep-0019-rng-policy.html",
            ),
        ),
    ),
    Rule(
        id="os-locale-changed",
        title="The locale differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=("facts.os.locale",),
        why="The locale controls how the shell and locale-aware code sort names, and how some "
        "programs read numbers and dates.",
        not_when="The code sorts with Python's sorted() and reads no locale-dependent numbers: "
        "training itself does not use the locale.",
        remedy=Command("export LC_ALL=C.UTF-8"),
        note="On both sides.",
        evidence=(
            Evidence(
                "What a locale controls", "https://man7.org/linux/man-pages/man7/locale.7.html"
            ),
            Evidence("No effect on a network", measured="tf.locale"),
        ),
        advice=True,
    ),
)
