"""The operating system: kernel, distribution, C library, locale and time zone."""

from __future__ import annotations

from collections.abc import Mapping

from envprint.collectors._libc import libc_of
from envprint.core.fields import TEXT, Field
from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any
from envprint.machine.attempt import attempt
from envprint.machine.host import Host

FACTS = (
    Field("system", TEXT, "Kernel name, such as Linux."),
    Field("kernel_release", TEXT, "Kernel release as `uname -r` prints it."),
    Field(
        "kernel_version",
        TEXT,
        "Kernel build as `uname -v` prints it.",
        unwatched="no healthy kernel build is known to change a result",
    ),
    Field("distribution", TEXT, "ID and VERSION_ID of os-release, such as `debian 12`."),
    Field(
        "distribution_name",
        TEXT,
        "PRETTY_NAME of os-release.",
        unwatched="for people; `distribution` and `libc` show what can matter",
    ),
    Field("libc", TEXT, "C library the interpreter runs on, such as `glibc 2.36`."),
    Field("locale", TEXT, "Locale in force for messages and sorting: LC_ALL, LC_COLLATE or LANG."),
    Field(
        "time_zone",
        TEXT,
        "TZ, or the name in /etc/timezone or behind /etc/localtime.",
        unwatched="arithmetic does not depend on it, only code that derives features from local "
        "time",
    ),
)


def collect(host: Host) -> Mapping[str, Any]:
    """Read from uname, os-release(5) and the variables of locale(7)."""
    kernel = attempt(host.system)
    values = {} if isinstance(kernel, Unknown) else kernel
    unknown = kernel if isinstance(kernel, Unknown) else None
    release = attempt(lambda: parse_os_release(_os_release(host)))
    unread = release if isinstance(release, Unknown) else None
    named = {} if isinstance(release, Unknown) else release
    return {
        "system": unknown or values["system"],
        "kernel_release": unknown or values["release"],
        "kernel_version": unknown or values["version"],
        "distribution": unread or _identifier(named),
        "distribution_name": unread or named.get("PRETTY_NAME"),
        "libc": attempt(lambda: libc_of(host)),
        "locale": _locale(host.environ()),
        "time_zone": attempt(lambda: _time_zone(host)),
    }


def _os_release(host: Host) -> str:
    try:
        return host.read_text("/etc/os-release")
    except FileNotFoundError:
        return host.read_text("/usr/lib/os-release")


# PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
# ID=debian
# https://www.freedesktop.org/software/systemd/man/latest/os-release.html
def parse_os_release(text: str) -> dict[str, str]:
    """The assignments in an os-release file, without quotes."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and line[0] != "#")
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def _identifier(release: Mapping[str, str]) -> str | None:
    return " ".join(filter(None, (release.get("ID"), release.get("VERSION_ID")))) or None


def _locale(variables: Mapping[str, str]) -> str | None:
    return variables.get("LC_ALL") or variables.get("LC_COLLATE") or variables.get("LANG") or None


def _time_zone(host: Host) -> str | None:
    if host.environ().get("TZ"):
        return host.environ()["TZ"]
    target = host.real_path("/etc/localtime")
    if "/zoneinfo/" in target:
        return target.partition("/zoneinfo/")[2]
    try:
        return host.read_text("/etc/timezone").strip() or None
    except FileNotFoundError:
        return None
