"""The interpreter's C library, whose mathematical functions NumPy and others call.

glibc reports its version. musl does not: its loader shows that it is there, and Alpine's package
database has the version.
"""

from __future__ import annotations

import re

from envprint.core.fingerprint import Unknown
from envprint.machine.attempt import names_or_empty, text_or_none
from envprint.machine.host import Host


def libc_of(host: Host) -> str | Unknown:
    """Name and version, such as `glibc 2.36`; `musl` alone outside Alpine. Raises `OSError`."""
    said: str | None = host.interpreter()["libc"]
    if said:
        return said
    system = host.system()["system"]
    if system != "Linux":
        return Unknown(f"the version of the C library is not read on {system}")
    if not any(name.startswith("ld-musl-") for name in names_or_empty(host, "/lib")):
        return Unknown("the C library is neither glibc nor musl")
    version = re.search(_MUSL, text_or_none(host, "/lib/apk/db/installed") or "")
    return f"musl {version[1]}" if version else "musl"


# P:musl
# V:1.2.4-r2
# https://wiki.alpinelinux.org/wiki/Apk_spec
_MUSL = r"(?m)^P:musl\nV:([^\s-]+)"
