"""What PyTorch's version, build and switches do to a result."""

from __future__ import annotations

from envprint.model import Confidence, Impact
from envprint.rule import Evidence, Rule
from envprint.rules import _torch_checks
from envprint.rules._devices import DEVICES
from envprint.rules._dials import variable, when_changed
from envprint.rules._packages import version_changed
from envprint.rules._torch_checks import (
    BENCHMARK,
    BUILD,
    CUDA,
    DETERMINISTIC,
    OVERRIDES,
    SET_IN_PROGRAM,
    VERSION,
    WARN_ONLY,
)
from envprint.workload import on_gpu, uses

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
        why="PyTorch promises equal results neither across releases nor across single commits: "
        "kernels, libraries inside the wheel and default settings change.",
        not_when="The operations in use did not change between the two versions. A change of "
        "random number generators or defaults may do more than round differently.",
        remedy="Install the same version, its local part such as +cu128 included.",
        evidence=(_RANDOMNESS,),
        drift=version_changed("PyTorch", "torch", "torch", also=("git_version",), with_blas=True),
        probed=True,
    ),
    Rule(
        id="torch-build-changed",
        title="PyTorch is built for another kind of device",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch") & on_gpu,
        watches=(BUILD,),
        why="A build without support for the GPU computes on the CPU, which draws other random "
        "numbers from the same seed.",
        not_when="The program runs on the CPU anyway.",
        remedy="Install the same build again.",
        evidence=(
            _RANDOMNESS,
            Evidence(
                "Its maintainers: CPU and GPU have different generators",
                "https://github.com/pytorch/pytorch/issues/2976",
            ),
        ),
        drift=_torch_checks.build_changed,
    ),
    Rule(
        id="torch-tf32-default-changed",
        title="PyTorch multiplies matrices in another precision by default",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch") & on_gpu,
        watches=(VERSION, SET_IN_PROGRAM, *map(variable, OVERRIDES), DEVICES),
        why="PyTorch 1.7 to 1.11 use TF32 for products of matrices on compute capability 8.0 and "
        "later, which cuts float32 inputs to 10 bits of mantissa; 1.12 and later do not. "
        "Convolutions use it in all of them.",
        not_when="The program sets allow_tf32 or the float32 matmul precision itself, or computes "
        "in another precision than float32.",
        remedy="Set torch.backends.cuda.matmul.allow_tf32 to the same value on both sides.",
        evidence=(
            Evidence(
                "TF32 on Ampere and later, with the defaults of each version",
                "https://docs.pytorch.org/docs/stable/notes/cuda.html",
            ),
        ),
        drift=_torch_checks.tf32_changed,
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
        why="Before 2.9 PyTorch raises an error at the first call of cuBLAS when deterministic "
        "algorithms are asked for and the variable is not :4096:8 or :16:8. With warn_only it goes "
        "on, and may not repeat itself. A change of 2025 removed the check.",
        not_when="The program sets the variable itself before its first product on the GPU.",
        remedy="export CUBLAS_WORKSPACE_CONFIG=:4096:8 before the program starts.",
        evidence=(
            Evidence("The check and its reason", "https://github.com/pytorch/pytorch/pull/41377"),
            Evidence("Its removal", "https://github.com/pytorch/pytorch/pull/161749"),
        ),
        state=_torch_checks.workspace_missing,
    ),
    Rule(
        id="torch-cudnn-benchmark-on",
        title="PyTorch chooses convolutions by timing them",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch") & on_gpu,
        watches=(BENCHMARK,),
        why="The fastest algorithm varies with noise, with the load and the free memory of the "
        "GPU; another algorithm rounds differently, so that two runs on one machine may differ.",
        not_when="The job has no convolution, or deterministic algorithms are on as well and all "
        "candidates give equal bits.",
        remedy="torch.backends.cudnn.benchmark = False",
        evidence=(_RANDOMNESS,),
        state=_torch_checks.times_convolutions,
        advice=True,
    ),
    Rule(
        id="torch-cudnn-api-changed",
        title="PyTorch asks cuDNN in another way",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch") & on_gpu,
        watches=(variable("TORCH_CUDNN_V8_API_DISABLED"),),
        why="The older interface of cuDNN offers other convolution algorithms.",
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
        title="DataLoader's workers repeat one NumPy stream",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch"),
        watches=(VERSION,),
        why="Before 1.9 every worker process inherits the same state of np.random, and again in "
        "each epoch: random transforms repeat themselves.",
        not_when="The data set draws nothing from np.random, has no workers, or seeds them in "
        "worker_init_fn.",
        remedy="Give DataLoader a worker_init_fn that seeds np.random from torch.initial_seed().",
        evidence=(
            Evidence("The report", "https://github.com/pytorch/pytorch/issues/5059"),
            _WORKER_SEEDS,
        ),
        state=_torch_checks.workers_repeat,
        advice=True,
    ),
    Rule(
        id="torch-worker-seeds-changed",
        title="DataLoader's workers draw other NumPy numbers",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch"),
        watches=(VERSION,),
        why="From 1.9 on each worker process gets its own seed of np.random; before, all had that "
        "of the main process.",
        not_when="The data set draws nothing from np.random, has no workers, or seeds them in "
        "worker_init_fn.",
        remedy="Give DataLoader the same worker_init_fn on both sides.",
        evidence=(_WORKER_SEEDS,),
        drift=_torch_checks.worker_seeds_changed,
        advice=True,
    ),
)
