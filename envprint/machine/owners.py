"""Whether a policy or store that was found, not named, is trusted: who could have put it there.

On a shared machine anybody can leave a file in /tmp or in another folder above a working directory.
docs/decisions/0014-found-and-not-named.md
"""

from __future__ import annotations

import os
import stat

ROOT = 0
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def distrusted(path: str) -> str | None:
    """Why `path` must not be used, as a phrase that begins with a verb; None if it is trusted.

    Trusted is what belongs to this user, or to root if nobody else can write it. For a link this
    holds for the link and its target.
    """
    if not hasattr(os, "geteuid"):
        return None  # Windows has no such owners
    for look in (os.lstat, os.stat):
        try:
            status = look(path)
        except OSError:  # gone, or a dangling link: opening it reports the error
            return None
        reason = _distrusted(status)
        if reason:
            return reason
    return None


def _distrusted(status: os.stat_result) -> str | None:
    if status.st_uid in own_ids():
        return None
    if status.st_uid != ROOT:
        return f"belongs to {_name(status.st_uid)}"
    is_open = status.st_mode & _OTHERS_WRITE and not stat.S_ISLNK(status.st_mode)
    return "belongs to root, and others can write to it" if is_open else None


def own_ids() -> set[int]:
    """This user's id; for root under sudo also that of the invoking user, as in Git.

    https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory
    """
    own = os.geteuid()
    by_sudo = os.environ.get("SUDO_UID", "")
    return {own, int(by_sudo)} if own == ROOT and by_sudo.isdecimal() else {own}


def _name(number: int) -> str:
    import pwd  # not on Windows, and needed only to name an owner

    try:
        return f"{pwd.getpwuid(number).pw_name} (user {number})"
    except KeyError:  # a container may have no such user
        return f"user {number}"
