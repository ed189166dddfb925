"""Variables that switch PyTorch's compiler, and those of Transformer Engine."""

from __future__ import annotations

import pytest

from envprint.core.impact import Impact
from tests.builders.gpus import A10, machine
from tests.builders.support import drift, fingerprint

VARIABLES = "facts.environ.variables"


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("torch-compile-switched", "TORCHDYNAMO_DISABLE"),
        ("torch-compile-switched", "TORCHINDUCTOR_MAX_AUTOTUNE"),
        ("cuda-transformer-engine-switched", "NVTE_ALLOW_NONDETERMINISTIC_ALGO"),
        ("cuda-transformer-engine-switched", "NVTE_FLASH_ATTN"),
    ],
)
def test_a_variable_that_switches_kernels_is_numeric(rule: str, name: str) -> None:
    unset, one, two = (
        machine(A10, more={VARIABLES: {} if value is None else {name: value}})
        for value in (None, "0", "1")
    )
    for before, after in ((unset, one), (one, two), (two, unset)):
        findings, undecided = drift(rule, before, after, ["torch"], "gpu")
        assert ([f.impact for f in findings], undecided) == ([Impact.NUMERIC], [])
    assert drift(rule, one, one, ["torch"], "gpu") == ([], [])
    assert drift(rule, one, two, ["numpy"], "cpu") == ([], [])


@pytest.mark.parametrize("rule", ["torch-compile-switched", "cuda-transformer-engine-switched"])
def test_variables_that_cannot_be_read_leave_it_undecided(rule: str) -> None:
    unknown = fingerprint(unknown={VARIABLES: "denied"})
    findings, undecided = drift(rule, machine(A10, more={VARIABLES: {}}), unknown, ["torch"], "gpu")
    assert (findings, bool(undecided)) == ([], True)
