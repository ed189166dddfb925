"""The texts that recreate an environment: requirements, variables, a launcher, a Dockerfile.

What comes from a document enters them quoted, or as a name or version of a checked form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from envprint.core.fingerprint import Fingerprint
from envprint.core.redact import NAMES, NOT_OURS, PREFIXES
from envprint.core.shell import export_path, path_word
from envprint.core.text import is_unicode, one_line
from envprint.core.typed import NamedTuple
from envprint.isolate.caps import Caps
from envprint.isolate.job_settings import JobSettings
from envprint.isolate.wanted import Wanted

MARK = "Written by `envprint recreate`"
"""Begins the first comment of each file; a file without it is not replaced."""
REQUIREMENTS, VARIABLES, ENV_FILE = "requirements.txt", "variables.sh", "variables.env"
RUN, DOCKERFILE, LOCK, REPORT = "run.sh", "Dockerfile", "pylock.toml", "report.json"


class Recipe(NamedTuple):
    """What the files are made of."""

    fingerprint: Fingerprint
    wanted: Wanted
    settings: JobSettings
    caps: Caps
    place: str
    """The directory of the environment, as the launcher finds it."""


def texts(recipe: Recipe) -> dict[str, str]:
    """Name of each file to its text."""
    made = {
        REQUIREMENTS: requirements(recipe.wanted, MARK),
        VARIABLES: variables(recipe),
        ENV_FILE: env_file(recipe),
        RUN: launcher(recipe),
        DOCKERFILE: dockerfile(recipe),
    }
    return {name: "\n".join(lines) + "\n" for name, lines in made.items()}


def _comments(texts: Iterable[str]) -> Iterator[str]:
    return (f"# {one_line(text)}" for text in texts)


def requirements(wanted: Wanted, mark: str) -> Iterator[str]:
    """Exact versions for pip and uv."""
    yield f"# {mark}. Install with:"
    yield "#   pip install --no-deps -r requirements.txt"
    yield "# With their dependencies, other versions could come in."
    yield from _comments([f"Python {wanted.python or 'unknown'}"])
    yield from _comments(wanted.notes)
    for place in dict.fromkeys(pin.published_at for pin in wanted.pins if pin.published_at):
        yield f"--extra-index-url {place}"
    yield from (pin.requirement for pin in wanted.pins)
    if wanted.lacking:
        yield "#"
        yield "# These were installed, too, and no index has them:"
        yield from _comments(map(str, wanted.lacking))


def variables(recipe: Recipe) -> Iterator[str]:
    """The variables as a file for the shell to source."""
    settings = recipe.settings
    yield f"# {MARK}. Source it in bash or zsh: . {VARIABLES}"
    yield "# Only variables that envprint records are here; a job may read others."
    yield from _left_out(settings)
    yield ""
    yield "# What was not set there, and is here, goes."
    yield from _unsetting(settings)
    yield ""
    yield from _exports(settings.variables.items())
    if recipe.caps.variables:
        yield ""
        yield "# Limits, so that this processor computes like the recorded one."
        yield from _comments(recipe.caps.claims)
        yield from _exports(recipe.caps.variables)


def _exports(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    return filter(None, (export_path(name, text) for name, text in pairs))


def _left_out(settings: JobSettings) -> Iterator[str]:
    if settings.left_out:
        yield "# Not set:"
        yield from _comments(f"{one.name}: {one.reason}" for one in settings.left_out)


_EXPORTED = r"env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'"


def _unsetting(settings: JobSettings) -> Iterator[str]:
    """Unset each variable of a kind that is recorded; those that the record hides stay."""
    kept = [one.name for one in settings.left_out if re.fullmatch(r"\w+", one.name, re.ASCII)]
    keep = [*kept, *(f"{beginning}*" for beginning in NOT_OURS)]
    known = [*sorted(NAMES), *(f"{beginning}*" for beginning in PREFIXES)]
    yield f"for envprint_name in $({_EXPORTED}); do"
    yield "  case $envprint_name in"
    yield f"    {'|'.join(keep)}) ;;"
    yield "    *_PRELOAD|*LIBRARY_PATH|PYTHONPATH) ;;"
    yield f"    {'|'.join(known)})"
    yield '      unset "$envprint_name" ;;'
    yield "  esac"
    yield "done"
    yield "unset envprint_name"


def env_file(recipe: Recipe) -> Iterator[str]:
    """The variables as `NAME=value` lines, as `docker run --env-file` reads them."""
    settings = recipe.settings
    yield f"# {MARK}. For: docker run --env-file {ENV_FILE}"
    yield from _left_out(settings)
    pairs = [*settings.variables.items(), *recipe.caps.variables]
    for name, text in pairs:
        if text != one_line(text) or not is_unicode(text):
            yield f"# {name}: its value has characters that no line can hold; see {VARIABLES}"
        elif text.startswith("~/"):
            yield f"# {name}: its value is below the home directory; see {VARIABLES}"
        else:
            yield f"{name}={text}"


_AFFINITY = (
    "import os, sys; cpus = sorted(os.sched_getaffinity(0)); "
    "os.sched_setaffinity(0, cpus[:int(sys.argv[1])]); os.execvp(sys.argv[2], sys.argv[2:])"
)


_INSTALL = (
    r"""  echo "  \"$venv\"/bin/python -m pip install --no-deps """
    r"""-r \"$here/requirements.txt\"" >&2"""
)


def launcher(recipe: Recipe) -> Iterator[str]:
    """A script that starts a command as the recorded job was started."""
    place = recipe.place
    word = path_word(place) if place.startswith("/") else f'"$here"/{path_word(place)}'
    yield "#!/usr/bin/env bash"
    yield f"# {MARK}. ./{RUN} COMMAND … runs it in the recreated environment."
    yield 'here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd) || exit 125'
    yield f"venv=${{ENVPRINT_VENV:-{word}}}" if place.startswith("/") else f"venv={word}"
    yield 'if [ ! -x "$venv/bin/python" ]; then'
    minor = ".".join(recipe.wanted.python.split(".")[:2])
    python = f"python{minor}" if re.fullmatch(r"\d+\.\d+", minor) else "python3"
    yield '  echo "run.sh: there is no environment at $venv; create it with:" >&2'
    yield f'  echo "  {python} -m venv \\"$venv\\"" >&2'
    yield _INSTALL
    yield "  exit 125"
    yield "fi"
    yield f'. "$here/{VARIABLES}"'
    yield 'export VIRTUAL_ENV=$venv PATH="$venv/bin:$PATH"'
    yield "unset PYTHONHOME"
    yield from _limits(recipe)


def _limits(recipe: Recipe) -> Iterator[str]:
    cpus = recipe.settings.cpus
    if cpus is None:
        yield 'exec "$@"'
        return
    yield f"# The job could use {cpus} CPUs: no more than these are left to it."
    yield f"""exec "$venv/bin/python" -I -S -c '{_AFFINITY}' {cpus} "$@\""""


_CODENAMES = {"debian 11": "bullseye", "debian 12": "bookworm", "debian 13": "trixie"}


def dockerfile(recipe: Recipe) -> Iterator[str]:
    """What a virtual environment cannot give: Python itself, the C library, limits."""
    side, version = recipe.fingerprint, recipe.wanted.python
    known = re.fullmatch(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?", version)
    tag = version if known else "3"
    codename = _CODENAMES.get(side.get("facts.os.distribution") or "")
    yield f"# {MARK}. Build and run:"
    yield "#   docker build -t recreated ."
    yield f"#   docker run --env-file {ENV_FILE}{_docker_limits(side, recipe)} recreated …"
    yield "# It gives what a virtual environment cannot: the patch of Python and the C library."
    yield "# It cannot give the processor, the GPU and its driver, and the kernel."
    if codename is None:
        system = side.get("facts.os.distribution_name") or "an unknown system"
        yield from _comments([f"The record is of {system}: the C library here is another one."])
    yield f"FROM python:{tag}-slim" + (f"-{codename}" if codename else "")
    yield from _libraries(side)
    yield f"COPY {REQUIREMENTS} /tmp/{REQUIREMENTS}"
    yield "RUN python -m pip install --no-cache-dir --no-deps -r /tmp/requirements.txt"
    yield "WORKDIR /job"


def _libraries(side: Fingerprint) -> Iterator[str]:
    pools = side.get("facts.math.openmp") or []
    if any(isinstance(one, dict) and one.get("owner") == "system" for one in pools):
        yield "RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 \\"
        yield "    && rm -rf /var/lib/apt/lists/*"


def _docker_limits(side: Fingerprint, recipe: Recipe) -> str:
    quota, memory = side.get("facts.cpu.quota_cpus"), side.get("facts.container.memory_limit_bytes")
    words = ""
    if side.get("facts.gpu.count"):
        words += " --gpus all"
    if isinstance(quota, (int, float)) and quota > 0:
        words += f" --cpus {quota:g}"
    if recipe.settings.cpus:
        words += f" --cpuset-cpus 0-{recipe.settings.cpus - 1}"
    if isinstance(memory, int) and memory > 0:
        words += f" --memory {memory}b"
    return words
