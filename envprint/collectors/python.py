"""The interpreter: version, build, switches, hash seed, and where it finds its modules."""

from __future__ import annotations

from collections.abc import Mapping

from envprint.core.fields import FLAG, INTEGER, TEXT, Field, ListOf, MapOf
from envprint.core.typed import Any
from envprint.machine.attempt import attempt, names_or_empty
from envprint.machine.hash_seed import hash_seed
from envprint.machine.host import Host

_A_PLACE = "locations change nothing; what is there is watched as packages"

FACTS = (
    Field("implementation", TEXT, "Name of the implementation, such as cpython."),
    Field("version", TEXT, "Version with its pre-release suffix, such as 3.13.0 or 3.14.0rc1."),
    Field(
        "compiler",
        TEXT,
        "Compiler the interpreter was built with, as it names it.",
        unwatched="two builds of one version gave the same bits; libm and packages are watched",
    ),
    Field("executable", TEXT, "The interpreter's file, links followed.", unwatched=_A_PLACE),
    Field("prefix", TEXT, "sys.prefix: the environment that packages are installed in."),
    Field(
        "base_prefix",
        TEXT,
        "sys.base_prefix: the installation the environment was created from.",
        unwatched=_A_PLACE,
    ),
    Field(
        "prefix_kind",
        TEXT,
        "venv (prefix and base_prefix differ), conda (prefix has conda-meta) or system.",
        unwatched=_A_PLACE,
    ),
    Field(
        "flags",
        MapOf(INTEGER, "flag"),
        "sys.flags without hash_randomization, which hash_seed covers better.",
        unwatched="the same bits were measured with -O; the others do not affect arithmetic",
    ),
    Field(
        "x_options",
        MapOf(TEXT, "option"),
        "Options given with -X.",
        unwatched="for debugging and encoding; gil_enabled is watched",
    ),
    Field("gil_enabled", FLAG, "Whether the global interpreter lock is on; always before 3.13."),
    Field(
        "hash_seed",
        TEXT,
        "Seed in effect for hashes of str and bytes: a number, or random. It is found by the hash "
        "of a known text, not only by PYTHONHASHSEED.",
    ),
    Field(
        "startup_hooks",
        ListOf(TEXT),
        "What runs code at every start: .pth files with import lines, sitecustomize, "
        "usercustomize. Sorted.",
    ),
    Field(
        "search_path",
        ListOf(TEXT),
        "sys.path in its order, without the entry of the script or the working directory.",
        unwatched=_A_PLACE,
    ),
    Field("byte_order", TEXT, "little or big."),
    Field(
        "subnormals_flushed",
        FLAG,
        "Whether half of the smallest normal number is 0 in this thread, as after loading a "
        "library linked with -ffast-math.",
    ),
)

_PLAIN = ("implementation", "version", "compiler", "prefix", "base_prefix", "x_options")
_STATE = ("gil_enabled", "byte_order", "subnormals_flushed")


def collect(host: Host) -> Mapping[str, Any]:
    """Read from the observed interpreter and the .pth files on its search path."""
    described = host.interpreter()
    flags = {name: on for name, on in described["flags"].items() if name != "hash_randomization"}
    return {
        **{name: described[name] for name in (*_PLAIN, *_STATE)},
        "executable": host.real_path(described["executable"]) if described["executable"] else None,
        "prefix_kind": attempt(lambda: _prefix_kind(host, described)),
        "flags": flags,
        "hash_seed": hash_seed(described, _variables(host)),
        "startup_hooks": attempt(lambda: _startup_hooks(host, described)),
        "search_path": described["path"],
    }


def _prefix_kind(host: Host, described: Mapping[str, Any]) -> str:
    if described["prefix"] != described["base_prefix"]:
        return "venv"
    return (
        "conda" if host.file_type(f"{described['prefix']}/conda-meta") == "directory" else "system"
    )


def _variables(host: Host) -> list[Mapping[str, str]]:
    """The variables at the start of this process, and those that a child interpreter gets."""
    start = attempt(host.start_environ)
    return [*([start] if isinstance(start, Mapping) else []), host.environ()]


def _startup_hooks(host: Host, described: Mapping[str, Any]) -> list[str]:
    found = set(described["site_hooks"])
    for directory in described["path"]:
        if directory.endswith(("site-packages", "dist-packages")):
            names = names_or_empty(host, directory)
            found.update(
                n for n in names if _is_hook(n) and runs_code(host.read_text(f"{directory}/{n}"))
            )
    return sorted(found)


def _is_hook(name: str) -> bool:
    """Whether the site module reads a file with this name; it skips hidden ones."""
    return name.endswith(".pth") and name[0] != "."


# import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = …
# https://docs.python.org/3/library/site.html#module-site
def runs_code(text: str) -> bool:
    """Whether a .pth file runs code: a line begins with `import`."""
    return any(line.startswith(("import ", "import\t")) for line in text.split("\n"))
