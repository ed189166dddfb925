"""The os section, on odd and ordinary machines."""

from __future__ import annotations

from envprint.collectors import os as section
from envprint.model import Unknown
from tests.support import host

KERNEL = {"system": "Linux", "release": "6.1.0-18-amd64", "version": "#1 SMP", "machine": "x86_64"}
DEBIAN = (
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n# a comment = here\nVERSION_ID="12"\nID=debian\n'
)


def test_a_debian_machine_is_read_whole() -> None:
    machine = host(
        system=KERNEL,
        read={"/etc/os-release": DEBIAN},
        real_path={"/etc/localtime": "/usr/share/zoneinfo/Europe/Berlin"},
        interpreter={"libc": "glibc 2.36"},
        environ={"LANG": "de_DE.UTF-8"},
    )
    assert section.collect(machine) == {
        "system": "Linux",
        "kernel_release": "6.1.0-18-amd64",
        "kernel_version": "#1 SMP",
        "distribution": "debian 12",
        "distribution_name": "Debian GNU/Linux 12 (bookworm)",
        "libc": "glibc 2.36",
        "locale": "de_DE.UTF-8",
        "time_zone": "Europe/Berlin",
    }


def test_a_rolling_distribution_has_no_version() -> None:
    machine = host(system=KERNEL, read={"/etc/os-release": "ID=arch\n"}, interpreter={"libc": None})
    assert section.collect(machine)["distribution"] == "arch"


def test_a_denied_os_release_is_unknown_with_the_reason() -> None:
    machine = host(
        system=KERNEL, read={"/etc/os-release": {"error": "EACCES"}}, interpreter={"libc": None}
    )
    read = section.collect(machine)
    assert read["distribution"] == Unknown("/etc/os-release: Permission denied")
    assert read["kernel_release"] == "6.1.0-18-amd64"


def test_locale_follows_the_order_of_locale_7() -> None:
    machine = host(
        system=KERNEL,
        interpreter={"libc": None},
        environ={"LANG": "C", "LC_COLLATE": "POSIX", "LC_ALL": "en_US.UTF-8"},
    )
    assert section.collect(machine)["locale"] == "en_US.UTF-8"
