"""What a Python interpreter reports about itself.

This file runs in two ways: imported by envprint, and as source text in the interpreter given by
`--python`, whatever its version. So it is limited to Python 3.6, imports only modules that every
interpreter loads at start-up, and keeps no state. Annotations that 3.6 cannot evaluate are strings.
It never imports a framework; it inspects those that are loaded.
"""

import os
import sys
import warnings

MARK = "\x02envprint\x03"
"""Printed before the description, because start-up hooks may print too."""

FRAMEWORK_MODULES = ("numpy", "scipy", "sklearn", "tensorflow", "keras", "torch", "jax", "jaxlib")

HASH_PROBE = "envprint"
"""The text whose hash reveals the seed in force."""


def describe() -> "dict[str, object]":
    """Everything that only code inside this interpreter can know, as JSON types.

    Call it in the thread that trains: subnormals and Keras' policy are per thread.
    """
    return {
        "implementation": sys.implementation.name,
        "version": ".".join(map(str, sys.version_info[:3])) + _release_suffix(),
        "compiler": sys.version.rpartition("[")[2].rstrip("]"),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "platform": sys.platform,
        "byte_order": sys.byteorder,
        "flags": _flags(),
        "x_options": {name: str(value) for name, value in getattr(sys, "_xoptions", {}).items()},
        "gil_enabled": bool(getattr(sys, "_is_gil_enabled", lambda: True)()),
        "hash_algorithm": sys.hash_info.algorithm,
        "hash_probe": hash(HASH_PROBE),
        "subnormals_flushed": sys.float_info.min / 2 == 0.0,
        "libc": _libc(),
        "path": _search_path(),
        "imported": sorted(name for name in FRAMEWORK_MODULES if name in sys.modules),
        "site_hooks": sorted(
            name for name in ("sitecustomize", "usercustomize") if name in sys.modules
        ),
        "switches": _switches(),
        "pid": os.getpid(),
    }


def _flags() -> "dict[str, int]":
    """`sys.flags` as numbers, without the size fields of a struct sequence."""
    return {
        name: int(getattr(sys.flags, name))
        for name in dir(sys.flags)
        if not name.startswith(("_", "n_")) and isinstance(getattr(sys.flags, name), int)
    }


def _release_suffix() -> str:
    level = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(sys.version_info[3], "")
    return level + str(sys.version_info[4]) if level else ""


def _libc() -> "str | None":
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        return None


def _search_path() -> "list[str]":
    """`sys.path` without the entry of the script or the working directory.

    That first entry belongs to the running code, not to the environment; captures from different
    directories would differ.
    """
    entries = [entry for entry in sys.path if isinstance(entry, str)]
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    here = {_directory()}
    if main:
        here.add(os.path.dirname(_absolute(main)))
    if sys.argv and sys.argv[0]:
        here.add(os.path.dirname(_absolute(sys.argv[0])))
    if entries and (not entries[0] or _absolute(entries[0]) in here):
        entries = entries[1:]
    return [_absolute(entry) for entry in entries if entry]


def _directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # removed while the process was running
        return ""


def _absolute(path: str) -> str:
    return os.path.normpath(os.path.join(_directory(), path))


SWITCHES = (
    ("torch-deterministic-algorithms", "torch", "are_deterministic_algorithms_enabled()", None),
    (
        "torch-deterministic-warn-only",
        "torch",
        "is_deterministic_algorithms_warn_only_enabled()",
        None,
    ),
    ("torch-cudnn-benchmark", "torch", "backends.cudnn.benchmark", None),
    ("torch-cudnn-deterministic", "torch", "backends.cudnn.deterministic", None),
    # Since PyTorch 2.9; reading allow_tf32 there raises if both APIs were used to set it.
    # https://docs.pytorch.org/docs/2.9/notes/cuda.html#tensorfloat-32-tf32-on-ampere-and-later-devices
    ("torch-matmul-tf32", "torch", "backends.cuda.matmul.fp32_precision", "tf32"),
    ("torch-matmul-tf32", "torch", "backends.cuda.matmul.allow_tf32", None),
    ("torch-cudnn-tf32", "torch", "backends.cudnn.conv.fp32_precision", "tf32"),
    ("torch-cudnn-tf32", "torch", "backends.cudnn.allow_tf32", None),
    ("torch-float32-matmul-precision", "torch", "get_float32_matmul_precision()", None),
    # https://docs.pytorch.org/docs/stable/notes/cuda.html#fp16-accumulation
    (
        "torch-cublas-fp16-reduction",
        "torch",
        "backends.cuda.matmul.allow_fp16_reduced_precision_reduction",
        None,
    ),
    (
        "torch-cublas-bf16-reduction",
        "torch",
        "backends.cuda.matmul.allow_bf16_reduced_precision_reduction",
        None,
    ),
    # Attention kernels that may be chosen; the CPU consults the first and the last too.
    # https://docs.pytorch.org/docs/stable/backends.html#torch.backends.cuda.flash_sdp_enabled
    ("torch-flash-attention", "torch", "backends.cuda.flash_sdp_enabled()", None),
    (
        "torch-memory-efficient-attention",
        "torch",
        "backends.cuda.mem_efficient_sdp_enabled()",
        None,
    ),
    ("torch-math-attention", "torch", "backends.cuda.math_sdp_enabled()", None),
    ("torch-threads", "torch", "get_num_threads()", None),
    ("torch-inter-op-threads", "torch", "get_num_interop_threads()", None),
    ("torch-default-dtype", "torch", "get_default_dtype().__str__()", None),
    ("torch-mkldnn", "torch", "backends.mkldnn.enabled", None),
    ("torch-cudnn", "torch", "backends.cudnn.enabled", None),
    (
        "tensorflow-op-determinism",
        "tensorflow.python.framework.config",
        "is_op_determinism_enabled()",
        None,
    ),
    (
        "tensorflow-tf32",
        "tensorflow.python.framework.config",
        "tensor_float_32_execution_enabled()",
        None,
    ),
    # tf.config's getters would create the context; these attributes only hold what was set.
    (
        "tensorflow-intra-op-threads",
        "tensorflow.python.eager.context",
        "_context._intra_op_parallelism_threads",
        None,
    ),
    (
        "tensorflow-inter-op-threads",
        "tensorflow.python.eager.context",
        "_context._inter_op_parallelism_threads",
        None,
    ),
    ("tensorflow-auto-jit", "tensorflow.python.eager.context", "_context._optimizer_jit", None),
    # keras.config.dtype_policy() would freeze the default, so that a later set_floatx has no
    # effect; until it is frozen, floatx is the policy.
    (
        "keras-dtype-policy",
        "keras.src.backend.common.global_state",
        "GLOBAL_STATE_TRACKER.dtype_policy.name",
        None,
    ),
    ("keras-dtype-policy", "keras", "config.floatx()", None),
    ("keras-floatx", "keras", "config.floatx()", None),
    ("keras-backend", "keras", "config.backend()", None),
    # Keras 2, inside TensorFlow up to 2.15 and as tf-keras beside later ones.
    ("keras-dtype-policy", "keras.src.mixed_precision.policy", "_global_policy.name", None),
    ("keras-dtype-policy", "tf_keras.src.mixed_precision.policy", "_global_policy.name", None),
    ("keras-dtype-policy", "keras.src.backend_config", "floatx()", None),
    ("keras-dtype-policy", "tf_keras.src.backend_config", "floatx()", None),
    ("keras-floatx", "keras.src.backend_config", "floatx()", None),
    ("keras-floatx", "tf_keras.src.backend_config", "floatx()", None),
    ("jax-x64", "jax", "config.jax_enable_x64", None),
    ("jax-matmul-precision", "jax", "config.jax_default_matmul_precision", None),
    ("jax-threefry-partitionable", "jax", "config.jax_threefry_partitionable", None),
    ("jax-disable-jit", "jax", "config.jax_disable_jit", None),
    ("jax-prng", "jax", "config.jax_default_prng_impl", None),
)
"""Name, loaded module, what to read there, and the value that means "on" (None: any value as is).

If several rows have one name, the first one with a value counts.
"""


def _switches() -> "dict[str, dict[str, str]]":
    """Name to `value` and `source`, or to `error` and `source` if a framework raises.

    Only of loaded frameworks, and only what is set: 0 and None mean the framework's default.
    """
    found = {}  # type: dict[str, dict[str, str]]
    with warnings.catch_warnings():
        # PyTorch 2.9 warns when settings that it will rename are read.
        warnings.simplefilter("ignore")
        for name, module, question, on in SWITCHES:
            if module in sys.modules and "value" not in found.get(name, ()):
                answer = _answer(sys.modules[module], question, on)
                if answer:
                    answer["source"] = module + "." + question
                    found[name] = answer
    return found


def _answer(module: object, question: str, on: "str | None") -> "dict[str, str] | None":
    """A framework's setting, or the reason why it is unknown; None if it has none."""
    try:
        return _ask(module, question, on)
    except (AttributeError, TypeError, ImportError, KeyError):
        return None  # a different version, or still being imported
    except (KeyboardInterrupt, SystemExit):
        raise
    # A framework may raise anything, and an extension even what is not an Exception; one switch
    # must not cost the rest of the description.
    except BaseException as error:  # noqa: BLE001  see the reason above
        return {"error": said(error) or type(error).__name__}


def _ask(place: object, question: str, on: "str | None") -> "dict[str, str] | None":
    """The value of a dotted name in which `()` means a call; None if there is none."""
    for step in question.split("."):
        place = getattr(place, step.replace("()", ""))
        if step.endswith("()"):
            place = place()  # type: ignore[operator]
    if on is not None and isinstance(place, str):
        place = place == on
    if isinstance(place, bool):
        return {"value": "on" if place else "off"}
    return {"value": str(place)} if isinstance(place, (int, str)) and place else None


def said(error: BaseException) -> str:
    """The first line of an exception's text; empty if reading it raises."""
    try:
        return str(error).partition("\n")[0]
    except Exception:  # noqa: BLE001  the text comes from the framework's code
        return ""


def print_description() -> None:
    """Print `MARK` and the description, and exit; the entry point of what `--python` runs.

    Start-up hooks may have replaced `sys.stdout`, and may print or block at exit.
    """
    import json

    line = (MARK + json.dumps(describe())).encode("ascii")
    while line:  # a pipe holds 64 KiB
        line = line[os.write(1, line) :]
    os._exit(0)
