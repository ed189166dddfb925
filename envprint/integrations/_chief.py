"""Which process of a distributed training captures and writes: only one of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from envprint.machine.process_state import RefusedError, answered

RANKS = ("RANK", "HOROVOD_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
"""Variables in which launchers number their processes; the first that is set counts."""


def is_chief(variables: Mapping[str, str]) -> bool:
    """Whether this is the first process of its training, or the only one.

    Decided by TF_CONFIG, else by PyTorch or JAX if they run distributed, else by the launcher.
    """
    task = _task(variables.get("TF_CONFIG", ""))
    if task is not None:
        return task
    try:
        rank = answered(_rank)
    except RefusedError:  # fall back to the launcher
        rank = None
    if rank is None:
        told = (variables[name] for name in RANKS if variables.get(name, "").isdecimal())
        rank = int(next(told, "0"))
    return rank == 0


# {"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}
# https://www.tensorflow.org/tutorials/distribute/multi_worker_with_keras#model_saving_and_loading
def _task(config: str) -> bool | None:
    """Whether TF_CONFIG assigns the chief's task to this process; None if it assigns none."""
    try:
        found = json.loads(config)
        kind, number = found["task"]["type"], int(found["task"]["index"])
        has_chief = "chief" in found["cluster"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return kind == "chief" or (kind == "worker" and number == 0 and not has_chief)


def _rank() -> int | None:
    """The rank that a framework itself reports for this process, if it runs distributed."""
    torch: Any = sys.modules.get("torch.distributed")
    if torch and torch.is_available() and torch.is_initialized():
        return int(torch.get_rank())
    # jax.process_index() would start its devices.
    jax: Any = sys.modules.get("jax._src.distributed")
    state: Any = getattr(jax, "global_state", None)
    if state is not None and state.client is not None:
        return int(state.process_id)
    return None
