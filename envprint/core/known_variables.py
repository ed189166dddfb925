"""Environment variables known by name: marks of a job's surroundings, and typos of known names.

`envprint.core.redact` lists the variables whose values a fingerprint holds,
`envprint.core.switches` the switches they set.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Set
from functools import cache

SCHEDULERS = (
    ("SLURM_JOB_ID", "slurm"),
    ("PBS_JOBID", "pbs"),
    ("LSB_JOBID", "lsf"),
    ("SGE_TASK_ID", "sge"),
    ("FLUX_JOB_ID", "flux"),
    ("OAR_JOB_ID", "oar"),
    ("_CONDOR_SCRATCH_DIR", "htcondor"),
    ("AWS_BATCH_JOB_ID", "aws-batch"),
    ("KUBERNETES_SERVICE_HOST", "kubernetes"),
)
"""Variable that a scheduler sets for its jobs, and the scheduler. The first one set counts."""

NOTEBOOKS = (
    ("KAGGLE_KERNEL_RUN_TYPE", "kaggle"),
    ("COLAB_RELEASE_TAG", "colab"),
    ("COLAB_GPU", "colab"),
    ("SAGEMAKER_INTERNAL_IMAGE_URI", "sagemaker"),
    ("SAGEMAKER_APP_TYPE", "sagemaker"),
    ("SM_TRAINING_ENV", "sagemaker"),
    ("DATABRICKS_RUNTIME_VERSION", "databricks"),
    ("AZUREML_RUN_ID", "azureml"),
    ("CLOUD_ML_JOB_ID", "vertex-ai"),
    ("PAPERSPACE_NOTEBOOK_REPO_ID", "paperspace"),
    ("CODESPACES", "codespaces"),
    ("BINDER_SERVICE_HOST", "binder"),
    ("JUPYTERHUB_API_URL", "jupyterhub"),
)
"""Variable that a service sets, and the service. Kaggle is first: its images contain Colab's."""

IMAGES = (
    "KAGGLE_DOCKER_IMAGE",
    "SAGEMAKER_INTERNAL_IMAGE_URI",
    "JUPYTER_IMAGE_SPEC",
    "JUPYTER_IMAGE",
    "CI_JOB_IMAGE",
    "APPTAINER_CONTAINER",
    "SINGULARITY_CONTAINER",
)
"""Variables that contain the name of the container image."""

MANAGER = "container"
"""Variable in which a container manager names itself to the processes it starts."""

ENGINES = (("RAY_RAYLET_PID", "Ray"), ("__DASK_PARENT_PID", "Dask"))
"""Variable that an engine sets in each process which it starts, and the engine."""

_OF_A_LAUNCHER = ("RANK", "RANKID", "_SIZE", "PROCID", "NTASKS", "NPROCS")
"""How every variable ends that gives a process its number, or says of how many it is one."""

MEANT = frozenset(
    [
        "PYTHONHASHSEED",
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "OPENBLAS_CORETYPE",
        "MKL_CBWR",
        "TF_DETERMINISTIC_OPS",
        "TF_CUDNN_DETERMINISTIC",
        "TF_ENABLE_ONEDNN_OPTS",
        "TF_FORCE_GPU_ALLOW_GROWTH",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
        "TF_XLA_FLAGS",
        "TF_USE_LEGACY_KERAS",
        "KERAS_BACKEND",
        "CUBLAS_WORKSPACE_CONFIG",
        "CUDA_VISIBLE_DEVICES",
        "CUDA_DEVICE_ORDER",
        "CUDA_LAUNCH_BLOCKING",
        "XLA_FLAGS",
        "NVIDIA_TF32_OVERRIDE",
        "ONEDNN_MAX_CPU_ISA",
        "DNNL_MAX_CPU_ISA",
        "ATEN_CPU_CAPABILITY",
        "JAX_PLATFORMS",
        "NPY_DISABLE_CPU_FEATURES",
        "GLIBC_TUNABLES",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "PYTORCH_CUDA_ALLOC_CONF",
        "JAX_ENABLE_X64",
        "JAX_DEFAULT_MATMUL_PRECISION",
        "JAX_THREEFRY_PARTITIONABLE",
        "XLA_PYTHON_CLIENT_MEM_FRACTION",
        "XLA_CLIENT_MEM_FRACTION",
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
        "TORCH_CUDNN_V8_API_DISABLED",
        "OMP_THREAD_LIMIT",
        "MKL_DOMAIN_NUM_THREADS",
        "MKL_ENABLE_INSTRUCTIONS",
        "NUMBA_NUM_THREADS",
        "JAX_RANDOM_SEED_OFFSET",
    ]
)
"""Names checked for typos: a misspelt one of these silently has no effect."""

KNOWN = MEANT | frozenset(
    [
        "PYTHONPATH",
        "PYTHONHOME",
        "OMP_NUM_TEAMS",
        "TF_CUDNN_USE_AUTOTUNE",
        "TF_GPU_THREAD_MODE",
        "JAX_PLATFORM_NAME",
        "LD_LIBRARY_PATH_64",
        "PYTHONHASHSEED_ORIGINAL",
        "LD_RUN_PATH",
        "PYTORCH_ALLOC_CONF",
        "PYTORCH_HIP_ALLOC_CONF",
        "DYLD_LIBRARY_PATH",
        "MUSA_VISIBLE_DEVICES",
        "MUSA_LAUNCH_BLOCKING",
        "PYTORCH_MUSA_ALLOC_CONF",
    ]
)
"""Real names that resemble one in `MEANT` but are no typos: those of macOS, Moore Threads, …"""


def may_be_in_a_job(variables: Iterable[str]) -> bool:
    """Whether a launcher may have started this process; if not, the table need not be read."""
    return any(name.endswith(_OF_A_LAUNCHER) for name in variables)


def may_be_in_an_engine(variables: Collection[str]) -> bool:
    """Whether an engine or launcher may have started this process."""
    return may_be_in_a_job(variables) or any(name in variables for name, _ in ENGINES)


def misspelt(variables: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each name that nearly matches a known one, with the known one."""
    for name in variables:
        closest = None if name in KNOWN else _closest(name.upper())
        if closest:
            yield name, closest


def _closest(name: str) -> str | None:
    """The nearest name in `MEANT`, in a tie the first in the alphabet; None if none is near."""
    # A typo leaves one end of a name intact; this saves most of the comparisons.
    alike = _with_end(name[:3]) | _with_end(name[-4:])
    near = [(distance(name, known), known) for known in alike if is_near(name, known)]
    return min(near)[1] if near else None


def _with_end(end: str) -> Set[str]:
    """The names in `MEANT` with these three letters at the start, or these four at the end."""
    return _by_ends().get(end, frozenset())


@cache
def _by_ends() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in MEANT:
        for end in (name[:3], name[-4:]):
            found.setdefault(end, set()).add(name)
    return found


def is_near(name: str, known: str) -> bool:
    """Whether the names differ by at most one typo, or two in a long name."""
    allowed = 2 if len(known) >= 12 else 1
    if abs(len(name) - len(known)) > allowed:
        return False
    # One typo changes at most two of the letters that only one of the names has.
    return len(set(name) ^ set(known)) <= 2 * allowed and distance(name, known) <= allowed


def distance(left: str, right: str) -> int:
    """The edit distance: letters inserted, deleted, replaced or swapped with a neighbour."""
    above: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left):
        before, above, row = above, row, [i + 1]
        for j, b in enumerate(right):
            cost = min(row[j] + 1, above[j + 1] + 1, above[j] + (a != b))
            if i and j and a == right[j - 1] and left[i - 1] == b:
                cost = min(cost, before[j - 1] + 1)
            row.append(cost)
    return row[-1]
