"""Which process of a job this is: by the group that runs already, else by what started it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from envprint.core.typed import Any, NamedTuple
from envprint.knowledge.launchers import process_of
from envprint.machine.process_state import RefusedError, answered


class Place(NamedTuple):
    """The place of this process in its job; None for what is not known."""

    is_first: bool
    rank: int | None = None
    size: int | None = None
    job: tuple[str, ...] = ()
    """Different for each job and the same in all of its processes."""


def is_chief(variables: Mapping[str, str]) -> bool:
    """Whether this is the first process of its training, or the only one."""
    return place_of(variables).is_first


def place_of(variables: Mapping[str, str]) -> Place:
    """By TF_CONFIG, else by PyTorch, JAX or MPI if they run, else by the launcher."""
    task = _task(variables.get("TF_CONFIG", ""))
    if task is not None:
        return task
    for running in (torch_place, _jax_place, mpi_place):
        try:
            place = answered(running)
        except RefusedError:  # fall back to the next one
            continue
        if place is not None:
            return place
    process = process_of(variables)
    if process is None:
        return Place(is_first=True)
    return Place(process.is_first, process.rank, process.size, process.job)


# {"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}
# https://www.tensorflow.org/tutorials/distribute/multi_worker_with_keras#model_saving_and_loading
def _task(config: str) -> Place | None:
    """The task that TF_CONFIG assigns to this process; None if it assigns none.

    Tasks that do not train, such as the evaluator's, have no rank.
    """
    try:
        found = json.loads(config)
        kind, number = found["task"]["type"], int(found["task"]["index"])
        chiefs, workers = (len(found["cluster"].get(name, ())) for name in ("chief", "worker"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if kind not in ("chief", "worker"):
        return Place(is_first=False)
    rank = number + (chiefs if kind == "worker" else 0)
    return Place(rank == 0, rank, chiefs + workers, (json.dumps(found["cluster"]),))


def torch_place() -> Place | None:
    """By `torch.distributed`, if this process has initialised it."""
    torch: Any = sys.modules.get("torch.distributed")
    if torch and torch.is_available() and torch.is_initialized():
        rank = int(torch.get_rank())
        return Place(rank == 0, rank, int(torch.get_world_size()))
    return None


def _jax_place() -> Place | None:
    # jax.process_index() would start its devices.
    jax: Any = sys.modules.get("jax._src.distributed")
    state: Any = getattr(jax, "global_state", None)
    if state is not None and state.client is not None:
        rank, size = int(state.process_id), int(state.num_processes)
        return Place(rank == 0, rank, size, (str(state.coordinator_address),))
    return None


def mpi_place() -> Place | None:
    """By mpi4py, if this process has imported it and several were started."""
    mpi: Any = sys.modules.get("mpi4py.MPI")
    if mpi and mpi.Is_initialized() and not mpi.Is_finalized():
        rank, size = int(mpi.COMM_WORLD.Get_rank()), int(mpi.COMM_WORLD.Get_size())
        return Place(rank == 0, rank, size) if size > 1 else None
    return None
