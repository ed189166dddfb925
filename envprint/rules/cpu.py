"""The effect of the processor on a result: instruction sets, vendor, usable share.

The rules judge the instruction sets and threads that libraries get from the processor: a feature
that every library is set to avoid, or that no library of the job uses, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint import knowledge
from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Command
from envprint.core.workload import Workload, always, machine, on_cpu, uses
from envprint.rules import framework_switches
from envprint.rules.kit import instruction_sets, threads
from envprint.rules.kit.setting_rules import changed_by_machine, changed_by_variables
from envprint.rules.kit.settings import variable, variables_of

# The effect of CPU time limits of control groups.
QUOTAS_RULES = (
    Rule(
        id="cpu-quota-changed",
        title="The control group's CPU limit differs",
        impact=Impact.PERF,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=("facts.cpu.quota_cpus",),
        why="A quota slows threads down. Most libraries count the usable CPUs and ignore the "
        "quota, so they start the same number of threads.",
        not_when="The program itself derives its number of threads or workers from the quota.",
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
        title="scikit-learn starts a different number of threads",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("scikit-learn"),
        watches=("facts.cpu.quota_cpus", "facts.cpu.cores", "facts.cpu.threads"),
        why="scikit-learn alone counts the control group's CPU limit, and it counts cores instead "
        "of hardware threads. K-means and others add up what each thread computed.",
        not_when="OMP_NUM_THREADS is set on both sides, or LOKY_MAX_CPU_COUNT is below both.",
        remedy="Fix the thread counts on both sides.",
        evidence=(
            Evidence(
                "The default of scikit-learn's OpenMP threads",
                "https://scikit-learn.org/stable/computing/parallelism.html",
            ),
            Evidence(
                "How it counts: quotas, and only cores since 1.3",
                "https://github.com/scikit-learn/scikit-learn/pull/26082",
            ),
        ),
        drift=changed_by_machine(
            ("facts.cpu.quota_cpus", "facts.cpu.cores"),
            threads.SCIKIT_LEARN,
            remedy="Fix the thread counts on both sides.",
        ),
        yields_to=("cpu-usable-threads-changed",),
    ),
)


_VENDOR = "facts.cpu.vendor"


def _vendor(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change(_VENDOR)
    if change is None:
        return
    sides = (comparison.before, comparison.after)
    if not all(variables_of(side).get("MKL_CBWR") == "COMPATIBLE" for side in sides):
        yield Match(
            f"the processor's vendor was {change.before}, is {change.after}",
            (_VENDOR,),
            change.before,
            change.after,
        )


_ARCHITECTURE = "facts.cpu.architecture"


def _architecture(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change(_ARCHITECTURE)
    if change is None:
        return
    # Only for x86, PyTorch is built with MKL, from which its CPU generator takes Bernoulli draws.
    draws = workload.device == "cpu" and "torch" in workload.frameworks
    is_x86_on_one_side = "x86_64" in (change.before, change.after)
    yield Match(
        f"the architecture was {change.before}, is {change.after}",
        (_ARCHITECTURE,),
        change.before,
        change.after,
        impact=Impact.DIVERGES if draws and is_x86_on_one_side else None,
    )


_MICROCODE, _MODEL = "facts.cpu.microcode", "facts.cpu.model"


def _known_bad_microcode(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    microcode = now.value(_MICROCODE)
    revision = _revision(microcode)
    if revision is None:
        return
    vendor, words = now.value(_VENDOR), (now.value(_MODEL) or "").split()
    for entry in knowledge.entries("known_bad_microcode"):
        is_it = entry["vendor"] == vendor and entry["model"] in words
        if is_it and int(entry["first"], 16) <= revision < int(entry["fixed"], 16):
            yield Match(
                f"microcode {microcode} of this {entry['model']} {entry['does']}; "
                f"{entry['fixed']} no longer does",
                (_MICROCODE, _MODEL),
                after=microcode,
            )


def _revision(microcode: str | None) -> int | None:
    try:
        return int(microcode or "", 16)
    except ValueError:
        return None


_OLD_MICROCODE = "facts.cpu.old_microcode"


def _old_microcode(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    if now.value(_OLD_MICROCODE):
        revision = now.get(_MICROCODE)
        text = "Linux knows a later microcode for this processor"
        yield Match(f"{text} than {revision}" if revision else text, (_OLD_MICROCODE,))


_TORCH_AVX512 = Evidence(
    "PyTorch results differ between AVX2 and AVX-512 with deterministic mode on",
    "https://github.com/pytorch/pytorch/issues/155423",
)

RULES = (
    Rule(
        id="cpu-architecture-changed",
        title="The processor's architecture differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=("facts.cpu.architecture",),
        why="A different architecture runs different kernels and a different C mathematics "
        "library, and both round differently. On x86, PyTorch draws its CPU dropout masks "
        "with MKL's generator, elsewhere with its own: the same seed gives different masks.",
        not_when="The code computes with integers only. Without PyTorch on the CPU, the finding "
        "is numeric.",
        remedy="Run on the same architecture, or compare results with a tolerance.",
        evidence=(
            Evidence(
                "The errors of the C library's functions are listed for each architecture",
                ""
                "https://sourceware.org/glibc/manual/latest/html_node/Errors-in-Math-Functions.html",
            ),
            Evidence(
                "Dropout on the CPU with one seed differs between x86 and ARM",
                "https://github.com/pytorch/pytorch/issues/121595",
            ),
        ),
        drift=_architecture,
        probed=True,
    ),
    Rule(
        id="cpu-isa-changed",
        title="Libraries choose kernels for a different instruction set",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=("facts.cpu.flags",),
        why="Kernels for AVX-512, AVX2 and SSE add and multiply in different orders and widths, so "
        "sums round differently.",
        not_when="Every library of the job is limited to an instruction set that both processors "
        "have. XLA has no such limit, so it is judged by the processor alone.",
        remedy="Limit every library on both sides to the lower instruction set.",
        evidence=(
            _TORCH_AVX512,
            Evidence(
                "Limiting PyTorch's own kernels is not enough: those of its libraries still differ",
                "https://github.com/pytorch/pytorch/issues/155552",
            ),
            Evidence("OpenBLAS kernels of two instruction sets", measured="np.ct_Haswell"),
        ),
        drift=changed_by_machine(
            ("facts.cpu.flags",),
            *instruction_sets.ISAS,
            framework_switches.ONEDNN,
            remedy="Limit every library on both sides to the lower instruction set.",
        ),
        yields_to=("cpu-architecture-changed",),
        probed=True,
    ),
    Rule(
        id="cpu-vendor-changed",
        title="The processor's vendor differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch") & on_cpu & machine("x86_64"),
        watches=(_VENDOR, variable("MKL_CBWR")),
        why="PyTorch's MKL chooses its code path by the vendor as well as by the features. "
        "COMPATIBLE is the only branch with reproducible results that works on other vendors' "
        "processors.",
        not_when="MKL_CBWR=COMPATIBLE is in force on both sides, or the job calls no linear "
        "algebra.",
        remedy=Command("export MKL_CBWR=COMPATIBLE"),
        note="On both sides, with the same number of threads.",
        evidence=(
            Evidence(
                "MKL_CBWR on Intel processors and on others",
                "https://www.intel.com/content/www/us/en/docs/onemkl/developer-guide-linux/2025-1/"
                "get-started-with-conditional-num-reproducibility.html",
            ),
        ),
        drift=_vendor,
        yields_to=("cpu-architecture-changed", "cpu-isa-changed"),
        probed=True,
    ),
    Rule(
        id="cpu-usable-threads-changed",
        title="A different number of CPUs is usable",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=("facts.cpu.usable_threads",),
        why="Libraries start one thread per usable CPU and split sums among them; a different "
        "split rounds differently. An affinity mask or a container's CPU set is enough to "
        "change the count.",
        not_when="The thread counts are fixed at a number both sides have, or the operations are "
        "too small to be split.",
        remedy="Fix the thread counts on both sides.",
        evidence=(
            Evidence("The job on one CPU and on two", measured="tf.taskset"),
            Evidence(
                "PyTorch results depend on the number of threads",
                "https://github.com/pytorch/pytorch/issues/88718",
            ),
        ),
        drift=changed_by_machine(
            ("facts.cpu.usable_threads",),
            *threads.THREADS,
            remedy="Fix the thread counts on both sides.",
        ),
        probed=True,
    ),
    Rule(
        id="torch-cpu-capability-limited",
        title="PyTorch's kernels are limited differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("torch") & on_cpu,
        watches=(variable("ATEN_CPU_CAPABILITY"),),
        why="ATEN_CPU_CAPABILITY selects kernels compiled for one instruction set; they sum in "
        "different widths.",
        not_when="The value names what the processor would get anyway, or it is not one of "
        "default, avx2, avx512 in lower case: then PyTorch ignores it.",
        remedy="Give ATEN_CPU_CAPABILITY the same value on both sides.",
        evidence=(
            _TORCH_AVX512,
            Evidence("avx2 on a processor with AVX-512", measured="pt.cap_avx2"),
        ),
        drift=changed_by_variables(instruction_sets.ATEN),
        probed=True,
    ),
    Rule(
        id="onednn-isa-limited",
        title="oneDNN is limited to a different instruction set",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("tensorflow", "torch", "jax") & on_cpu,
        watches=(variable("ONEDNN_MAX_CPU_ISA"), variable("DNNL_MAX_CPU_ISA")),
        why="oneDNN chooses a different kernel, which sums in a different order. TensorFlow's "
        "matrix products use oneDNN even with TF_ENABLE_ONEDNN_OPTS=0, and so do XLA's in JAX.",
        not_when="The limit leaves the class that float32 uses (AVX, AVX2, AVX-512) unchanged. "
        "Jobs in bfloat16 or int8 also depend on the finer steps inside AVX-512, which "
        "are not judged.",
        remedy="Give ONEDNN_MAX_CPU_ISA the same value on both sides.",
        evidence=(
            Evidence("SSE41 on a processor with AVX-512", measured="tf.isa_SSE41"),
            Evidence("AVX2 with oneDNN off", measured="tf.isa_AVX2_onednn0"),
            Evidence("SSE41 with JAX", measured="jax.onednn"),
            Evidence(
                "ONEDNN_MAX_CPU_ISA and its values",
                "https://uxlfoundation.github.io/oneDNN/dev_guide_cpu_dispatcher_control.html",
            ),
        ),
        drift=changed_by_variables(instruction_sets.ONEDNN),
        probed=True,
    ),
    Rule(
        id="numpy-cpu-features-limited",
        title="NumPy's loops are limited differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("numpy", "scikit-learn"),
        watches=(variable("NPY_DISABLE_CPU_FEATURES"), variable("NPY_ENABLE_CPU_FEATURES")),
        why="NumPy's loops for exp, log, sums and more differ between instruction sets by up to a "
        "few units in the last place.",
        not_when="The names affect none of this NumPy's loops: 2.4 knows X86_V3 and X86_V4 and "
        "ignores older names. From 1.25 to 2.3, AVX512F and AVX512CD count; before that, "
        "AVX512F and AVX512_SKX, and AVX2 only where those are off.",
        remedy="Give NPY_DISABLE_CPU_FEATURES the same value on both sides.",
        evidence=(
            Evidence("AVX512_SKX alone with NumPy 2.2", measured="numpy.2-2.features-skx"),
            Evidence("X86_V3 and X86_V4 off", measured="np.npy1"),
            Evidence(
                "NumPy accepts 4 units in the last place between instruction sets",
                "https://github.com/numpy/numpy/issues/23523",
            ),
            Evidence(
                "The variable and its feature names in current NumPy",
                "https://numpy.org/doc/stable/reference/simd/build-options.html#runtime-simd-dispatch",
            ),
        ),
        drift=changed_by_variables(instruction_sets.NUMPY),
        probed=True,
    ),
    Rule(
        id="cpu-microcode-known-bad",
        title="The processor runs microcode with a known fault",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(_MICROCODE, _MODEL, _VENDOR),
        why="The vendor replaced this microcode because processors become unstable with it: "
        "programs crash, or go on with wrong numbers.",
        not_when="The processor is not worn yet, or the firmware was set to lower voltages. A "
        "revision that Linux loaded itself does not undo it: this fault is mended by the firmware.",
        remedy="Update the firmware (BIOS) of the mainboard.",
        note="A processor that has failed once stays unstable; Intel replaces it.",
        evidence=(
            Evidence(
                "Why 13th and 14th generation desktop processors become unstable",
                "https://community.intel.com/t5/Blogs/Tech-Innovation/Client/"
                "Intel-Core-13th-and-14th-Gen-Desktop-Instability-Root-Cause/post/1633446",
            ),
            Evidence(
                "The microcode must be loaded by the firmware to be effective",
                "https://github.com/intel/Intel-Linux-Processor-Microcode-Data-Files/issues/84",
            ),
        ),
        state=_known_bad_microcode,
        advice=True,
    ),
    Rule(
        id="cpu-microcode-old",
        title="Linux knows a later microcode for the processor",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=always,
        watches=(_OLD_MICROCODE, _MICROCODE),
        why="The kernel has a list of released microcode, and this processor runs an older one, "
        "with at least one issue that is known and mended. It may be one of security alone, or "
        "one of wrong results.",
        not_when="None of the mended issues concerns arithmetic; the kernel does not tell.",
        remedy="Update the package with the vendor's microcode or the firmware, and restart.",
        evidence=(
            Evidence(
                "What Linux says of old microcode",
                "https://docs.kernel.org/admin-guide/hw-vuln/old_microcode.html",
            ),
        ),
        state=_old_microcode,
        advice=True,
        yields_to=("cpu-microcode-known-bad",),
    ),
    *QUOTAS_RULES,
)
