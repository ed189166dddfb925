"""Options of the verbs that capture or load a fingerprint, and what they mean."""

from __future__ import annotations

import argparse
from typing import Any

from envprint.cli._console import Console
from envprint.document import loads
from envprint.files import input_name, read_input
from envprint.model import Fingerprint


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


def load(path: str, console: Console) -> Fingerprint:
    """The fingerprint at `path`; warns of keys that this version does not know."""
    fingerprint = loads(read_input(path), input_name(path))
    if fingerprint.foreign:
        names = ", ".join(sorted(fingerprint.foreign)[:5])
        console.warn(f"{input_name(path)}: {len(fingerprint.foreign)} keys are not known: {names}")
    return fingerprint


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, found {text!r}")
    return seconds
