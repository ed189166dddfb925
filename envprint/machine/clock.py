"""How documents write a time."""

import time


def utc(at_s: float | None = None) -> str:
    """`at_s`, in seconds since the epoch, or now: in UTC, ISO 8601, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))
