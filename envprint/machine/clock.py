"""Times as documents write them."""

import time


def utc(at_s: float | None = None) -> str:
    """`at_s` (seconds since the epoch, default now) in UTC, ISO 8601, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))
