"""Small wheels in a directory, which stand for an index: to install from without a network."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest


def wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    content: str = "",
    tag: str = "py3-none-any",
    requires: Iterable[str] = (),
    build: str = "",
) -> Path:
    """A wheel with one module of that name; `content` is what the module holds besides."""
    folder.mkdir(parents=True, exist_ok=True)
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
    files = {
        f"{module}/__init__.py": f"__version__ = {version!r}\n{content}",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(f"{path},sha256={_hash(text)},{len(text)}\n" for path, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    path = folder / f"{module}-{version}{build}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def only_index(folder: Path, patch: pytest.MonkeyPatch, cache: Path) -> None:
    """Let installers find packages in `folder` and nowhere else, whatever this machine is told."""
    empty = cache / "empty"
    empty.mkdir(parents=True, exist_ok=True)
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"):
        patch.delenv(name, raising=False)
    patch.delenv("UV_FIND_LINKS", raising=False)
    patch.setenv("PIP_CONFIG_FILE", "/dev/null")
    patch.setenv("PIP_INDEX_URL", empty.as_uri())
    patch.setenv("PIP_EXTRA_INDEX_URL", "")
    patch.setenv("PIP_FIND_LINKS", str(folder))
    patch.setenv("UV_CACHE_DIR", str(cache / "uv"))
    patch.setenv("PIP_CACHE_DIR", str(cache / "pip"))
