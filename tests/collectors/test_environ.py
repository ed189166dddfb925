"""The environ section: what is recorded, what is hidden, near misses, late changes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envprint.collectors import environ as section
from envprint.core.fingerprint import Unknown
from envprint.core.known_variables import KNOWN, MEANT, is_near, misspelt
from envprint.core.known_variables import distance as distance_of
from envprint.core.redact import HIDDEN
from tests.builders.support import host


def collect(variables: dict[str, str], **answers: Any) -> Any:
    return section.collect(host(environ=variables, **answers))


def test_only_variables_that_can_matter_are_recorded() -> None:
    assert collect(
        {
            "PYTHONHASHSEED": "0",
            "TF_DETERMINISTIC_OPS": "1",
            "XLA_FLAGS": "--xla_gpu_autotune_level=0",
            "LC_ALL": "C.UTF-8",
            "PATH": "/bin",
            "HOME": "/home/x",
            "DATABASE_URL": "postgres://me:secret@db/x",
        }
    ) == {
        "variables": {
            "PYTHONHASHSEED": "0",
            "TF_DETERMINISTIC_OPS": "1",
            "XLA_FLAGS": "--xla_gpu_autotune_level=0",
            "LC_ALL": "C.UTF-8",
        },
        "misspelt": {},
        "changed_since_start": {},
        "world_size": None,
    }


def test_terraforms_variables_are_left_out() -> None:
    read = collect({"TF_VAR_db_password": "x", "TF_CLI_ARGS": "x", "TF_LOG": "TRACE"})
    assert (read["variables"], read["misspelt"]) == ({}, {})


@pytest.mark.parametrize(
    ("name", "value", "recorded"),
    [
        ("TORCH_HUB_TOKEN", "abc", HIDDEN),
        ("KERAS_API_KEY", "abc", HIDDEN),
        ("CUDA_VISIBLE_DEVICES", "ghp_" + "0123456789abcdef" * 3, HIDDEN),
        ("PYTHONPATH", "https://me:secret@example.org/x", f"https://{HIDDEN}@example.org/x"),
        ("TF_CONFIG", '{"task": {"index": 0}}', '{"task": {"index": 0}}'),
    ],
)
def test_secrets_are_hidden(name: str, value: str, recorded: str) -> None:
    assert collect({name: value})["variables"] == {name: recorded}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PYTHONASHSEED", "PYTHONHASHSEED"),
        ("PYTHON_HASH_SEED", "PYTHONHASHSEED"),
        ("PYTHONHASSEED", "PYTHONHASHSEED"),
        ("OMP_NUM_THREAD", "OMP_NUM_THREADS"),
        ("OMP_NUM_TREHADS", "OMP_NUM_THREADS"),
        ("TF_DETERMINISTIC_OP", "TF_DETERMINISTIC_OPS"),
        ("TF_DETERMINSTIC_OPS", "TF_DETERMINISTIC_OPS"),
        ("TF_ENABLE_ONEDNN_OPT", "TF_ENABLE_ONEDNN_OPTS"),
        ("CUBLAS_WORKSPACE_CONFG", "CUBLAS_WORKSPACE_CONFIG"),
        ("CUDA_VISIBLE_DEVICE", "CUDA_VISIBLE_DEVICES"),
        ("KERAS_BACKEN", "KERAS_BACKEND"),
        ("pythonhashseed", "PYTHONHASHSEED"),
        ("Omp_Num_Threads", "OMP_NUM_THREADS"),
        ("tf_determinstic_ops", "TF_DETERMINISTIC_OPS"),
        # As near to TF_NUM_INTRAOP_THREADS.
        ("TF_NUM_INTROP_THREADS", "TF_NUM_INTEROP_THREADS"),
    ],
)
def test_a_slip_in_a_name_is_seen(name: str, meant: str) -> None:
    assert collect({name: "1"})["misspelt"] == {name: meant}


# Names that real programs set or read: shells, desktops, CI, containers, schedulers, Python and
# its tools, CUDA, and the frameworks' own. Those of the dynamic linkers are the lists of
# https://man7.org/linux/man-pages/man8/ld.so.8.html
# https://keith.github.io/xcode-man-pages/dyld.1.html
REAL = """
    PATH HOME USER SHELL TERM LANG PWD OLDPWD LOGNAME EDITOR PAGER DISPLAY HOSTNAME MAIL
    XDG_RUNTIME_DIR XDG_SESSION_ID DBUS_SESSION_BUS_ADDRESS SSH_AUTH_SOCK SSH_CONNECTION TMUX
    LS_COLORS LESSOPEN MANPATH INFOPATH CPATH LIBRARY_PATH LD_RUN_PATH LD_LIBRARY_PATH_64
    PKG_CONFIG_PATH CMAKE_PREFIX_PATH PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUNBUFFERED
    PYTHONDONTWRITEBYTECODE PYTHONOPTIMIZE PYTHONWARNINGS PYTHONIOENCODING PYTHONUTF8
    PYTHONFAULTHANDLER PYTHONNOUSERSITE PYTHONUSERBASE PYTHONBREAKPOINT PYTHONMALLOC
    PYTHONTRACEMALLOC PYTHONDEVMODE PYTHONSAFEPATH PYTHONINTMAXSTRDIGITS VIRTUAL_ENV CONDA_PREFIX
    CONDA_DEFAULT_ENV CONDA_SHLVL PYENV_ROOT PYENV_VERSION PIP_INDEX_URL OMP_NUM_THREADS
    OMP_NUM_TEAMS OMP_DYNAMIC OMP_PROC_BIND OMP_PLACES OMP_SCHEDULE OMP_NESTED OMP_STACKSIZE
    OMP_WAIT_POLICY OMP_THREAD_LIMIT OMP_MAX_ACTIVE_LEVELS GOMP_CPU_AFFINITY KMP_AFFINITY
    KMP_BLOCKTIME KMP_SETTINGS KMP_DUPLICATE_LIB_OK MKL_NUM_THREADS MKL_DYNAMIC MKL_CBWR
    MKL_VERBOSE MKL_THREADING_LAYER MKL_INTERFACE_LAYER MKL_SERVICE_FORCE_INTEL MKL_DEBUG_CPU_TYPE
    MKL_ENABLE_INSTRUCTIONS MKL_DOMAIN_NUM_THREADS OPENBLAS_NUM_THREADS OPENBLAS_CORETYPE
    OPENBLAS_VERBOSE OPENBLAS_MAIN_FREE GOTO_NUM_THREADS BLIS_NUM_THREADS BLIS_JC_NT
    VECLIB_MAXIMUM_THREADS NUMEXPR_NUM_THREADS NUMEXPR_MAX_THREADS NUMBA_NUM_THREADS
    RAYON_NUM_THREADS JULIA_NUM_THREADS POLARS_MAX_THREADS ARROW_NUM_THREADS TF_CPP_MIN_LOG_LEVEL
    TF_CPP_MIN_VLOG_LEVEL TF_CPP_VMODULE TF_CONFIG TF_ENABLE_ONEDNN_OPTS TF_GPU_THREAD_MODE
    TF_GPU_THREAD_COUNT TF_GPU_ALLOCATOR TF_FORCE_GPU_ALLOW_GROWTH TF_XLA_FLAGS
    TF_CUDNN_USE_AUTOTUNE TF_CUDNN_DETERMINISTIC TF_CUDNN_WORKSPACE_LIMIT_IN_MB
    TF_USE_LEGACY_KERAS TF_AUTOTUNE_THRESHOLD TF_SYNC_ON_FINISH TF_ENABLE_XLA
    TF_NUM_INTEROP_THREADS TF_NUM_INTRAOP_THREADS TF_ENABLE_DETERMINISTIC_OPS TF_DISABLE_MKL
    TF_ENABLE_MKL_NATIVE_FORMAT KERAS_HOME KERAS_BACKEND KERAS_NNX_ENABLED XLA_FLAGS
    XLA_PYTHON_CLIENT_PREALLOCATE XLA_PYTHON_CLIENT_MEM_FRACTION XLA_PYTHON_CLIENT_ALLOCATOR
    XLA_CLIENT_MEM_FRACTION XLA_CLIENT_PREALLOCATE JAX_PLATFORMS JAX_PLATFORM_NAME JAX_ENABLE_X64
    JAX_DEBUG_NANS JAX_DISABLE_JIT JAX_COMPILATION_CACHE_DIR JAX_DEFAULT_DTYPE_BITS
    JAX_TRACEBACK_FILTERING JAX_NUM_CPU_DEVICES JAX_LOG_COMPILES CUDA_HOME CUDA_PATH CUDA_ROOT
    CUDA_VERSION CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER CUDA_CACHE_PATH CUDA_CACHE_DISABLE
    CUDA_CACHE_MAXSIZE CUDA_LAUNCH_BLOCKING CUDA_MODULE_LOADING CUDA_MPS_PIPE_DIRECTORY
    CUDA_FORCE_PTX_JIT CUDA_DISABLE_PTX_JIT CUDA_DEVICE_MAX_CONNECTIONS
    CUDA_MANAGED_FORCE_DEVICE_ALLOC CUDNN_VERSION CUDNN_PATH CUBLAS_LOGINFO_DBG
    CUBLASLT_WORKSPACE_SIZE NVIDIA_VISIBLE_DEVICES NVIDIA_DRIVER_CAPABILITIES NVIDIA_REQUIRE_CUDA
    NVIDIA_TF32_OVERRIDE NVIDIA_PRODUCT_NAME NCCL_DEBUG NCCL_ALGO NCCL_PROTO NCCL_P2P_DISABLE
    NCCL_IB_DISABLE NCCL_SOCKET_IFNAME NCCL_VERSION PYTORCH_CUDA_ALLOC_CONF PYTORCH_ALLOC_CONF
    PYTORCH_HIP_ALLOC_CONF PYTORCH_ENABLE_MPS_FALLBACK PYTORCH_NVML_BASED_CUDA_CHECK
    PYTORCH_NO_CUDA_MEMORY_CACHING PYTORCH_JIT PYTORCH_VERSION TORCH_HOME TORCH_EXTENSIONS_DIR
    TORCH_CUDA_ARCH_LIST TORCH_LOGS TORCH_SHOW_CPP_STACKTRACES TORCH_NCCL_ASYNC_ERROR_HANDLING
    TORCH_NCCL_BLOCKING_WAIT TORCH_DISTRIBUTED_DEBUG TORCH_ALLOW_TF32_CUBLAS_OVERRIDE
    TORCH_CUDNN_V8_API_DISABLED TORCH_CUDNN_V8_API_ENABLED TORCH_CUDNN_V8_API_DEBUG
    TORCHINDUCTOR_CACHE_DIR TORCH_COMPILE_DISABLE ATEN_CPU_CAPABILITY TORCH_BLAS_PREFER_CUBLASLT
    TORCH_LINALG_PREFER_CUSOLVER HIP_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES HSA_OVERRIDE_GFX_VERSION
    MIOPEN_FIND_MODE TPU_NAME TPU_VISIBLE_CHIPS ONEDNN_MAX_CPU_ISA ONEDNN_VERBOSE
    ONEDNN_DEFAULT_FPMATH_MODE ONEDNN_CPU_ISA_HINTS ONEDNN_JIT_DUMP DNNL_MAX_CPU_ISA DNNL_VERBOSE
    DNNL_CPU_ISA_HINTS DNNL_JIT_DUMP NPY_DISABLE_CPU_FEATURES NPY_ENABLE_CPU_FEATURES
    NPY_PROMOTION_STATE MALLOC_ARENA_MAX MALLOC_TRIM_THRESHOLD_ GLIBC_TUNABLES LD_PRELOAD
    LD_BIND_NOW LD_DEBUG LD_AUDIT LD_ORIGIN_PATH SLURM_JOB_ID SLURM_NTASKS SLURM_PROCID
    SLURM_CPUS_PER_TASK SLURM_JOB_NUM_NODES PBS_NUM_PPN RANK WORLD_SIZE LOCAL_RANK
    LOCAL_WORLD_SIZE MASTER_ADDR MASTER_PORT OMPI_COMM_WORLD_RANK RAY_ADDRESS
    DASK_SCHEDULER_ADDRESS WANDB_MODE MLFLOW_TRACKING_URI HF_HOME TRANSFORMERS_CACHE
    TOKENIZERS_PARALLELISM PL_GLOBAL_SEED GITHUB_ACTIONS CI KUBERNETES_SERVICE_HOST TF_VAR_region
    SCIPY_ARRAY_API SKLEARN_SITE_JOBLIB JOBLIB_TEMP_FOLDER LOKY_MAX_CPU_COUNT
    LD_ASSUME_KERNEL LD_BIND_NOT LD_DEBUG_OUTPUT LD_DYNAMIC_WEAK LD_HWCAP_MASK LD_POINTER_GUARD
    LD_PREFER_MAP_32BIT_EXEC LD_PROFILE LD_PROFILE_OUTPUT LD_SHOW_AUXV LD_TRACE_LOADED_OBJECTS
    LD_TRACE_PRELINKING LD_USE_LOAD_BIAS LD_VERBOSE LD_WARN DYLD_LIBRARY_PATH
    DYLD_FALLBACK_LIBRARY_PATH DYLD_VERSIONED_LIBRARY_PATH DYLD_FRAMEWORK_PATH
    DYLD_FALLBACK_FRAMEWORK_PATH DYLD_VERSIONED_FRAMEWORK_PATH DYLD_INSERT_LIBRARIES
    DYLD_IMAGE_SUFFIX DYLD_ROOT_PATH DYLD_SHARED_REGION DYLD_SHARED_CACHE_DIR
    DYLD_FORCE_FLAT_NAMESPACE DYLD_BIND_AT_LAUNCH DYLD_PRINT_LIBRARIES DYLD_PRINT_TO_FILE
    MUSA_VISIBLE_DEVICES MUSA_LAUNCH_BLOCKING PYTORCH_MUSA_ALLOC_CONF MLU_VISIBLE_DEVICES
    ASCEND_VISIBLE_DEVICES ZE_AFFINITY_MASK PYTORCH_NPU_ALLOC_CONF HIP_LAUNCH_BLOCKING
    http_proxy https_proxy no_proxy npm_config_cache container
""".split()


def test_no_real_name_is_taken_for_a_slip() -> None:
    assert [name for name in REAL if collect({name: "1"})["misspelt"]] == []


def test_a_variable_set_after_the_start_is_late() -> None:
    now = {"PYTHONHASHSEED": "0", "TZ": "UTC", "OMP_NUM_THREADS": "4", "PATH": "/late"}
    start = {"TZ": "UTC", "OMP_NUM_THREADS": "2", "LC_ALL": "C", "PATH": "/bin"}
    assert collect(now, start_environ=start)["changed_since_start"] == {
        "PYTHONHASHSEED": {"start": None, "now": "0"},
        "OMP_NUM_THREADS": {"start": "2", "now": "4"},
        "LC_ALL": {"start": "C", "now": None},
    }


def test_what_the_interpreter_sets_for_itself_is_not_late() -> None:
    assert collect({"LC_CTYPE": "C.UTF-8"}, start_environ={})["changed_since_start"] == {}


def test_tunables_that_glibc_has_cut_in_place_are_not_late() -> None:
    tunables = "glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0"
    start = {"GLIBC_TUNABLES": "glibc.malloc.arena_max=1"}
    assert collect({"GLIBC_TUNABLES": tunables}, start_environ=start)["changed_since_start"] == {}
    late = collect({"GLIBC_TUNABLES": "glibc.malloc.arena_max=12"}, start_environ=start)
    assert list(late["changed_since_start"]) == ["GLIBC_TUNABLES"]


def test_late_secrets_are_hidden_too() -> None:
    late = collect({"TORCH_HUB_TOKEN": "new"}, start_environ={})["changed_since_start"]
    assert late == {"TORCH_HUB_TOKEN": {"start": None, "now": HIDDEN}}


def test_a_secret_that_has_changed_since_the_start_is_late_though_both_are_hidden() -> None:
    late = collect({"TORCH_API_KEY": "new"}, start_environ={"TORCH_API_KEY": "old"})
    assert late["changed_since_start"] == {"TORCH_API_KEY": {"start": HIDDEN, "now": HIDDEN}}


def test_start_variables_that_cannot_be_read_are_unknown() -> None:
    read = collect({"TZ": "UTC"}, start_environ={"error": "EACCES"})
    assert read["changed_since_start"] == Unknown("/proc/self/environ: Permission denied")
    assert read["variables"] == {"TZ": "UTC"}


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        ("", "", 0),
        ("a", "", 1),
        ("ab", "ba", 1),
        ("abc", "adc", 1),
        ("abcd", "acbd", 1),
        ("ab", "cd", 2),
    ],
)
def test_a_swap_of_neighbours_is_one_slip(left: str, right: str, distance: int) -> None:
    assert distance_of(left, right) == distance_of(right, left) == distance


def test_bytes_that_are_no_text_are_written_as_escapes() -> None:
    read = collect({"TORCH_HOME": "/a\udcff/é"})
    assert read["variables"] == {"TORCH_HOME": "/a\\xff/é"}


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_what_is_worth_guessing_at_is_one_name_that_a_shell_can_set(name: str) -> None:
    assert re.fullmatch(r"[A-Z][A-Z0-9_]*", name)


@pytest.mark.parametrize("name", ["XLA_PYTHON_CLIENT_MEM_FRACTON", "XLA_CLIENT_MEM_FRACTIN"])
def test_a_slip_in_a_name_for_jaxs_memory_is_seen(name: str) -> None:
    ((_, meant),) = misspelt([name])
    assert meant in ("XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_CLIENT_MEM_FRACTION")


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"WORLD_SIZE": "8", "SLURM_NTASKS": "2"}, (8, "WORLD_SIZE")),
        ({"OMPI_COMM_WORLD_SIZE": "4"}, (4, "OMPI_COMM_WORLD_SIZE")),
        ({"HOROVOD_SIZE": "4"}, (4, "HOROVOD_SIZE")),
        ({"JSM_NAMESPACE_SIZE": "4"}, (4, "JSM_NAMESPACE_SIZE")),
        ({"FLUX_JOB_SIZE": "4"}, (4, "FLUX_JOB_SIZE")),
        ({"PMI_SIZE": "3"}, (3, "PMI_SIZE")),
        ({"SLURM_NTASKS": "2", "SLURM_PROCID": "0", "SLURM_STEP_ID": "0"}, (2, "SLURM_NTASKS")),
        ({"SLURM_NTASKS": "2", "SLURM_JOB_ID": "7"}, None),  # a batch script runs once
        ({"SLURM_NPROCS": "2", "SLURM_PROCID": "0", "SLURM_STEP_ID": "0"}, (2, "SLURM_NPROCS")),
        ({"SLURM_NPROCS": "2", "SLURM_JOB_ID": "7"}, None),
        ({"OMPI_COMM_WORLD_SIZE": "4", "PMI_SIZE": "2"}, (4, "OMPI_COMM_WORLD_SIZE")),
        ({"PMI_SIZE": "2", "SLURM_NTASKS": "8"}, (2, "PMI_SIZE")),
        ({"WORLD_SIZE": "many"}, None),
        ({"WORLD_SIZE": "9" * 30}, None),
        ({}, None),
    ],
)
def test_the_world_size_is_that_of_the_launcher(
    variables: dict[str, str], found: tuple[int, str] | None
) -> None:
    expected = found and {"processes": found[0], "variable": found[1]}
    assert section.world_size(variables) == expected


@given(st.text("ABC_", max_size=16), st.sampled_from(sorted(MEANT)), st.integers(0, 20))
def test_names_are_near_by_their_distance_alone(typed: str, known: str, at: int) -> None:
    for name in (typed, known[:at] + typed[:2] + known[at + 1 :], known[:at] + known[at + 2 :]):
        allowed = 2 if len(known) >= 12 else 1
        assert is_near(name, known) is (distance_of(name, known) <= allowed)
