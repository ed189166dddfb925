"""What a launcher starts on each host for `envprint fleet gather`: one capture for the host."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from envprint.cli._capture_options import (
    add_capture_options,
    add_describing_options,
    capture_now,
    described_by,
    host_of,
)
from envprint.cli._console import Console
from envprint.core.errors import EnvprintError
from envprint.documents.codec import dumps
from envprint.fleet.hosts import Captured
from envprint.fleet.launching import member


def main(arguments: Sequence[str]) -> int:
    """Capture if this is the first process of its host; 2 if nobody can be told."""
    console = Console(sys.stdout, sys.stderr)
    try:
        meeting, plan, host = member(arguments[0])
    except (EnvprintError, OSError) as error:
        console.log(str(error))
        return 2
    if host is None:
        return 0
    try:
        options = _options(plan.options)
        found = capture_now(options, console, host_of(options), **described_by(options))
        meeting.end(Captured(host, dumps(found)))
    except EnvprintError as error:
        meeting.end(Captured(host, failed=str(error)))
    return 0


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_capture_options(parser)
    add_describing_options(parser)
    parser.add_argument("--label")
    return parser.parse_args(list(words))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
