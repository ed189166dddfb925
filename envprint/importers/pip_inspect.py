"""`pip inspect`: every distribution with its origin, and the environment of markers.

https://pip.pypa.io/en/stable/reference/inspect-report/
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.typed import Any
from envprint.importers._found import Found, combined
from envprint.importers._packages import Package, origin_of, package, packages
from envprint.importers._source import Source

TITLE = "a pip inspect report"


def recognises(source: Source) -> bool:
    """An object with the list of what is installed."""
    return isinstance(source.json, dict) and isinstance(source.json.get("installed"), list)


def read(source: Source) -> Found:
    """Distributions, Python and the system. Raises `DocumentError`."""
    if not recognises(source):
        raise source.fault("not a pip inspect report: expected an object with `installed`")
    found = packages(_packages(source.json["installed"]))
    return combined([found, _environment(source.json.get("environment"))])


def _packages(installed: list[Any]) -> Iterator[Package]:
    for one in installed:
        metadata = one.get("metadata") if isinstance(one, dict) else None
        if not isinstance(metadata, dict):
            continue
        installer = one.get("installer")
        found = package(
            str(metadata.get("name")),
            str(metadata.get("version")),
            _origin(one.get("direct_url"), installer),
            installer if isinstance(installer, str) and installer else None,
        )
        if found:
            yield found


# "direct_url": {"url": "file:///home/me/mine", "dir_info": {"editable": true}}
# "direct_url": {"url": "https://github.com/o/r", "vcs_info": {"vcs": "git", "commit_id": "7e1c…"}}
def _origin(direct: Any, installer: Any) -> dict[str, Any] | None:
    if not isinstance(direct, dict) or not isinstance(direct.get("url"), str):
        # Installers write nothing for what comes from an index.
        of_index = installer in ("pip", "uv")
        return {"kind": "index", "url": None, "vcs": None, "commit": None} if of_index else None
    vcs, directory = direct.get("vcs_info"), direct.get("dir_info")
    if isinstance(vcs, dict):
        origin = origin_of(f"git+{direct['url']}@{vcs.get('commit_id') or ''}")
        return origin | {"vcs": _text(vcs.get("vcs")), "commit": _text(vcs.get("commit_id"))}
    is_editable = isinstance(directory, dict) and directory.get("editable") is True
    origin = origin_of(direct["url"], is_editable=is_editable)
    return origin | (
        {} if is_editable else {"kind": "local" if directory is not None else "archive"}
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _environment(markers: Any) -> Found:
    """https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers"""
    known = markers if isinstance(markers, dict) else {}
    named = {name: _text(known.get(name)) for name in _MARKERS}
    facts: dict[str, dict[str, Any]] = {}
    for name, (section, field) in _MARKERS.items():
        if named[name]:
            facts.setdefault(section, {})[field] = named[name]
    return Found(facts)


_MARKERS = {
    "python_full_version": ("python", "version"),
    "implementation_name": ("python", "implementation"),
    "platform_system": ("os", "system"),
    "platform_release": ("os", "kernel_release"),
    "platform_machine": ("cpu", "architecture"),
}
