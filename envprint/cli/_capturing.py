"""Options of the verbs that capture or load a fingerprint, and what they mean."""

from __future__ import annotations

import argparse
from typing import Any

from envprint.cli._console import Console
from envprint.document import loads
from envprint.model import Fingerprint
from envprint.sources import take

SOURCE = "a fingerprint file, -, or one saved: @NAME, @last, @~2"
"""What the verbs' help says of an argument that `load` takes."""


def add_capture_options(parser: argparse.ArgumentParser) -> None:
    """How to capture."""
    parser.add_argument(
        "--python",
        metavar="PATH",
        help="observe this interpreter's environment, not envprint's own",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        metavar="S",
        help="what each collector may take, in seconds (default: 20; deep: 1800)",
    )
    parser.add_argument(
        "--gpu-timeout",
        type=_seconds,
        metavar="S",
        help="what the GPUs' driver may take beside that, in seconds (default: 10)",
    )


def capture_now(options: argparse.Namespace, console: Console, **details: Any) -> Fingerprint:
    """A fingerprint of this machine."""
    from envprint.capturing import capture
    from envprint.host import GPU_TIMEOUT_S, LiveHost

    host = LiveHost(
        options.python,
        deep=getattr(options, "deep", False),
        gpu_timeout_s=options.gpu_timeout or GPU_TIMEOUT_S,
    )
    return capture(host, via="cli", timeout_s=options.timeout, **details)


def load(source: str, console: Console) -> Fingerprint:
    """What `source` names; warns of keys that this version does not know, and of what is damaged.

    Raises `EnvprintError`.
    """
    found = take(source)
    for damage in found.skipped:
        console.warn(f"skipped: {damage}")
    fingerprint = loads(found.content, found.name)
    if fingerprint.foreign:
        names = ", ".join(sorted(fingerprint.foreign)[:5])
        console.warn(f"{found.name}: {len(fingerprint.foreign)} keys are not known: {names}")
    return fingerprint


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, found {text!r}")
    return seconds
