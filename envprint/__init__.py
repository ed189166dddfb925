"""envprint: what this environment is, and what a difference does to a training result.

    import envprint

    now = envprint.capture()                          # a Fingerprint
    envprint.dump(now, "run.json")

    report = envprint.diff(envprint.load("before.json"), now)
    print(report)                                     # as on the command line; a table in notebooks
    print(report.impact, report.summary)              # none, perf, numeric, diverges, breaks
    for finding in report.findings:
        print(finding.rule, finding.message, finding.remedy)

    # Raises DriftError for these, and warns (DriftWarning) of what is below.
    envprint.check(baseline="before.json", fail_on="diverges")

    envprint.seed(1234)                               # seeds every generator it can

    with envprint.gpu.watch() as watch:               # who else used the GPUs meanwhile
        train()
    print(watch.so_far().intruders)

Importing this package imports nothing else: each name loads its module on first use.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what `typing` has, without importing it; type checkers know the name
if TYPE_CHECKING:
    from typing import Any

    from envprint import fleet, gpu, integrations
    from envprint.api import capture, check, diff, dump, load
    from envprint.core.errors import EnvprintError
    from envprint.core.impact import Impact
    from envprint.core.version import __version__ as __version__
    from envprint.machine.seeding import Seeded, seed
    from envprint.results import DriftError, DriftWarning, Fingerprint, Report

_HOMES = {
    "__version__": "core.version",
    "capture": "api",
    "check": "api",
    "diff": "api",
    "dump": "api",
    "fleet": "fleet",
    "gpu": "gpu",
    "integrations": "integrations",
    "load": "api",
    "load_ipython_extension": "integrations._ipython",
    "DriftError": "results",
    "DriftWarning": "results",
    "EnvprintError": "core.errors",
    "Fingerprint": "results",
    "Impact": "core.impact",
    "Report": "results",
    "Seeded": "machine.seeding",
    "seed": "machine.seeding",
    "unload_ipython_extension": "integrations._ipython",
}

_MODULES = ("fleet", "gpu", "integrations")

__all__ = [
    "DriftError",
    "DriftWarning",
    "EnvprintError",
    "Fingerprint",
    "Impact",
    "Report",
    "Seeded",
    "capture",
    "check",
    "diff",
    "dump",
    "fleet",
    "gpu",
    "integrations",
    "load",
    "seed",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'envprint' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"envprint.{_HOMES[name]}")
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
