"""Which requirements of an installed distribution no installed version fulfils, by its METADATA.

Only what a distribution asks for without any extra: nothing records which extras were asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from envprint import knowledge
from envprint.collectors._dist_info import normalised
from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any
from envprint.core.versions import meets
from envprint.machine.attempt import attempt
from envprint.machine.host import Host

Requires = Sequence[Sequence[str]]
"""Normalised name, specifier and marker of each requirement."""

Versions = Mapping[str, str | None]
"""Normalised name to version, None if that is unknown, of what is installed."""

# numpy<2,>=1.22.4; python_version < "3.11"   numpy (>=1.20)   requests[socks]>=2   x @ https://…
# https://packaging.python.org/en/latest/specifications/dependency-specifiers/
_REQUIREMENT = (
    r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(@[^;]*|\(?[^;()]*\)?)\s*(?:;(.*))?"
)
_REQUIRES = b"\nrequires-dist:"
_SYSTEMS = {"Windows": ("nt", "win32"), "Darwin": ("posix", "darwin")}
"""`os.name` and `sys.platform` where they are not those of Linux."""


def environment(host: Host) -> dict[str, str]:
    """The variables of markers, for the observed interpreter. Raises `OSError`, `KeyError`."""
    interpreter, kernel = host.interpreter(), host.system()
    version, system = str(interpreter["version"]), kernel["system"]
    implementation = str(interpreter["implementation"])
    os_name, platform = _SYSTEMS.get(system, ("posix", str(interpreter["platform"])))
    return {
        "python_version": ".".join(version.split(".")[:2]),
        "python_full_version": version,
        "implementation_name": implementation,
        "platform_python_implementation": {"cpython": "CPython", "pypy": "PyPy"}.get(
            implementation, implementation
        ),
        "platform_machine": kernel["machine"],
        "platform_system": system,
        "os_name": os_name,
        "sys_platform": platform,
        "extra": "",
    }


def unmet_of(
    host: Host, installed: Versions, required: Mapping[str, Requires | Unknown]
) -> dict[str, Any] | Unknown:
    """By name, what distributions ask for and do not get; `required` has those that matter."""
    if not any(required.values()):
        return {}
    here = attempt(lambda: environment(host))
    if isinstance(here, Unknown):
        return here
    found: dict[str, Any] = {}
    for name, requires in required.items():
        if isinstance(requires, Unknown):
            found[name] = requires
        elif requires and (missing := unmet(requires, installed, here)):
            found[name] = missing
    return found


def unmet(
    requires: Requires, installed: Versions, here: Mapping[str, str]
) -> list[dict[str, str | None]]:
    """The requirements that apply here and are not fulfilled, in order of name.

    What cannot be evaluated, such as a marker of an unknown form, is left out.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, specifier, marker in requires:
        # Before the table is read: most of what is not installed is for other systems.
        if name not in installed and not _applies(marker, here):
            continue
        version = _installed(installed, name)
        if _fulfils(version, specifier) is False and _applies(marker, here):
            found[f"{name}{specifier}"] = {
                "name": name,
                "specifier": specifier,
                "installed": version or None,
            }
    return [found[key] for key in sorted(found)]


MAX_LINE = 4000
"""Bytes; ten times a long requirement."""


def requirements(metadata: bytes) -> Iterator[tuple[str, str, str]]:
    """Normalised name, specifier and marker of each line that asks for no extra."""
    if b"\r" in metadata[:200]:
        metadata = metadata.replace(b"\r\n", b"\n")
    head = metadata.partition(b"\n\n")[0]
    if _REQUIRES not in head.lower():
        return
    for line in head.split(b"\n"):
        if len(line) > MAX_LINE:  # the form below takes time quadratic in the length of a name
            continue
        if line[:14].lower() == b"requires-dist:" and b"extra" not in line.partition(b";")[2]:
            match = re.fullmatch(_REQUIREMENT, line[14:].decode("utf-8", "replace").strip())
            if match:
                specifier = "" if match[2].startswith("@") else "".join(match[2].split())
                yield normalised(match[1]), specifier.strip("()"), (match[3] or "").strip()


def _applies(marker: str, here: Mapping[str, str]) -> bool | None:
    if not marker:
        return True
    from envprint.core.markers import applies  # needed only for what is not fulfilled

    return applies(marker, here)


def _installed(installed: Versions, name: str) -> str | None:
    """The version of the distribution or of another that brings the same package; "" for none."""
    if name in installed:
        return installed[name]
    others = (other for other in knowledge.owners(name) if other in installed)
    return next((installed[other] for other in others), "")


def _fulfils(version: str | None, specifier: str) -> bool | None:
    if version == "":
        return False  # not installed
    if version is None or not specifier:
        return None
    return meets(version, specifier)
