"""The effect of PyTorch's version, build and switches on a result."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Code, Command
from envprint.core.versions import numbers
from envprint.core.workload import Workload, on_gpu, uses
from envprint.rules.kit.devices import DEVICES, cards, field
from envprint.rules.kit.packages import (
    is_other_build,
    restored,
    traces,
    version_changed,
    version_path,
)
from envprint.rules.kit.settings import SWITCHES, variable, variables_of, when_changed

# What the rules about PyTorch look for.
VERSION = version_path("torch")
BUILD = "facts.frameworks.torch.build"
CUDA = "facts.cuda.runtime.built[torch]"
DETERMINISTIC = f"{SWITCHES}[torch-deterministic-algorithms].value"
WARN_ONLY = f"{SWITCHES}[torch-deterministic-warn-only].value"
BENCHMARK = f"{SWITCHES}[torch-cudnn-benchmark].value"
SET_IN_PROGRAM = f"{SWITCHES}[torch-matmul-tf32].value"
"""What a loaded PyTorch reports; if both sides have it, another rule compares it."""
OVERRIDES = ("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")

_SEEDS_WORKERS_FROM = (1, 9)
_TF32_PRODUCTS = ((1, 7), (1, 12))
"""From the first of these versions to before the second, matrix products used TF32 by default."""
_NEEDS_WORKSPACE = ((1, 8), (2, 9))
"""2.9 is as recent as the change and was not checked, so it is not judged."""
_WORKSPACES = (":4096:8", ":16:8")


def build_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """A build for a different kind of device, or for another version of it."""
    kinds, versions = comparison.change(BUILD), comparison.change(VERSION)
    moved = kinds if kinds and kinds.before and kinds.after else None
    other = versions if versions and is_other_build(versions) else None
    change = other or moved
    if change:
        sides = (comparison.before, comparison.after)
        before, after = map(_built_for, sides)
        lost = moved and moved.after == "cpu" and workload.device == "gpu"
        yield Match(
            f"PyTorch was built for {before}, is built for {after}"
            + (": the job runs on the CPU" if lost else ""),
            (BUILD, *traces(comparison, "torch", "torch")),
            change.before,
            change.after,
            None if moved and workload.device == "gpu" else Impact.NUMERIC,
            *restored(comparison, "torch", "torch"),
        )


_version_changed = version_changed(
    "PyTorch", "torch", "torch", also=("git_version",), with_blas=True
)


def another_version(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Another version; another build of the same one has a rule of its own."""
    change = comparison.change(VERSION)
    if not (change and is_other_build(change)):
        yield from _version_changed(comparison, workload)


def _built_for(side: Fingerprint) -> str:
    """The device of a build, and the version of what runs it: `cuda 13.0 (2.13.0+cu130)`."""
    build, cuda = side.get(BUILD, "an unknown device"), side.get(CUDA)
    version = side.get(VERSION)
    return " ".join(filter(None, (build, cuda, version and f"({version})")))


def _multiplies_in_tf32(side: Fingerprint) -> bool | None:
    """Whether matrix products use TF32 by default; None without PyTorch."""
    version, chosen = side.value(VERSION), variables_of(side)
    if not version:
        return None
    if chosen.get(OVERRIDES[0]) == "0":
        return False
    if OVERRIDES[1] in chosen:
        return chosen[OVERRIDES[1]] == "1"
    first, end = _TF32_PRODUCTS
    return first <= numbers(version) < end


def tf32_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Matrix products whose default precision changed with the version."""
    change = comparison.change(VERSION)
    sides = (comparison.before, comparison.after)
    before, after = map(_multiplies_in_tf32, sides)
    is_reported = all(side.value(SET_IN_PROGRAM) for side in sides)
    if not change or is_reported or before == after or None in (before, after):
        return
    for key in cards(comparison.after):
        if numbers(field(comparison.after, key, "compute_capability") or "") >= (8, 0):
            words = ["float32", "TF32"]
            yield Match(
                f"PyTorch {change.before} multiplied matrices in {words[bool(before)]} by default, "
                f"{change.after} does in {words[bool(after)]}",
                traces(comparison, "torch", "torch"),
                change.before,
                change.after,
                remedy=Code(f"torch.backends.cuda.matmul.allow_tf32 = {bool(before)}"),
                note="On both sides.",
            )
            return


def workspace_missing(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """Deterministic algorithms without the workspace setting that this version requires."""
    version, cuda = now.value(VERSION), now.value(CUDA)
    first, end = _NEEDS_WORKSPACE
    if not version or not first <= numbers(version) < end or numbers(cuda or "") < (10, 2):
        return
    value = variables_of(now).get("CUBLAS_WORKSPACE_CONFIG")
    if value not in _WORKSPACES and now.value(DETERMINISTIC) == "on":
        yield Match(
            f"deterministic algorithms are on in PyTorch {version}, and CUBLAS_WORKSPACE_CONFIG is "
            f"{value or 'unset'}",
            (DETERMINISTIC, variable("CUBLAS_WORKSPACE_CONFIG")),
            after=value,
            impact=Impact.NUMERIC if now.value(WARN_ONLY) == "on" else None,
        )


def workers_repeat(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """A version whose workers share one NumPy stream."""
    version = now.value(VERSION)
    if version and numbers(version) < _SEEDS_WORKERS_FROM:
        yield Match(
            f"all workers of PyTorch {version} draw the same numbers from np.random",
            (VERSION,),
            after=version,
        )


def worker_seeds_changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Versions of which only one seeds NumPy in its workers."""
    change = comparison.change(VERSION)
    if change and change.before and change.after:
        sides = [numbers(side) >= _SEEDS_WORKERS_FROM for side in (change.before, change.after)]
        if sides[0] != sides[1]:
            yield Match(
                f"PyTorch was {change.before}, is {change.after}: workers draw different numbers "
                "from np.random",
                (VERSION,),
                change.before,
                change.after,
            )


def times_convolutions(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """The switch that makes PyTorch time convolutions to choose one."""
    if now.value(BENCHMARK) == "on":
        yield Match("torch.backends.cudnn.benchmark is on", (BENCHMARK,), after="on")


_RANDOMNESS = Evidence(
    "No reproducibility across releases, commits, platforms, or between CPU and GPU",
    "https://docs.pytorch.org/docs/stable/notes/randomness.html",
)
_WORKER_SEEDS = Evidence(
    "The change, and what workers did before",
    "https://github.com/pytorch/pytorch/pull/56488",
)

RULES = (
    Rule(
        id="torch-version-changed",
        title="PyTorch's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch"),
        watches=(VERSION, "facts.frameworks.torch.git_version"),
        why="PyTorch promises equal results neither across releases nor across commits: kernels, "
        "libraries inside the wheel and default settings change.",
        not_when="The operations in use did not change between the two versions. A changed random "
        "number generator or default may do more than round differently.",
        remedy="Install the same version.",
        evidence=(_RANDOMNESS,),
        drift=another_version,
        probed=True,
    ),
    Rule(
        id="torch-build-changed",
        title="PyTorch is a different build",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch"),
        watches=(BUILD, VERSION, CUDA),
        why="A build without GPU support computes on the CPU, which draws different random "
        "numbers from the same seed. Builds of one version contain different libraries, and "
        "PyTorch promises no equal results across builds.",
        not_when="The job runs on the CPU, where builds of one version may give the same bits.",
        remedy="Install the same build on both sides.",
        evidence=(
            _RANDOMNESS,
            Evidence(
                "PyTorch's maintainers: CPU and GPU have different generators",
                "https://github.com/pytorch/pytorch/issues/2976",
            ),
        ),
        drift=build_changed,
    ),
    Rule(
        id="torch-tf32-default-changed",
        title="PyTorch multiplies matrices in a different default precision",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch") & on_gpu,
        watches=(VERSION, SET_IN_PROGRAM, *map(variable, OVERRIDES), DEVICES),
        why="PyTorch 1.7 to 1.11 use TF32 for matrix products on compute capability 8.0 and "
        "later, which cuts float32 inputs to 10 bits of mantissa; 1.12 and later do not. "
        "Convolutions use it in all of them.",
        not_when="The program sets allow_tf32 or the float32 matmul precision itself, or computes "
        "in a precision other than float32.",
        remedy="Set torch.backends.cuda.matmul.allow_tf32 to the same value on both sides.",
        evidence=(
            Evidence(
                "TF32 on Ampere and later, with the defaults of each version",
                "https://docs.pytorch.org/docs/stable/notes/cuda.html",
            ),
        ),
        drift=tf32_changed,
    ),
    Rule(
        id="torch-cublas-workspace-missing",
        title="Deterministic PyTorch stops at a matrix product",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch") & on_gpu,
        watches=(
            VERSION,
            CUDA,
            DETERMINISTIC,
            WARN_ONLY,
            variable("CUBLAS_WORKSPACE_CONFIG"),
        ),
        why="Before 2.9, PyTorch raises an error at the first cuBLAS call if deterministic "
        "algorithms are on and the variable is not :4096:8 or :16:8. With warn_only it "
        "continues and may not repeat itself. A change of 2025 removed the check.",
        not_when="The program sets the variable itself before its first product on the GPU.",
        remedy=Command("export CUBLAS_WORKSPACE_CONFIG=:4096:8"),
        note="Before the program starts.",
        evidence=(
            Evidence(
                "The check and the reason for it", "https://github.com/pytorch/pytorch/pull/41377"
            ),
            Evidence("Its removal", "https://github.com/pytorch/pytorch/pull/161749"),
        ),
        state=workspace_missing,
    ),
    Rule(
        id="torch-cudnn-benchmark-on",
        title="PyTorch chooses convolutions by timing them",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch") & on_gpu,
        watches=(BENCHMARK,),
        why="The fastest algorithm varies with noise, load and free GPU memory. A different "
        "algorithm rounds differently, so two runs on one machine may differ.",
        not_when="The job has no convolution, or deterministic algorithms are also on and all "
        "candidates give equal bits.",
        remedy=Code("torch.backends.cudnn.benchmark = False"),
        evidence=(_RANDOMNESS,),
        state=times_convolutions,
        advice=True,
    ),
    Rule(
        id="torch-cudnn-api-changed",
        title="PyTorch uses a different cuDNN interface",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch") & on_gpu,
        watches=(variable("TORCH_CUDNN_V8_API_DISABLED"),),
        why="The older cuDNN interface offers different convolution algorithms.",
        not_when="The job has no convolution.",
        remedy="Give TORCH_CUDNN_V8_API_DISABLED the same value on both sides.",
        evidence=(
            Evidence(
                "The variables that PyTorch reads on GPUs",
                "https://docs.pytorch.org/docs/stable/cuda_environment_variables.html",
            ),
        ),
        drift=when_changed("TORCH_CUDNN_V8_API_DISABLED"),
    ),
    Rule(
        id="torch-workers-share-numpy-seed",
        title="DataLoader workers repeat the same NumPy numbers",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch"),
        watches=(VERSION,),
        why="Before 1.9, every worker process inherits the same np.random state, again in each "
        "epoch: random transforms repeat themselves.",
        not_when="The data set draws nothing from np.random, has no workers, or seeds them in "
        "worker_init_fn.",
        remedy="Give DataLoader a worker_init_fn that seeds np.random from torch.initial_seed().",
        evidence=(
            Evidence("The report", "https://github.com/pytorch/pytorch/issues/5059"),
            _WORKER_SEEDS,
        ),
        state=workers_repeat,
        advice=True,
    ),
    Rule(
        id="torch-worker-seeds-changed",
        title="DataLoader workers draw different NumPy numbers",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch"),
        watches=(VERSION,),
        why="Since 1.9, each worker process gets its own np.random seed; before, all had that of "
        "the main process.",
        not_when="The data set draws nothing from np.random, has no workers, or seeds them in "
        "worker_init_fn.",
        remedy="Give DataLoader the same worker_init_fn on both sides.",
        evidence=(_WORKER_SEEDS,),
        drift=worker_seeds_changed,
    ),
)
