"""`pylock.toml` for exact pins: of each distribution the wheel with the recorded tags.

The record has a wheel's tags and not its hash, so the hashes are those of the index today; whether
a wheel is the recorded one shows in its build id, after it is installed.
https://packaging.python.org/en/latest/specifications/pylock-toml/
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence

from envprint.core.errors import EnvprintError
from envprint.core.redact import safe_text
from envprint.core.typed import Any
from envprint.isolate.commands import run
from envprint.isolate.installers import find_uv
from envprint.isolate.pip_settings import for_uv
from envprint.isolate.wanted import Pin, Wanted

_RESOLVE_S = 600.0


def lock(wanted: Wanted, mark: str) -> str:
    """The text of the file. Raises `EnvprintError` if the index cannot name all wheels."""
    uv = find_uv()
    if uv is None:
        raise EnvprintError("uv is not installed here, which asks the index for its files")
    with tempfile.TemporaryDirectory(prefix="envprint-") as folder:
        found = [
            package
            for index in dict.fromkeys(pin.published_at for pin in wanted.pins)
            for package in _resolved(uv, folder, wanted, index)
        ]
    pins = {pin.name: pin for pin in wanted.pins}
    lines = [f"# {mark}. Install with: uv pip sync pylock.toml", 'lock-version = "1.0"']
    lines.append('created-by = "envprint"')
    if wanted.python:
        lines.append(f"requires-python = {_text('>=' + _minor(wanted.python))}")
    for package in sorted(found, key=lambda one: str(one.get("name"))):
        if package.get("name") in pins:
            lines += _package(package, pins[package["name"]])
    return "\n".join(lines) + "\n"


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _resolved(uv: str, folder: str, wanted: Wanted, index: str | None) -> list[dict[str, Any]]:
    """What uv says of the files of the pins from one index."""
    pins = [pin for pin in wanted.pins if pin.published_at == index]
    source, target = (os.path.join(folder, name) for name in ("requirements.in", "pylock.toml"))
    with open(source, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("".join(f"{pin.requirement}\n" for pin in pins))
    argv = [uv, "pip", "compile", "--quiet", "--directory", "/", "--color", "never"]
    argv += ["--no-deps", "--no-header"]
    argv += ["--python-version", wanted.python] if wanted.python else []
    argv += ["--format", "pylock.toml", "--output-file", target, source]
    settings = for_uv(os.environ)
    try:
        run(argv, _RESOLVE_S, "uv", settings)
    except EnvprintError:
        if index is None:
            raise
        run([*argv, "--default-index", index], _RESOLVE_S, "uv", settings)
    with open(target, "rb") as file:  # noqa: PTH123
        found = _parsed(file.read().decode("utf-8"))
    os.unlink(target)
    packages = found.get("packages")
    return [one for one in packages if isinstance(one, dict)] if isinstance(packages, list) else []


def _parsed(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def _package(package: Mapping[str, Any], pin: Pin) -> Iterator[str]:
    wheels = [one for one in package.get("wheels") or () if isinstance(one, dict)]
    chosen = [one for one in wheels if _tags(one) & set(pin.tags)] or wheels
    exact = [one for one in chosen if _tags(one) == set(pin.tags)]
    yield from ("", "[[packages]]", f"name = {_text(pin.name)}", f"version = {_text(pin.version)}")
    for key in ("archive", "vcs"):
        if isinstance(package.get(key), dict):
            yield f"{key} = {_inline(package[key])}"
    if wheels:
        yield "wheels = ["
        yield from (f"    {_inline(one)}," for one in exact or chosen)
        yield "]"
    elif isinstance(package.get("sdist"), dict):
        yield f"sdist = {_inline(package['sdist'])}"


# numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl
def _tags(wheel: Mapping[str, Any]) -> set[str]:
    """The tags in the name of a wheel, each of them in full."""
    name = str(wheel.get("name") or wheel.get("url") or wheel.get("path") or "")
    parts = name.rpartition("/")[2].removesuffix(".whl").split("-")[-3:]
    if len(parts) < 3:
        return set()
    interpreters, binaries, platforms = (part.split(".") for part in parts)
    return {f"{i}-{b}-{p}" for i in interpreters for b in binaries for p in platforms}


def _inline(value: Mapping[str, Any]) -> str:
    """A table of TOML on one line: where a file is, how large, and its hashes."""
    pairs = []
    for key, item in value.items():
        if isinstance(item, Mapping):
            pairs.append(f"{_key(key)} = {_inline(item)}")
        elif isinstance(item, str):
            pairs.append(f"{_key(key)} = {_text(_public(item))}")
        elif isinstance(item, int):
            pairs.append(f"{_key(key)} = {str(item).lower()}")
    return "{ " + ", ".join(pairs) + " }"


def _public(text: str) -> str:
    """A text that an index gave, without credentials. Raises `EnvprintError` if it has some."""
    if safe_text(text) != text:
        raise EnvprintError("the index names its files with credentials, which are not written")
    return text


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _text(value: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def packages_of(wanted: Wanted, names: Sequence[str]) -> Wanted:
    """The same without the distributions of these names, which the index does not have."""
    left = tuple(pin for pin in wanted.pins if pin.name not in names)
    return wanted._replace(pins=left)
