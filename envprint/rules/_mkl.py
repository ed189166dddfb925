"""What MKL is told about the processor."""

from __future__ import annotations

from envprint.model import Confidence, Impact
from envprint.rule import Evidence, Rule
from envprint.rules import _isa
from envprint.rules._dials import variable
from envprint.rules._turns import turned_by_variables
from envprint.workload import machine, on_cpu, uses

_MKL_GUIDE = "https://www.intel.com/content/www/us/en/docs/onemkl/developer-guide-linux/2025-1/"
_MKL_BRANCHES = Evidence(
    "MKL_CBWR on processors of Intel and of others",
    _MKL_GUIDE + "get-started-with-conditional-num-reproducibility.html",
)
_MKL_INSTRUCTIONS = Evidence(
    "MKL_ENABLE_INSTRUCTIONS chooses a code path, on Intel's processors only",
    _MKL_GUIDE + "instruction-set-specific-dispatch-on-intel-archs.html",
)

RULES = (
    Rule(
        id="mkl-branch-changed",
        title="MKL is told to use another branch",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("torch") & on_cpu & machine("x86_64"),
        watches=(variable("MKL_CBWR"),),
        why="MKL_CBWR chooses kernels that repeat across processors; they sum in another order.",
        not_when="On processors of other makers than Intel there are two modes only, COMPATIBLE "
        "and whatever else the variable says: AVX2 and AUTO gave the same bits there, and other "
        "bits than without the variable.",
        remedy="Give MKL_CBWR the same value on both sides.",
        evidence=(
            _MKL_BRANCHES,
            Evidence("COMPATIBLE with PyTorch", measured="pt.cbwr"),
            Evidence("AVX2 with PyTorch on an AMD processor", measured="torch.cbwr-avx2"),
        ),
        drift=turned_by_variables(_isa.MKL_BRANCH),
        probed=True,
    ),
    Rule(
        id="mkl-instructions-limited",
        title="MKL is limited to another instruction set",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=uses("torch") & on_cpu & machine("x86_64"),
        watches=(variable("MKL_ENABLE_INSTRUCTIONS"),),
        why="On Intel processors the variable limits which kernels MKL may choose.",
        not_when="The processor is of another maker, where MKL does not obey it, or has no more "
        "than the limit anyway.",
        remedy="Give MKL_ENABLE_INSTRUCTIONS the same value on both sides.",
        evidence=(
            _MKL_INSTRUCTIONS,
            Evidence("No effect on an AMD processor", measured="pt.mklinstr"),
        ),
        drift=turned_by_variables(_isa.MKL_INSTRUCTIONS),
        probed=True,
    ),
)
