"""The effect of MKL's own variables: its branch, its instruction set and how it splits products."""

from __future__ import annotations

from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Rule
from envprint.core.workload import machine, on_cpu, uses
from envprint.rules.kit import instruction_sets, threads
from envprint.rules.kit.setting_rules import changed_by_variables
from envprint.rules.kit.settings import variable

# MKL settings that select processor features.
_MKL_GUIDE = "https://www.intel.com/content/www/us/en/docs/onemkl/developer-guide-linux/2025-1/"
_MKL_BRANCHES = Evidence(
    "MKL_CBWR on Intel processors and on others",
    _MKL_GUIDE + "get-started-with-conditional-num-reproducibility.html",
)
_MKL_INSTRUCTIONS = Evidence(
    "MKL_ENABLE_INSTRUCTIONS selects a code path on Intel processors only",
    _MKL_GUIDE + "instruction-set-specific-dispatch-on-intel-archs.html",
)

RULES = (
    Rule(
        id="mkl-branch-changed",
        title="MKL uses a different branch",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("torch") & on_cpu & machine("x86_64"),
        watches=(variable("MKL_CBWR"),),
        why="MKL_CBWR selects kernels that repeat across processors; they sum in a different "
        "order.",
        not_when="The processor is not from Intel and both values mean the same there: MKL has "
        "only two modes, COMPATIBLE and everything else. AVX2 and AUTO gave the same "
        "bits as each other, but not the bits without the variable.",
        remedy="Give MKL_CBWR the same value on both sides.",
        evidence=(
            _MKL_BRANCHES,
            Evidence("COMPATIBLE with PyTorch", measured="pt.cbwr"),
            Evidence("AVX2 with PyTorch on an AMD processor", measured="torch.cbwr-avx2"),
        ),
        drift=changed_by_variables(instruction_sets.MKL_BRANCH),
        probed=True,
    ),
    Rule(
        id="mkl-instructions-limited",
        title="MKL is limited to a different instruction set",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=uses("torch") & on_cpu & machine("x86_64"),
        watches=(variable("MKL_ENABLE_INSTRUCTIONS"),),
        why="On Intel processors, the variable limits which kernels MKL may choose.",
        not_when="The processor is from another vendor, where MKL ignores the variable, or it has "
        "no more than the limit anyway.",
        remedy="Give MKL_ENABLE_INSTRUCTIONS the same value on both sides.",
        evidence=(
            _MKL_INSTRUCTIONS,
            Evidence("No effect on an AMD processor", measured="pt.mklinstr"),
        ),
        drift=changed_by_variables(instruction_sets.MKL_INSTRUCTIONS),
        probed=True,
    ),
    Rule(
        id="mkl-stripes-changed",
        title="MKL splits its products differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("numpy", "scikit-learn", "torch") & on_cpu & machine("x86_64"),
        watches=(variable("MKL_NUM_STRIPES"),),
        why="The variable fixes along which dimension MKL divides a product among its threads, "
        "and so the order in which it adds. With PyTorch 2.13 on two CPUs, products and a "
        "convolutional network gave different bits.",
        not_when="The values mean the same: no number, 0 and unset do, and no more stripes are "
        "made than there are threads. NumPy computes with MKL in some builds only, such as "
        "conda's.",
        remedy="Give MKL_NUM_STRIPES the same value on both sides.",
        evidence=(Evidence("What the variable does", _MKL_GUIDE + "mkl-num-stripes.html"),),
        drift=changed_by_variables(*threads.STRIPES),
        probed=True,
    ),
)
