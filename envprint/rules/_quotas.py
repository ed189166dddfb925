"""What it does that control groups allow only so much CPU time."""

from __future__ import annotations

from envprint.model import Confidence, Impact
from envprint.rule import Evidence, Rule
from envprint.rules import _threads
from envprint.rules._turns import turned_by_machine
from envprint.workload import always, uses

RULES = (
    Rule(
        id="cpu-quota-changed",
        title="The control group's CPU limit differs",
        impact=Impact.PERF,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=("facts.cpu.quota_cpus",),
        why="A quota slows threads down; most libraries count the usable CPUs and not the quota, "
        "so they start the same number of threads.",
        not_when="The program itself derives a number of threads or workers from the quota.",
        remedy="Give the container the same CPU limit.",
        evidence=(
            Evidence(
                "The CPU controller limits time, not which CPUs are usable",
                "https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files",
            ),
        ),
        yields_to=("cpu-quota-limits-threads",),
    ),
    Rule(
        id="cpu-quota-limits-threads",
        title="scikit-learn starts another number of threads",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("scikit-learn"),
        watches=("facts.cpu.quota_cpus", "facts.cpu.cores", "facts.cpu.threads"),
        why="Of all libraries scikit-learn counts the control group's CPU limit, and cores instead "
        "of hardware threads; k-means and others add up what each thread has found.",
        not_when="OMP_NUM_THREADS is set on both sides, or LOKY_MAX_CPU_COUNT is below both.",
        remedy="Fix the thread counts on both sides",
        evidence=(
            Evidence(
                "The default of scikit-learn's OpenMP threads",
                "https://scikit-learn.org/stable/computing/parallelism.html",
            ),
            Evidence(
                "How it is counted: quotas, and cores only since 1.3",
                "https://github.com/scikit-learn/scikit-learn/pull/26082",
            ),
        ),
        drift=turned_by_machine(
            ("facts.cpu.quota_cpus", "facts.cpu.cores"),
            _threads.SCIKIT_LEARN,
            remedy="Fix the thread counts on both sides",
        ),
        yields_to=("cpu-usable-threads-changed",),
    ),
)
