"""The effect of the variables that switch PyTorch's compiler."""

from __future__ import annotations

from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Rule
from envprint.core.workload import uses
from envprint.rules.kit.settings import variable, when_changed

_VARIABLES = (
    "TORCHDYNAMO_DISABLE",
    "TORCH_COMPILE_DISABLE",
    "TORCHDYNAMO_SUPPRESS_ERRORS",
    "TORCHINDUCTOR_MAX_AUTOTUNE",
    "TORCHINDUCTOR_MAX_AUTOTUNE_GEMM",
    "TORCHINDUCTOR_MAX_AUTOTUNE_POINTWISE",
    "TORCHINDUCTOR_COORDINATE_DESCENT_TUNING",
    "TORCHINDUCTOR_EMULATE_PRECISION_CASTS",
    "TORCHINDUCTOR_FREEZING",
    "TORCHINDUCTOR_CPP_WRAPPER",
)

RULES = (
    Rule(
        id="torch-compile-switched",
        title="PyTorch's compiler is switched differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch"),
        watches=tuple(map(variable, _VARIABLES)),
        why="Compiled code joins operations and keeps intermediate values at a different "
        "precision than code that runs operation by operation, and tuning chooses different "
        "kernels; both round differently.",
        not_when="The program does not call torch.compile().",
        remedy="Give the variable the same value on both sides.",
        evidence=(
            Evidence(
                "Results with and without torch.compile() differ",
                "https://github.com/pytorch/pytorch/issues/113169",
            ),
            Evidence(
                "The variables of the compiler",
                "https://docs.pytorch.org/docs/stable/torch.compiler_troubleshooting.html",
            ),
        ),
        drift=when_changed(*_VARIABLES),
    ),
)
