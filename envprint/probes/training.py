"""Trains a small network repeatedly, each time in a fresh process, and compares the weights.

It compares a digest of all weights before the first step and after each, so the step after which
two runs diverge is known exactly. Loss and accuracy are reported, but decide nothing: they can
agree while the weights differ.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from math import isfinite

from envprint.core.errors import EnvprintError
from envprint.core.typed import Any, NamedTuple
from envprint.probes.runner import lines, revision

FILES = {"tensorflow": "_training_keras.py", "torch": "_training_torch.py"}
"""The file of `envprint.probes.programs` that trains in each framework."""
SAMPLES = 512
VALIDATION_SAMPLES = 128
BATCH_SIZE = 64
EPOCHS = 3

OnProgress = Callable[[int, int, int], None]
"""Receives the run's number, the finished step (0 at the start) and the number of steps."""


class MissingError(EnvprintError):
    """The framework to train in is not installed."""


class Switches(NamedTuple):
    """What a user can set to make a training repeatable; None is not set."""

    hash: int | None = None
    """PYTHONHASHSEED; if not set it is `random`, whatever this process has."""
    python: int | None = None
    numpy: int | None = None
    framework: int | None = None
    op_determinism: bool | None = None
    threads: int | None = None


SEEDS = ("hash", "python", "numpy", "framework")


class TrainingJob(NamedTuple):
    """What to train, and where."""

    python: str
    """Path of the interpreter under observation."""
    framework: str
    device: str = "cpu"
    epochs: int = EPOCHS

    @property
    def steps(self) -> int:
        """The number of steps of a run."""
        return self.epochs * -(-SAMPLES // BATCH_SIZE)


class Run(NamedTuple):
    """One training: its metrics, and a digest of the weights before the first step and after each.

    Losses and accuracies are those of the last epoch, except `first_epoch_loss`. None stands for a
    value that is not finite, which JSON cannot represent; the weights still distinguish such runs.
    """

    loss: float | None
    accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    first_epoch_loss: float | None
    weights: tuple[str, ...]


class Series(NamedTuple):
    """Several runs of one job with the same switches."""

    job: TrainingJob
    switches: Switches
    version: str
    in_force: Mapping[str, str]
    """What was in force in the process: threads, switch, device, and what else it reported."""
    runs: tuple[Run, ...]

    @property
    def parted_at_step(self) -> int | None:
        """The first step after which weights differed, 0 for the initial weights; None if equal."""
        steps = enumerate(zip(*(run.weights for run in self.runs), strict=True))
        return next((step for step, digests in steps if len(set(digests)) > 1), None)

    @property
    def repeats(self) -> bool:
        """Whether all runs ended with the same weights, bit for bit."""
        return len({run.weights[-1] for run in self.runs}) == 1


def settings_of(job: TrainingJob, switches: Switches) -> dict[str, str]:
    """The requested settings; two machines are comparable if these are equal."""
    seeds = {f"{name}_seed": getattr(switches, name) for name in SEEDS}
    determinism = {None: "left", True: "on", False: "off"}[switches.op_determinism]
    return {
        **{name: "off" if value is None else str(value) for name, value in seeds.items()},
        "op_determinism": determinism,
        "threads": "left" if switches.threads is None else str(switches.threads),
        "device": job.device,
        "epochs": str(job.epochs),
        "samples": str(SAMPLES),
        "validation_samples": str(VALIDATION_SAMPLES),
        "batch_size": str(BATCH_SIZE),
    }


def raw(series: Series) -> dict[str, Any]:
    """The series in the form of `facts.probes.training`."""
    return {
        "revision": revision("_training.py", FILES[series.job.framework]),
        "version": series.version,
        "settings": settings_of(series.job, series.switches),
        "in_force": dict(series.in_force),
        "runs": [{**run._asdict(), "weights": run.weights[-1]} for run in series.runs],
        "repeats": series.repeats,
        "parted_at_step": series.parted_at_step,
    }


def train(job: TrainingJob, switches: Switches, repeat: int, on_progress: OnProgress) -> Series:
    """Train `repeat` times. Raises `EnvprintError` if the framework is missing or refuses."""
    runs = []
    header: dict[str, Any] = {}
    for number in range(1, repeat + 1):
        header, run = _run(job, switches, partial(on_progress, number))
        runs.append(run)
    return Series(job, switches, header["version"], header["in_force"], tuple(runs))


def _run(
    job: TrainingJob, switches: Switches, on_progress: Callable[[int, int], None]
) -> tuple[dict[str, Any], Run]:
    """What the process reported about itself, and its training."""
    weights: list[str] = []
    whole: dict[str, Any] = {}
    seed = "random" if switches.hash is None else str(switches.hash)
    for line in lines(
        job.python,
        FILES[job.framework],
        json.dumps(order(job, switches)),
        by="_training.py",
        variables={"PYTHONHASHSEED": seed},
    ):
        if "starting" in line:
            on_progress(0, job.steps)
        elif "weights" in line:
            weights.append(line["weights"])
            if len(weights) > 1:
                on_progress(len(weights) - 1, job.steps)
        whole.update(line)
    if "missing" in whole:
        raise MissingError(f"training: {job.framework} is not installed for {job.python}")
    for reason in ("refused", "ended"):
        if reason in whole:
            at = f"after step {len(weights) - 1}" if weights else "before the first step"
            raise EnvprintError(f"training in {job.framework} failed {at}: {whole[reason]}")
    metrics = {name: value if isfinite(value) else None for name, value in whole["result"].items()}
    return whole["begun"], Run(**metrics, weights=tuple(weights))


def order(job: TrainingJob, switches: Switches) -> dict[str, Any]:
    """The settings for the process that trains, as JSON types."""
    return {
        "device": job.device,
        "epochs": job.epochs,
        "samples": SAMPLES,
        "validation_samples": VALIDATION_SAMPLES,
        "batch_size": BATCH_SIZE,
        "seeds": {name: getattr(switches, name) for name in SEEDS if name != "hash"},
        "determinism": switches.op_determinism,
        "threads": switches.threads,
    }
