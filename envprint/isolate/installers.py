"""What creates an environment and installs exact versions: uv, else Python's own venv and pip.

Each gets `--no-deps`, always: the record names every distribution, and two installers disagree
on which of them contradict each other.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from envprint.core.errors import EnvprintError
from envprint.core.report import counted
from envprint.core.typed import NamedTuple, Protocol
from envprint.isolate.commands import CommandFailedError, run
from envprint.isolate.pip_settings import for_uv
from envprint.isolate.wanted import Lacking, Pin
from envprint.machine.environments import interpreter_in
from envprint.machine.os_calls import is_program, on_path

MADE_BY_UV = "_virtualenv.pth"
"""The hook that earlier versions of uv put into an environment; Python's own venv has none."""
INSTALL_S = 3600.0
QUICK_S = 300.0
_SOURCES_OF_PIP = ("pip", "setuptools", "wheel")
"""What `ensurepip` brings, in some version of Python."""
_UNREACHABLE = ("Retrying (", "Failed to establish a new connection", "Connection refused")
"""What pip says of an index that does not answer, before it calls the distribution missing."""

PARTS, AT_LEAST = 8, 4
"""Into how many calls an installation is divided to count it, and how large each of them is."""

Log = Callable[[str], None]
Count = Callable[[int, int], None]
"""Takes how many of how many distributions were tried."""
Missing = dict[Pin, str]
"""What cannot be had, and why."""


class Options(NamedTuple):
    """How to install."""

    offline: bool = False
    """Take everything from the cache."""
    cache: str | None = None
    """Another cache than the installer's own."""
    compile_bytecode: bool = False
    link_mode: str | None = None
    """How uv puts files in place: `hardlink`, `copy`, `clone` or `symlink`."""
    timeout_s: float = INSTALL_S


class Installer(Protocol):
    """Creates environments and changes what is installed in them."""

    name: str

    def create(self, base: str, place: str, *, as_uv: bool = False) -> None:
        """An empty environment at `place`, of the interpreter `base`. Raises `EnvprintError`."""

    def install(self, place: str, requirements: Sequence[str], index: str | None = None) -> None:
        """Install requirements without their dependencies, from one index or those in use.

        Raises `CommandFailedError`.
        """

    def uninstall(self, place: str, names: Sequence[str]) -> None:
        """Remove distributions. Raises `CommandFailedError`."""

    def is_missing(self, error: CommandFailedError) -> bool:
        """Whether it says that a requirement cannot be had, and not that something else failed."""

    def finish(self, place: str, pins: Sequence[Pin]) -> None:
        """Remove what the installer itself has left that is not among the pins."""


def installer(options: Options = Options()) -> Installer:  # noqa: B008  an immutable value
    """uv where it is installed, else pip."""
    uv = find_uv()
    return Uv(uv, options) if uv else Pip(options)


def find_uv() -> str | None:
    """uv on PATH, or beside the interpreter that runs envprint; None without one."""
    beside = os.path.join(os.path.dirname(sys.executable or ""), "uv")
    found = next(on_path("uv", os.environ), None)
    return found or (beside if is_program(beside) else None)


class Uv:
    """https://docs.astral.sh/uv/pip/"""

    name = "uv"

    def __init__(self, program: str, options: Options = Options()) -> None:  # noqa: B008
        self._program = program
        self.options = options

    def create(self, base: str, place: str, *, as_uv: bool = False) -> None:
        if not as_uv:
            try:
                create_venv(base, place, pip=False)
            except CommandFailedError:  # Debian's python3 comes without all of venv
                as_uv = True
        if as_uv:
            # The directory may exist: what is in it was looked at before.
            self._run(QUICK_S, "venv", "--allow-existing", "--python", base, "--", place)

    def install(self, place: str, requirements: Sequence[str], index: str | None = None) -> None:
        options = self.options
        self._run(
            options.timeout_s,
            *("pip", "install", "--no-deps", "--python", place),
            *(["--default-index", index] if index else []),
            *(["--offline"] if options.offline else []),
            *(["--compile-bytecode"] if options.compile_bytecode else []),
            *(["--link-mode", options.link_mode] if options.link_mode else []),
            "--",
            *requirements,
        )

    def uninstall(self, place: str, names: Sequence[str]) -> None:
        self._run(QUICK_S, "pip", "uninstall", "--python", place, "--", *names)

    def is_missing(self, error: CommandFailedError) -> bool:
        # 1: no solution, or a source that cannot be built; 2: the network, the disk, usage.
        return error.code == 1

    def finish(self, place: str, pins: Sequence[Pin]) -> None:
        """It leaves nothing."""

    def _run(self, timeout_s: float, *arguments: str) -> None:
        # The working directory may have a configuration that somebody else wrote.
        common = ["--quiet", "--directory", "/", "--color", "never", "--no-progress"]
        if self.options.cache:
            common += ["--cache-dir", os.path.abspath(self.options.cache)]
        argv = [self._program, *arguments[:1], *common, *arguments[1:]]
        if arguments[0] == "pip":
            argv = [self._program, *arguments[:2], *common, *arguments[2:]]
        run(argv, timeout_s, "uv", for_uv(os.environ))


class Pip:
    """https://pip.pypa.io/en/stable/cli/pip_install/"""

    name = "pip"

    def __init__(self, options: Options = Options()) -> None:  # noqa: B008
        self.options = options

    def create(self, base: str, place: str, *, as_uv: bool = False) -> None:
        create_venv(base, place, pip=True)

    def install(self, place: str, requirements: Sequence[str], index: str | None = None) -> None:
        options = self.options
        self._run(
            place,
            options.timeout_s,
            *("install", "--no-deps", "--no-warn-script-location"),
            *(["--index-url", index] if index else []),
            *(["--no-index"] if options.offline else []),
            *([] if options.compile_bytecode else ["--no-compile"]),
            "--",
            *requirements,
        )

    def uninstall(self, place: str, names: Sequence[str]) -> None:
        self._run(place, QUICK_S, "uninstall", "--yes", "--", *names)

    def is_missing(self, error: CommandFailedError) -> bool:
        return error.code == 1

    def finish(self, place: str, pins: Sequence[Pin]) -> None:
        kept = {pin.name for pin in pins}
        self.uninstall(place, [name for name in _SOURCES_OF_PIP if name not in kept])

    def _run(self, place: str, timeout_s: float, *arguments: str) -> None:
        python = python_of(place)
        common = ["--quiet"]
        if self.options.cache:
            common += ["--cache-dir", os.path.abspath(self.options.cache)]
        # Isolated: `pip` in the working directory is not the one that is meant.
        try:
            run(
                [python, "-I", "-m", "pip", arguments[0], *common, *arguments[1:]], timeout_s, "pip"
            )
        except CommandFailedError as error:
            if any(word in error.said for word in _UNREACHABLE):
                raise EnvprintError("pip: the index does not answer") from None
            if "No module named pip" not in error.said:
                raise
            run([python, "-I", "-m", "ensurepip"], QUICK_S, "ensurepip")
            self._run(place, timeout_s, *arguments)


def create_venv(base: str, place: str, *, pip: bool) -> None:
    """An environment made by Python's own venv. Raises `CommandFailedError`."""
    without = [] if pip else ["--without-pip"]
    run([base, "-I", "-m", "venv", *without, "--", place], QUICK_S, f"{base} -m venv")


def python_of(place: str) -> str:
    """The interpreter of the environment at `place`. Raises `EnvprintError`."""
    python = interpreter_in(place)
    if python is None:
        raise EnvprintError(f"{place}: no interpreter that can be run is in this environment")
    return python


def install_all(
    one: Installer, place: str, pins: Sequence[Pin], log: Log, count: Count | None = None
) -> list[Lacking]:
    """Install the pins; those that cannot be had, each with the reason.

    First from the indexes that the installer is configured with, then local versions from where
    their project publishes them. Where somebody counts, they are installed in several parts, as no
    installer says how far it is. Raises `EnvprintError` if something else fails, such as the
    network.
    """
    log(f"installing {counted(pins, 'distribution')} with {one.name}")
    plain = [pin for pin in pins if "+" not in pin.version]
    local = [pin for pin in pins if "+" in pin.version]
    lacking: Missing = {}
    tried = 0
    for part in (*_parts(plain, count), *_parts(local, count)):
        lacking |= _install(one, place, part)
        tried += len(part)
        if count:
            count(tried, len(pins))
    for index in dict.fromkeys(pin.published_at for pin in lacking if pin.published_at):
        chosen = [pin for pin in lacking if pin.published_at == index]
        log(f"installing {', '.join(pin.name for pin in chosen)} from {index}")
        lacking = {pin: why for pin, why in lacking.items() if pin not in chosen}
        lacking |= _tried(one, place, chosen, index)
    return [Lacking(pin.name, pin.version, why) for pin, why in lacking.items()]


def _parts(pins: Sequence[Pin], count: Count | None) -> list[Sequence[Pin]]:
    """The pins in the groups that are installed by one call each."""
    size = max(AT_LEAST, -(-len(pins) // PARTS)) if count else max(1, len(pins))
    return [pins[begin : begin + size] for begin in range(0, len(pins), size)]


def _tried(one: Installer, place: str, pins: Sequence[Pin], index: str | None) -> Missing:
    """The same from a place that is only a further chance, so that its failure is no error."""
    try:
        return _install(one, place, pins, index)
    except EnvprintError as error:
        return {pin: _reason(one, error) for pin in pins}


def _install(one: Installer, place: str, pins: Sequence[Pin], index: str | None = None) -> Missing:
    """The pins that cannot be had, and why.

    An installer names only the first of several, so each half is tried where all together fail.
    """
    if not pins:
        return {}
    try:
        one.install(place, [pin.requirement for pin in pins], index)
    except CommandFailedError as error:
        if not one.is_missing(error):
            raise
        if len(pins) == 1:
            return {pins[0]: _reason(one, error)}
        middle = len(pins) // 2
        first = _install(one, place, pins[:middle], index)
        return first | _install(one, place, pins[middle:], index)
    return {}


def _reason(one: Installer, error: EnvprintError) -> str:
    return str(error).removeprefix(f"{one.name}: ")
