"""A policy to start from: this machine's state, as comments that can be uncommented."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import IMPACT_WORDS
from envprint.core.requirement import pinned
from envprint.core.workload import detect

_HEAD = """\
# What this team has agreed on; `envprint policy show` tells what is in force.
# Begun on {date} from what this machine has. Lines that begin with # do nothing.

# The impact from which on a check fails: {impacts}.
fail_on = "numeric"

# What a rule does that could not be decided: ignore, warn, or fail (exit code 3).
on_unknown = "warn"

# The workload. Without these lines: every framework installed, and a GPU when one is visible.
# frameworks = [{frameworks}]
# device = "{device}"

# What no run may start without.
[require]
"""
_TAIL = """\

# A rule's impact for this team; `envprint explain` lists the rules.
[impact]
# "os-locale-changed" = "none"

# Findings to leave out: a rule or a path (* stands for anything), always with a reason, and better
# with a last day.
# [[ignore]]
# rule = "gpu-memory-held-by-others"
# reason = "the desktop of this machine is always on"
# expires = {expires}

# Changes of libraries that nobody has judged, and that you agree to: by package or by role, up to
# a step of this size (patch, minor, major, any).
# [[accept]]
# package = "timm"
# step = "patch"
# reason = "read its release notes"

# Differences that are the experiment itself: shown apart, not counted, and told when something
# else comes with them.
# [[expect]]
# path = "facts.cuda.cudnn*"
# reason = "we compare two cuDNN versions"
"""
_AN_EXAMPLE = 'numpy = ">=2,<3"'
_PACKAGES = ("tensorflow", "torch", "jax", "keras", "numpy", "scikit-learn")


def starting_policy(now: Fingerprint) -> str:
    """A commented file that is valid as it is and changes nothing beyond what it states."""
    job = detect(now)
    date = now.captured_at[:10]
    head = _HEAD.format(
        date=date,
        impacts=", ".join(IMPACT_WORDS),
        frameworks=", ".join(f'"{name}"' for name in job.frameworks or ("tensorflow",)),
        device=job.device,
    )
    tail = _TAIL.format(expires=_a_year_after(date))
    return head + "\n".join(_required(now)) + "\n" + tail


def _a_year_after(date: str) -> str:
    """The same day of the next year; 28 February for 29 February."""
    return f"{int(date[:4]) + 1}{date[4:].replace('02-29', '02-28')}"


def _required(now: Fingerprint) -> Iterator[str]:
    gpus = now.get("facts.gpu.count", 0)
    total = now.get("facts.gpu.devices[0].memory_total_bytes")
    if gpus:
        yield f"# gpus = {gpus}"
    if total:
        yield f'# min_free_gpu = "{int(total * 0.9) >> 30} GiB"'
    yield '# variables = { PYTHONHASHSEED = "0" }'
    yield '# switches = ["tensorflow-op-determinism"]'
    found = {name: now.get(f"facts.packages.distributions[{name}].version") for name in _PACKAGES}
    # Text that is not a version could end the comment and put a line of its own in force.
    lines = [pinned(name, version) for name, version in found.items() if version]
    pins = ['{} = "=={}"'.format(*line.split("==")) for line in lines if line]
    yield f"# packages = {{ {', '.join(pins or [_AN_EXAMPLE])} }}"
