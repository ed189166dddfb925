"""The training probe as the job: envprint's own small training, in each trial's environment.

For those who have no job at hand, or one that takes too long. All seeds are set, so that what is
left of a difference comes from the environment.
"""

from __future__ import annotations

import json
import os

from envprint.core.errors import UsageError
from envprint.core.typed import Any, NamedTuple
from envprint.core.workload import Workload
from envprint.isolate.contents import DIGEST, Array
from envprint.isolate.results import PROBE, NoResult, Result, failure
from envprint.probes import programs
from envprint.probes.training import FILES, Switches, TrainingJob, order

SEED = 1


class ProbeJob(NamedTuple):
    """What to run in each trial, and how people would start it."""

    command: tuple[str, ...]
    in_words: tuple[str, ...]


def probe_job(workload: Workload) -> ProbeJob:
    """Train once in the first framework of the workload that the probe knows.

    Raises `UsageError` if there is none.
    """
    framework = next((name for name in FILES if name in workload.frameworks), None)
    if framework is None:
        raise UsageError(
            f"isolate: --result {PROBE} trains in {' or '.join(FILES)}, and neither is installed "
            "on both sides"
        )
    folder = programs.__path__[0]
    seeds = Switches(python=SEED, numpy=SEED, framework=SEED)
    settings = order(TrainingJob("python", framework, workload.device), seeds)
    files = (os.path.join(folder, name) for name in ("_training.py", FILES[framework]))
    return ProbeJob(
        ("python", *files, json.dumps(settings)),
        ("envprint", "probe", "training", "--framework", framework),
    )


# {"starting": "torch"}
# {"weights": "9f86d081884c7d659a2feaa0c55ad015"}      after each step
# {"result": {"loss": 0.61, "accuracy": 0.8, …}}
def read(out: str) -> Result:
    """What a training has reported. Raises `NoResult`."""
    whole: dict[str, Any] = {}
    with open(out, encoding="utf-8") as lines:  # noqa: PTH123
        for line in lines:
            whole |= json.loads(line)
    if "missing" in whole:
        return _failed(f"ModuleNotFoundError: {whole['missing']} is not installed")
    if "refused" in whole:
        return _failed(str(whole["refused"]))
    if "result" not in whole:
        raise NoResult("the training ended early")
    metrics = whole["result"]
    numbers = (Array(name, "json", (1,), json.dumps(metrics[name]).encode()) for name in metrics)
    weights = Array("weights", DIGEST, (1,), whole["weights"].encode())
    shown = f"weights {whole['weights'][:12]}, loss {metrics['loss']:.6g}"
    return Result((*sorted(numbers), weights), shown)


def _failed(message: str) -> Result:
    """The exception that ended it, as a result. Raises `NoResult` if it is no evidence."""
    found = failure(1, message)
    if found is None:
        raise NoResult(message)
    return found
