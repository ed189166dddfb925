"""Ray and Dask run the capture on each of their hosts, and bring the document back.

    gather("fleet", through="ray")    gather("fleet", through=client)

The process that runs it is a worker of the engine, with what the engine set in it. Either is
imported only where it is named or runs already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module

from envprint.api import capture
from envprint.core.errors import EnvprintError
from envprint.core.text import one_line
from envprint.core.typed import Any, NamedTuple
from envprint.documents.codec import dumps
from envprint.fleet.hosts import Captured, Gathered, Host, Lost, keep
from envprint.machine.deadline import Question, ask_all, within
from envprint.machine.process_state import RefusedError, answered

DASK = "Dask"
START_S = 60.0
"""How long the engine may take to be reached."""


class Wanted(NamedTuple):
    """What each capture gets."""

    label: str | None = None
    note: str | None = None
    tags: Mapping[str, str] = {}
    identify: bool = False
    python: str | None = None


class Task(NamedTuple):
    """One host of an engine, and how to have it captured."""

    host: Host
    ask: Callable[[], str]


def capture_there(wanted: Mapping[str, Any], engine: str) -> str:
    """The document of the process and machine that this runs on; runs in a worker.

    A worker of Dask without a nanny, and its scheduler, have no variable that says what they are.
    """
    found = capture(**wanted)
    return dumps(found._replace(captured_via=f"python:{engine}"))


def gather_ray(address: str | None, directory: str, wanted: Wanted, timeout_s: float) -> Gathered:
    """One capture per node of Ray, by a task that takes no CPU. Raises `EnvprintError`."""
    ray = engine_named("ray")
    until = time.monotonic() + timeout_s
    is_ours = not ray.is_initialized()
    if is_ours:
        begin = {"address": address or "auto", "log_to_driver": False, "logging_level": "error"}
        reached("Ray", lambda: ray.init(**begin))
    try:
        nodes = reached("Ray", ray.nodes)
        alive = [node for node in nodes if node["Alive"]]
        lost = [Lost(_node_name(n), _death(n)) for n in nodes if not n["Alive"]]
        asked = {_node(node): _task(ray, node["NodeID"], wanted) for node in alive}
        refs = list(asked.values())
        ray.wait(refs, num_returns=len(refs), timeout=max(until - time.monotonic(), 0.1))
        found = [_answer(host, _ray_result(ray, ref, timeout_s)) for host, ref in asked.items()]
    finally:
        if is_ours:
            ray.shutdown()
    return keep(directory, found, lost)


def _task(ray: Any, node: str, wanted: Wanted) -> Any:
    # https://docs.ray.io/en/latest/ray-core/scheduling/index.html#nodeaffinityschedulingstrategy
    strategies = import_module("ray.util.scheduling_strategies")
    where = strategies.NodeAffinitySchedulingStrategy(node_id=node, soft=False)
    remote = ray.remote(num_cpus=0, max_retries=0)(_in_ray)
    return remote.options(scheduling_strategy=where).remote(wanted._asdict())


def _in_ray(wanted: dict[str, Any]) -> str:
    """Ray's runtime environment is of the job, not of the node: the capture tells them apart."""
    environment = import_module("ray").get_runtime_context().runtime_env
    parts = [key for key in environment if key != "env_vars" and not key.startswith("_")]
    names = sorted({**(environment.get("env_vars") or {}), **dict.fromkeys(parts)})
    tags = {**wanted["tags"], **({"runtime_env": " ".join(names)} if names else {})}
    return capture_there({**wanted, "tags": tags}, "Ray")


def _ray_result(ray: Any, ref: Any, timeout_s: float) -> Callable[[], str]:
    def result() -> str:
        ready, _ = ray.wait([ref], timeout=0)
        if not ready:
            raise TimeoutError(f"no answer within {timeout_s:g} s")
        return str(ray.get(ref))

    return result


def _node(node: Mapping[str, Any]) -> Host:
    return Host(_node_name(node), node["NodeID"])


def _node_name(node: Mapping[str, Any]) -> str:
    """The name that it was given, else its host's; by default Ray calls a node by its address."""
    name, address = node.get("NodeName"), node.get("NodeManagerAddress")
    return str((name if name != address else None) or node.get("NodeManagerHostname") or address)


def _death(node: Mapping[str, Any]) -> str:
    return f"is dead: {node.get('DeathReasonMessage') or 'Ray does not say why'}"


def gather_dask(client: Any, directory: str, wanted: Wanted, timeout_s: float) -> Gathered:
    """One capture per host of Dask's workers, and of the scheduler. Raises `EnvprintError`."""
    is_ours = isinstance(client, str)
    if is_ours:
        engine, address = engine_named("distributed"), client
        client = reached("Dask", lambda: engine.Client(address, timeout=START_S))
    try:
        tasks = [*_dask_workers(client, wanted), _dask_scheduler(client, wanted)]
        questions = [Question(partial(answered, task.ask)) for task in tasks]
        ask_all(questions, timeout_s)  # one that is silent holds up no other
        found = [
            _answer(task.host, _dask_result(question, timeout_s))
            for task, question in zip(tasks, questions, strict=True)
        ]
    finally:
        if is_ours:
            client.close()
    return keep(directory, found)


def _dask_workers(client: Any, wanted: Wanted) -> list[Task]:
    workers = reached("Dask", lambda: client.scheduler_info(n_workers=-1)["workers"])
    firsts: dict[str, str] = {}
    for address, worker in sorted(workers.items()):
        firsts.setdefault(str(worker["host"]), address)
    return [
        Task(Host(host, address), partial(_on_worker, client, address, wanted))
        for host, address in firsts.items()
    ]


def _on_worker(client: Any, address: str, wanted: Wanted) -> str:
    details = _with_role(wanted, "worker")
    return str(client.run(capture_there, details, DASK, workers=[address])[address])


def _dask_scheduler(client: Any, wanted: Wanted) -> Task:
    details = _with_role(wanted, "scheduler")
    return Task(
        Host("scheduler", "scheduler"),
        lambda: str(client.run_on_scheduler(capture_there, details, DASK)),
    )


def _with_role(wanted: Wanted, role: str) -> dict[str, Any]:
    return wanted._replace(tags={"role": role, **wanted.tags})._asdict()


def _dask_result(question: Question[str], timeout_s: float) -> Callable[[], str]:
    def result() -> str:
        if not question.is_answered:
            raise TimeoutError(f"no answer within {timeout_s:g} s")
        return question.result()

    return result


def _answer(host: Host, result: Callable[[], str]) -> Captured:
    try:
        return Captured(host, answered(result))
    except RefusedError as error:
        text = one_line(str(error))
        if "No module named 'envprint'" in text:
            text = "envprint is not installed there"
        return Captured(host, failed=text[-300:])


def engine_named(name: str) -> Any:
    """The module of an engine. Raises `EnvprintError`."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise EnvprintError(
            f"{name} is not installed here; run envprint in an environment that has it"
        ) from None


def reached(name: str, ask: Callable[[], Any]) -> Any:
    """What an engine answers. Raises `EnvprintError`, in one line."""
    try:
        return within(START_S, lambda: answered(ask))
    except (RefusedError, TimeoutError) as error:
        raise EnvprintError(f"{name} cannot be reached: {one_line(str(error))[:300]}") from None
