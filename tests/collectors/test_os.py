"""The os section, on odd and ordinary machines."""

from __future__ import annotations

import pytest

from envprint.collectors import math
from envprint.collectors import os as section
from envprint.core.fingerprint import Unknown
from tests.builders.support import host

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


@pytest.mark.parametrize(
    ("system", "files", "libc"),
    [
        ("Linux", {"/lib/ld-musl-x86_64.so.1": ""}, "musl"),
        (
            "Linux",
            {"/lib/ld-musl-x86_64.so.1": "", "/lib/apk/db/installed": "P:musl\nV:1.2.4-r2\n"},
            "musl 1.2.4",
        ),
        ("Linux", {"/lib/libc.so": ""}, Unknown("the C library is neither glibc nor musl")),
        ("Darwin", {}, Unknown("the version of the C library is not read on Darwin")),
    ],
)
def test_a_c_library_that_does_not_name_itself(
    system: str, files: dict[str, str], libc: str | Unknown
) -> None:
    machine = host(system=KERNEL | {"system": system}, read=files, interpreter={"libc": None})
    read = section.collect(machine)
    assert read["libc"] == libc
    assert math.collect(machine)["libm"] == libc


def test_a_kernel_that_cannot_be_asked_costs_its_own_fields() -> None:
    machine = host(
        system={"error": "ENOSYS"}, read={"/etc/os-release": DEBIAN}, interpreter={"libc": "x 1"}
    )
    read = section.collect(machine)
    unasked = Unknown("Function not implemented")
    assert [read[f] for f in ("system", "kernel_release", "kernel_version")] == [unasked] * 3
    assert (read["distribution"], read["libc"]) == ("debian 12", "x 1")


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
