"""Which kind of file system a directory lies on."""

from __future__ import annotations

import re

from envprint.host import Host

MOUNTS = "/proc/self/mountinfo"
_ESCAPED = re.compile(r"\\([0-7]{3})")


def file_system_around(host: Host, directory: str) -> str:
    """The type of the file system that holds `directory`, such as `ext4` or `nfs4`.

    Raises `OSError` where there is no /proc, `ValueError` when no mount holds the directory.
    """
    found = kinds(host.text(MOUNTS))
    around = directory
    while around not in found:
        if around in ("", "/"):
            raise ValueError(f"no mount holds {directory}")
        around = around.rpartition("/")[0] or "/"
    return found[around]


# 25 24 0:23 / /dev/shm rw,relatime shared:4 - tmpfs tmpfs rw,size=24684092k
# https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
def kinds(text: str) -> dict[str, str]:
    """Mount point to type; of several mounts on one point the last, which hides the others."""
    found = {}
    for line in text.splitlines():
        mount, separator, kind = line.partition(" - ")
        places = mount.split(" ")
        if separator and len(places) > 4:
            point = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), places[4])
            found[point] = kind.partition(" ")[0]
    return found
