"""The runs of the probe `training` as a table, and whether they are equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from envprint.core.report import DEVICES, counted
from envprint.core.text import block, heading, plain
from envprint.core.typed import Any

COLUMNS = {
    "loss": "loss",
    "accuracy": "accuracy",
    "val_loss": "val loss",
    "val_accuracy": "val accuracy",
}
SEEDS = {"hash": "hashing", "python": "Python", "numpy": "NumPy"}
NAMES = {"tensorflow": "TensorFlow", "torch": "PyTorch"}
"""Names used in sentences."""
LEFT = "left"
NOT_FINITE = "not finite"
"""NaN or infinite: the training has diverged."""
SHOWN_DIGITS = 12
"""Digits shown of the digest of the weights."""


def render(framework: str, reported: Mapping[str, Any], colour: bool = False) -> str:
    """One framework's entry of `facts.probes.training` as text that ends with a newline."""
    return "\n".join(_lines(framework, reported, colour)) + "\n"


def _lines(framework: str, reported: Mapping[str, Any], colour: bool) -> Iterator[str]:
    yield from list(heading(title(framework, reported), colour))[1:]
    yield from block("seeds", _seeds(framework, reported["settings"]))
    yield from block("switches", _switches(reported))
    yield from block("size", _size(reported["settings"]))
    yield ""
    yield from _table(reported["runs"])
    yield ""
    yield from block("result", conclusion(reported))
    if len(reported["runs"]) > 1:
        yield from block("spread", "from the smallest to the largest, in % of the smallest")


def title(framework: str, reported: Mapping[str, Any]) -> str:
    """What was trained, and on which device."""
    in_force, device = reported["in_force"], reported["settings"]["device"]
    name = DEVICES[device] + (f" {in_force['device']}" if device == "gpu" else "")
    keras = f" with Keras {in_force['keras']}" if "keras" in in_force else ""
    return plain(f"{framework} {reported['version']}{keras}, on {name}")


def _seeds(framework: str, settings: Mapping[str, str]) -> str:
    names = {**SEEDS, "framework": NAMES[framework]}
    seeds = {name: settings[f"{key}_seed"] for key, name in names.items()}
    on = ", ".join(f"{name} {seed}" for name, seed in seeds.items() if seed != "off")
    off = ", ".join(name for name, seed in seeds.items() if seed == "off")
    return "; ".join(filter(None, (on, off and f"left to chance: {off}")))


def _switches(reported: Mapping[str, Any]) -> str:
    settings, in_force = reported["settings"], reported["in_force"]
    determinism = f"op determinism {in_force['op_determinism']}"
    determinism += " (unchanged)" if settings["op_determinism"] == LEFT else ""
    threads = counted(range(int(in_force["threads"])), "thread")
    threads += " (the framework's default)" if settings["threads"] == LEFT else ""
    return f"{determinism}; {threads}"


def _size(settings: Mapping[str, str]) -> str:
    epochs = counted(range(int(settings["epochs"])), "epoch")
    return (
        f"{epochs} of {settings['samples']} samples in batches of {settings['batch_size']}: "
        f"{counted(range(_steps(settings)), 'step')}; "
        f"{settings['validation_samples']} other samples to validate"
    )


def _steps(settings: Mapping[str, str]) -> int:
    return int(settings["epochs"]) * -(-int(settings["samples"]) // int(settings["batch_size"]))


def _table(runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield _row("run", list(COLUMNS.values()), "weights")
    for number, run in enumerate(runs, start=1):
        values = [_metric(run[name]) for name in COLUMNS]
        yield _row(str(number), values, run["weights"][:SHOWN_DIGITS])
    if len(runs) > 1:
        yield _row("spread", [_spread([run[name] for run in runs]) for name in COLUMNS], "")


def _row(first: str, cells: Sequence[str], last: str) -> str:
    return (f"{first:<8}" + "".join(f"{cell:>14}" for cell in cells) + f"  {last}").rstrip()


def _metric(value: float | None) -> str:
    return NOT_FINITE if value is None else f"{value:.9f}"


def _spread(values: Sequence[float | None]) -> str:
    finite = [value for value in values if value is not None]
    if len(finite) < len(values):
        return "-"
    least, most = min(finite), max(finite)
    if least == most:
        return "0"
    return f"{(most - least) / least:.5%}" if least > 0 else "-"


def conclusion(reported: Mapping[str, Any]) -> str:
    """Whether the weights are equal and, if not, after which step they diverged."""
    runs, step = reported["runs"], reported["parted_at_step"]
    if len(runs) == 1:
        return "one run does not show whether it repeats itself; --repeat N does"
    if reported["repeats"]:
        return f"the final weights are equal bit for bit in all {len(runs)} runs"
    different = len({run["weights"] for run in runs})
    endings = f"{len(runs)} runs ended with {different} different sets of weights"
    if step == 0:
        return f"the weights differed before the first step; {endings}"
    return f"the weights parted after step {step} of {_steps(reported['settings'])}; {endings}"
