"""Virtual environments for tests and measurements: found interpreters, pinned requirements."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from envprint.isolate.pip_settings import for_uv
from tests.builders.shared import alone

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KEPT = "ENVPRINT_TEST_VENVS"
"""The variable that names a directory where environments are kept between runs."""
DEBIAN = "/usr/bin/python3.11"
ROOT = Path(__file__).parents[2]
MODULES = {"scikit-learn": "sklearn"}
"""Distributions whose module has another name."""
BUILD_INFO = "build_info = dict([('is_cuda_build', False), ('is_rocm_build', False)])\n"
FILES = {"tensorflow": ("python/platform/build_info.py", BUILD_INFO)}
"""A further file that a capture reads."""
SCRIPT = "#!{python}\nfrom envprint.__main__ import script\nscript()\n"


class NotHereError(Exception):
    """This machine lacks what a setting needs: an interpreter, a library, a command."""


def build(place: Path, python: str, arguments: Sequence[str], *, by: str = "pip") -> str:
    """The interpreter of the environment at `place`, made of `python` if it is not complete yet.

    `arguments` go to the installer, pip or uv: requirements, or `-r` and a file. An environment
    that uv fills holds no pip, and its files are links into uv's cache: replace them, never write
    into them.
    """
    made = place / "bin" / "python"
    with alone(place):
        if not (place / "complete").exists():
            bare = ["--without-pip"] if by == "uv" else []
            subprocess.run([python, "-m", "venv", "--clear", *bare, place], check=True)
            if arguments:
                install(str(made), *arguments, by=by)
            (place / "complete").write_text(" ".join((by, *arguments)))
    return str(made)


def made_by_hand(place: Path, *packages: str) -> Path:
    """A virtual environment at `place` with packages, such as `numpy==2.4.6`, of a few files."""
    venv.create(place, symlinks=True)
    folder = packages_of(place)
    for package in packages:
        name, _, version = package.partition("==")
        module = folder / MODULES.get(name, name)
        module.mkdir()
        (module / "__init__.py").write_text(f"__version__ = {version!r}\n")
        (module / "version.py").write_text(f"version = {version!r}\n")
        if name in FILES:
            further, text = FILES[name]
            (module / further).parent.mkdir(parents=True)
            (module / further).write_text(text)
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return place


def packages_of(place: Path) -> Path:
    """The directory of packages of the environment at `place`."""
    return next(place.glob("lib/python3*/site-packages"))


def with_envprint(place: Path, *packages: str) -> Path:
    """The same with envprint and what it needs, by reference to this checkout."""
    made_by_hand(place, *packages)
    needed = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    (packages_of(place) / "envprint.pth").write_text("\n".join(needed) + "\n")
    script = place / "bin" / "envprint"
    script.write_text(SCRIPT.format(python=place / "bin" / "python"))
    script.chmod(0o755)
    return place


def in_shell(
    *command: object, path: Sequence[Path], cwd: Path, **variables: object
) -> subprocess.CompletedProcess[str]:
    """Run a command with this PATH and nothing of the test run's own variables."""
    clean: Mapping[str, str] = {
        **{"PATH": os.pathsep.join(map(str, path)), "HOME": str(cwd), "LANG": "C.UTF-8"},
        **{name: str(value) for name, value in variables.items()},
    }
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True, text=True, env=clean, cwd=cwd, check=False, timeout=120,
    )  # fmt: skip


def install(python: str, *arguments: str, by: str = "uv") -> None:
    """Install into the environment of `python`, with its pip or with uv."""
    command = {
        "pip": [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"],
        "uv": [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python],
    }[by]
    patient = {"UV_HTTP_TIMEOUT": "180", **os.environ, **for_uv(os.environ)}
    subprocess.run([*command, *arguments], check=True, env=patient)


def activate(prefix: Path | str) -> None:
    """Put an environment first on PATH, in this process and those that it starts.

    Else envprint, started in it by a path, looks at whatever `python` PATH has.
    """
    os.environ["PATH"] = os.pathsep.join((str(Path(prefix, "bin")), os.environ["PATH"]))


def bare(place: Path, base: str = sys.executable) -> str:
    """The interpreter of a new environment in which nothing is installed, not even pip."""
    subprocess.run([base, "-m", "venv", "--without-pip", place], check=True)
    return str(place / "bin" / "python")


def put_framework(folder: Path, name: str, version: str = "2.4.6") -> Path:
    """What tells of an installed framework, in `folder`; returns the folder."""
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text("")
    (folder / name / "version.py").write_text(f"__version__ = version = {version!r}\n")
    metadata = folder / f"{name}-{version}.dist-info"
    metadata.mkdir()
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (metadata / "METADATA").write_text(text)
    return folder


def put_entry_points(folder: Path) -> Path:
    """What tells other programs of an installed envprint, in `folder`; returns the folder."""
    metadata = folder / "envprint-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: envprint\nVersion: 0\n")
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    lines = [
        line
        for group, entries in groups.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    return folder


def name_of(*parts: str) -> str:
    """A directory name that stands for these texts."""
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def interpreter(wanted: str) -> str:
    """An installed interpreter: "3.10", or "3.11, Debian build". Raises `NotHereError`."""
    version = wanted.partition(",")[0]
    for candidate in _candidates(version, is_debian="Debian" in wanted):
        script = "import sys, venv, ensurepip; print(*sys.version_info[:2], sep='.')"
        answer = subprocess.run(
            [candidate, "-c", script], capture_output=True, text=True, check=False
        )
        if answer.stdout.strip() == version:
            return os.path.realpath(candidate)
    raise NotHereError(f"no Python {wanted} is installed here")


def _candidates(version: str, *, is_debian: bool) -> Iterator[str]:
    if is_debian:
        yield from filter(os.path.exists, [DEBIAN])
        return
    yield getattr(sys, "_base_executable", sys.executable)
    managed = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for folder in sorted(managed.glob(f"{version}.*"), reverse=True):
        yield str(folder / "bin" / "python")
    yield from filter(None, [shutil.which(f"python{version}")])
