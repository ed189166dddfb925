"""What may enter a document, and what never does.

Environment variables come in by an allowlist of names and prefixes. A name that looks like a
secret, or a value that does, is replaced even then; credentials inside URLs are replaced wherever
they stand; the home directory becomes `~`.
"""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "<hidden>"

NAMES = frozenset(
    """
    LANG LANGUAGE TZ OMP_NUM_THREADS LD_LIBRARY_PATH LD_PRELOAD LD_BIND_NOW GLIBC_TUNABLES
    CUBLAS_WORKSPACE_CONFIG VECLIB_MAXIMUM_THREADS NUMEXPR_NUM_THREADS NUMEXPR_MAX_THREADS
    NUMBA_NUM_THREADS LOKY_MAX_CPU_COUNT WORLD_SIZE LOCAL_WORLD_SIZE HOROVOD_FUSION_THRESHOLD
    OPENCV_OPENCL_DEVICE SCIPY_ARRAY_API
    """.split()
)
PREFIXES = tuple(
    """
    PYTHON LC_ TF_ KERAS_ XLA_ JAX_ TORCH_ TORCHDYNAMO_ TORCHINDUCTOR_ PYTORCH_ ATEN_ CUDA_ CUDNN_
    CUBLAS_ NVIDIA_ NCCL_ ONEDNN_ DNNL_ OMP_ KMP_ GOMP_ MKL_ OPENBLAS_ GOTO_ BLIS_ BLAS_ NPY_
    MALLOC_ ROCBLAS_ MIOPEN_ HIP_ TPU_
    """.split()
)
NOT_OURS = ("TF_VAR_", "TF_CLI_", "TF_DATA_DIR", "TF_WORKSPACE", "TF_LOG", "TF_PLUGIN_CACHE_DIR")
"""Terraform's variables share TensorFlow's prefix and may hold secrets."""

_SECRET_PARTS = ("SECRET", "TOKEN", "PASSW", "CREDENTIAL", "AUTH")
"""A name that has one of these anywhere names a secret."""
_SECRET_WORDS = frozenset("KEY APIKEY PWD PASS PRIVATE SIGNATURE COOKIE SESSION".split())
"""These count only as a whole word of the name."""
_SECRET_MARKS = ("hf_", "ghp_", "gho_", "github_pat_", "sk-", "xox", "AKIA", "eyJ", "-----BEGIN")
"""How well-known tokens and keys begin."""
_SEPARATORS = str.maketrans(dict.fromkeys("=:,;/@\"'", " "))

# https://user:password@host/path
_URL_CREDENTIALS = r"(?<=://)[^/@\s]+(?=@)"


def is_recorded(name: str) -> bool:
    """Whether a variable of this name may enter a document at all."""
    return (name in NAMES or name.startswith(PREFIXES)) and not name.startswith(NOT_OURS)


def safe_value(name: str, value: str) -> str:
    """`value`, or `HIDDEN` where the name or the value itself looks like a secret."""
    upper = name.upper().replace("AUTHOR", "")
    if any(part in upper for part in _SECRET_PARTS) or _SECRET_WORDS.intersection(upper.split("_")):
        return HIDDEN
    words = value.translate(_SEPARATORS).split()
    return HIDDEN if any(word.startswith(_SECRET_MARKS) for word in words) else safe_text(value)


def safe_text(text: str) -> str:
    """`text` with the user and password of every URL in it replaced."""
    return re.sub(_URL_CREDENTIALS, HIDDEN, text) if "://" in text else text


def without_home(value: Any, home: str) -> Any:
    """A copy of `value` (JSON types) in which paths inside `home` begin with `~`."""
    if not home or home == "/":
        return value
    inside = re.compile(r"(?<![\w.-])" + re.escape(home.rstrip("/")) + r"(?=[/:;,\s'\"]|$)")

    def walk(value: Any) -> Any:
        if type(value) is str:
            return inside.sub("~", value) if home in value else value
        if type(value) is dict:
            return {key: walk(item) for key, item in value.items()}
        if type(value) is list:
            return [walk(item) for item in value]
        return value

    return walk(value)
