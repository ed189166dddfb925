"""What environment variables do to a result: misspelt ones, late ones, and switches of kernels."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.model import Confidence, Evidence, Fingerprint, Impact, Match, Rule, Workload
from envprint.workload import always, machine, on_cpu, uses


def _misspelt(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    for name, meant in sorted((now.value("facts.environ.misspelt") or {}).items()):
        yield Match(
            f"{name} is set, {meant} was probably meant",
            (f"facts.environ.misspelt[{name}]", f"facts.environ.variables[{name}]"),
            after=name,
            remedy=f"unset {name}; export {meant}=…",
        )


RULES = (
    Rule(
        id="environ-name-misspelt",
        title="A variable's name is misspelt",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=("facts.environ.misspelt",),
        why="No program reads a variable under a name it does not know: the setting that was meant "
        "has no effect, and nothing says so.",
        not_when="The name belongs to a program that envprint does not know.",
        remedy="Set the variable under its right name before the interpreter starts.",
        evidence=(
            Evidence(
                "PYTHONHASHSEED is the name that CPython reads",
                "https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED",
            ),
        ),
        state=_misspelt,
    ),
    Rule(
        id="tensorflow-onednn-switched",
        title="oneDNN is switched differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("tensorflow") & on_cpu & machine("x86_64", "aarch64"),
        watches=("facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]",),
        why="oneDNN's kernels add in another order than Eigen's, so sums round differently.",
        not_when="TensorFlow before 2.9, where oneDNN was off unless switched on; or both values mean "
        "the same (unset and 1 from 2.9 on).",
        remedy="Give TF_ENABLE_ONEDNN_OPTS the same value on both sides.",
        evidence=(
            Evidence(
                "TensorFlow logs that oneDNN may give slightly different results",
                "https://discuss.ai.google.dev/t/tf-enable-onednn-opts-0-issue/22171",
            ),
        ),
    ),
)
