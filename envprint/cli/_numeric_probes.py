"""Runs the numeric probes for a verb, and reports their progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from envprint.cli._console import Console
from envprint.cli._progress_bar import Waiting
from envprint.core.errors import EnvprintError
from envprint.core.typed import Any
from envprint.machine.live import LiveHost
from envprint.probes import runner


def probe_now(
    host: LiveHost, console: Console, names: Sequence[str], device: str, repeat: int
) -> dict[str, Any]:
    """Results of the numeric probes in the interpreter under observation; reports progress.

    Raises `EnvprintError` if a requested probe is not installed or could compute nothing, and if
    `gpu` was requested and nothing could be computed there.
    """
    python = runner.able(host.interpreter())
    plan = runner.Plan(python, names, device, repeat)
    steps = repeat * len(names) if device == "cpu" else None
    with Waiting(console, "probing", steps=steps) as waiting:
        reported = runner.measure(plan, waiting.begin)
    for name in names:
        if name not in reported:
            raise EnvprintError(f"probe {name}: it is not installed for {python}")
    failed = list(_in_vain(reported, names))
    for line in failed[:-1]:
        console.log(line)
    if failed:
        raise EnvprintError(failed[-1])
    return reported


def _in_vain(reported: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """A line for each probe that was requested, for that device, and computed nothing at all.

    Without names every probe may run, and some may lack their framework.
    """
    on_gpu = [key for key in reported if " on gpu" in key]
    requested = [[name] for name in names]
    requested += [[key for key in on_gpu if key.startswith(f"{name} ")] for name in names] or [
        on_gpu
    ]
    for keys in filter(None, requested):
        if not any(reported[key]["digests"] for key in keys):
            first = reported[keys[0]]
            reason = first.get("refused") or next(iter(first["errors"].values()), "no operation")
            yield f"probe {keys[0]}: {reason}"
