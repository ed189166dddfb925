"""Switches as lines to copy: the program's calls, and what must be set before it starts."""

from collections.abc import Iterator, Mapping

from envprint.core.shell import export
from envprint.core.typed import NamedTuple
from envprint.core.versions import is_below
from envprint.probes.training import Series, Switches

DETERMINISM_FROM = "2.8"
"""First TensorFlow with `enable_op_determinism`; older ones have a variable."""
ALL_SEEDS_FROM = "2.9"
"""First TensorFlow with `tf.keras.utils.set_random_seed`."""


class Lines(NamedTuple):
    """Lines to copy."""

    code: tuple[str, ...]
    """Python code, to run before the network is built."""
    shell: tuple[str, ...]


def lines_for(series: Series) -> Lines:
    """The lines that set these switches in the versions with which the series ran."""
    switches = series.switches
    framework = {"tensorflow": _tensorflow, "torch": _torch}[series.job.framework]
    calls: dict[str, list[str]] = {"import random": [], "import numpy": []}
    if switches.python is not None:
        calls["import random"].append(f"random.seed({switches.python})")
    if switches.numpy is not None:
        calls["import numpy"].append(f"numpy.random.seed({switches.numpy})")
    calls |= framework(switches, series.version)
    imports = [name for name, called in calls.items() if called]
    code = (*imports, *([""] if imports else []), *(call for c in calls.values() for call in c))
    shell = [export(name, text) for name, text in _variables(series)]
    return Lines(code, tuple(filter(None, shell)))


def _tensorflow(switches: Switches, version: str) -> Mapping[str, list[str]]:
    calls = []
    if switches.framework is not None:
        calls.append(f"tf.random.set_seed({switches.framework})")
    if switches.op_determinism and not is_below(version, DETERMINISM_FROM):
        calls.append("tf.config.experimental.enable_op_determinism()")
    if switches.threads is not None:
        calls += [
            f"tf.config.threading.set_{kind}_op_parallelism_threads({switches.threads})"
            for kind in ("intra", "inter")
        ]
    return {"import tensorflow as tf": calls}


def _torch(switches: Switches, _version: str) -> Mapping[str, list[str]]:
    calls = []
    if switches.framework is not None:
        calls.append(f"torch.manual_seed({switches.framework})")
    if switches.op_determinism:
        calls.append("torch.use_deterministic_algorithms(True)")
    if switches.threads is not None:
        calls.append(f"torch.set_num_threads({switches.threads})")
        calls.append(f"torch.set_num_interop_threads({switches.threads})")
    return {"import torch": calls}


def _variables(series: Series) -> Iterator[tuple[str, str]]:
    """Variables that only take effect at the start, or before the framework is imported."""
    job, switches = series.job, series.switches
    if switches.hash is not None:
        yield "PYTHONHASHSEED", str(switches.hash)
    if not switches.op_determinism:
        return
    if job.framework == "tensorflow" and is_below(series.version, DETERMINISM_FROM):
        yield "TF_DETERMINISTIC_OPS", "1"
    if job.framework == "torch" and job.device == "gpu":
        yield "CUBLAS_WORKSPACE_CONFIG", ":4096:8"


def in_one_call(series: Series) -> str:
    """One call that sets several of the given seeds and more; empty if there is none."""
    switches = series.switches
    seeds = [switches.python, switches.numpy, switches.framework]
    given = [seed for seed in seeds if seed is not None]
    is_there = series.job.framework == "tensorflow" and not is_below(series.version, ALL_SEEDS_FROM)
    return f"tf.keras.utils.set_random_seed({given[0]})" if is_there and len(given) > 1 else ""
