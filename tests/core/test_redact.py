"""What may enter a document, and what never does."""

from __future__ import annotations

import pytest

from envprint.core.redact import HIDDEN, clean, is_recorded, safe_text, safe_value
from envprint.knowledge import launchers


@pytest.mark.parametrize(
    "name",
    ["PYTHONHASHSEED", "TF_DETERMINISTIC_OPS", "OMP_NUM_THREADS", "LC_ALL", "XLA_FLAGS", "TZ"],
)
def test_variables_that_change_results_are_recorded(name: str) -> None:
    assert is_recorded(name)
    assert safe_value(name, "1") == "1"


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "HOME",
        "DATABASE_URL",
        "PIP_INDEX_URL",
        "AWS_SECRET_ACCESS_KEY",
        "TF_VAR_x",
        "TF_CLI_ARGS",
        "HF_TOKEN",
        "HF_TOKEN_PATH",
        "HF_API_KEY",
        "HUGGING_FACE_HUB_TOKEN",
        "WANDB_API_KEY",
        "VLLM_API_KEY",
        "SLURM_JOB_USER",
    ],
)
def test_everything_else_is_not_even_looked_at(name: str) -> None:
    assert not is_recorded(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TORCH_API_KEY", "abc"),
        ("CUDA_PASSWORD", "abc"),
        ("TF_AUTH", "x"),
        ("XLA_SECRET_TOKEN", "abc"),
        ("DS_API_KEY", "abc"),
        ("DS_PASSWORD", "abc"),
        ("HF_HUB_TOKEN", "abc"),
        ("ACCELERATE_AUTH", "abc"),
        ("DEEPSPEED_AZURE_CREDENTIAL", "abc"),
        ("KERAS_HOME", "hf_" + "Ab3dEf6hIj9kLmN0pQ" + "rStUvWxYz1234567"),
        ("TF_X", "ghp_" + "Ab3dEf6hIj9k" * 3),
        ("TF_X", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ." + "Ab3dEf6hIj9k" * 3),
        ("TF_X", "-----BEGIN PRIVATE KEY-----\nabc"),
    ],
)
def test_names_and_values_that_look_like_secrets_are_hidden(name: str, value: str) -> None:
    assert safe_value(name, value) == HIDDEN


def test_ordinary_names_with_secret_like_letters_are_kept() -> None:
    assert safe_value("I_MPI_PIN_KEYBOARD", "x") == "x"
    assert safe_value("TF_AUTHOR", "x") == "x"
    assert safe_value("XLA_FLAGS", "--task-queue=sk") == "--task-queue=sk"
    assert safe_value("XLA_FLAGS", "--x=sk-abcdef") == "--x=sk-abcdef"
    assert safe_value("XLA_FLAGS", "--x=sk-" + "abc4" * 12) == f"--x={HIDDEN}"


def test_credentials_in_urls_are_replaced_wherever_they_stand() -> None:
    assert (
        safe_text("x https://u:p@host/a git+ssh://tok@h/b")
        == f"x https://{HIDDEN}@host/a git+ssh://{HIDDEN}@h/b"
    )
    assert safe_text("https://host/a@b") == "https://host/a@b"


def test_the_home_directory_becomes_a_tilde_and_its_neighbours_do_not() -> None:
    value = {"a": ["/home/ann/x:/home/ann", "/home/anna/x", "/mnt/home/ann/x"], "b": 5}
    assert clean(value, "/home/ann") == {
        "a": ["~/x:~", "/home/anna/x", "/mnt/home/ann/x"],
        "b": 5,
    }
    assert clean(value, "/") == value


@pytest.mark.parametrize(
    "name",
    """
    NVTE_FUSED_ATTN PL_GLOBAL_SEED ACCELERATE_MIXED_PRECISION SLURM_NTASKS SLURM_NPROCS
    OMPI_COMM_WORLD_SIZE PMI_SIZE HSA_OVERRIDE_GFX_VERSION ROCR_VISIBLE_DEVICES MIOPEN_FIND_MODE
    NUMBA_NUM_THREADS TRITON_CACHE_DIR TORCHINDUCTOR_MAX_AUTOTUNE TORCHDYNAMO_DISABLE
    TORCH_COMPILE_DISABLE VLLM_ATTENTION_BACKEND FLASH_ATTENTION_DETERMINISTIC XFORMERS_DISABLED
    ITEX_ONEDNN_GRAPH BNB_CUDA_VERSION DS_ACCELERATOR DEEPSPEED_TIMEOUT HF_HUB_OFFLINE
    TOKENIZERS_PARALLELISM OPENCV_FOR_THREADS_NUM PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION
    CUDA_MPS_ACTIVE_THREAD_PERCENTAGE JAX_RANDOM_SEED_OFFSET MKL_NUM_STRIPES POLARS_MAX_THREADS
    SKLEARN_ASSUME_FINITE SCIPY_ARRAY_API KERAS_BACKEND GOMP_CPU_AFFINITY KMP_AFFINITY NPROC
    """.split(),
)
def test_what_launchers_and_libraries_read_is_recorded(name: str) -> None:
    assert is_recorded(name)
    assert safe_value(name, "1") == "1"


def test_a_url_with_credentials_in_a_recorded_variable_loses_them() -> None:
    assert safe_value("HF_ENDPOINT", "https://ann:pass@hub.example") == (
        f"https://{HIDDEN}@hub.example"
    )
    assert safe_value("DS_ENDPOINT", "https://ann:pass@host/x") == f"https://{HIDDEN}@host/x"


def test_what_differs_between_the_processes_of_a_job_is_not_recorded() -> None:
    """Two ranks of one job have one environment, and one digest."""
    of_one = launchers.names(*launchers.OF_ONE_PROCESS)
    assert "HOROVOD_RANK" in of_one
    assert [name for name in of_one if is_recorded(name)] == []
