"""Finds a team's policy: the file that is named, or the nearest one upwards; and the user's own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from envprint.core.errors import DocumentError, EnvprintError, PolicyError, suppress, warn
from envprint.judging.policy.model import Policy, matches
from envprint.machine.files import input_name, read_input

OWN = "envprint.toml"
SHARED = "pyproject.toml"
USERS = "policy.toml"
"""The user's own policy, in the user's configuration directory."""
_MENTION = b"envprint"
"""A pyproject.toml without this word has no policy; parsing it would cost milliseconds."""


def agreed_policy(path: str | None) -> tuple[Policy, str | None, str]:
    """The policy in force, and its file's name and text; the default, None and "" without a file.

    Its notes name files that were found but not used. Raises `EnvprintError` for a file that cannot
    be read or is not a valid policy.
    """
    passed_over: list[str] = []
    found = find_policy(passed_over.append) if path is None else path
    if found is None:
        return Policy(notes=tuple(passed_over)), None, ""
    from envprint.judging.policy.parse import parse_policy
    from envprint.judging.policy.toml import decoded

    name = input_name(found)
    content = read_input(found, "policy")
    policy = parse_policy(content, name, time.strftime("%Y-%m-%d"))._replace(file=name)
    if policy.trusted:
        note = f"{name}: [trust] counts only in your own policy, {users_place()}"
        policy = policy._replace(trusted=(), notes=(*policy.notes, note))
    if path is None:
        policy = policy._replace(notes=(*policy.notes, *passed_over, *_beside(found)))
    return policy, name, decoded(content, name)


def users_place() -> str | None:
    """The path of the user's own policy, whether it is there or not; None for nobody's home."""
    from envprint.machine.user_files import user_file  # few policies trust anybody

    return user_file(USERS)


def own_policy() -> tuple[Policy, str | None]:
    """The user's own policy and its path; the path is None without such a file.

    It says which repositories the user trusts, and nothing else: a capture has no other policy,
    and what decides a check stands with the project. Raises `EnvprintError`.
    """
    path = users_place()
    if path is None or not exists(path):
        return Policy(), None
    from envprint.judging.policy.parse import parse_policy
    from envprint.machine.owners import distrusted

    if reason := distrusted(path):
        raise PolicyError(f"{path}: not used, because it {reason}")
    policy = parse_policy(read_input(_regular(path), "policy"), path, "")
    if policy._replace(trusted=()) != Policy():
        raise PolicyError(f"{path}: only [trust] counts here; --policy names any other policy")
    return policy, path


def trusts(top: str) -> bool:
    """Whether the user's own policy trusts the repository whose work tree is at `top`.

    A policy inside that work tree cannot. Raises `OSError` if the policy cannot be used.
    """
    try:
        policy, path = own_policy()
    except EnvprintError as error:
        raise OSError(str(error)) from None
    real = os.path.realpath(top)
    if path is None or os.path.realpath(path).startswith(os.path.join(real, "")):
        return False
    return any(matches(_real(pattern), real) for pattern in policy.trusted)


def _real(pattern: str) -> str:
    """The pattern without links in what stands before its first `*`."""
    known, star, rest = os.path.expanduser(pattern).partition("*")
    if not star:
        return os.path.realpath(known)
    folder, slash, name = known.rpartition("/")
    return os.path.realpath(folder or slash or ".").rstrip("/") + slash + name + star + rest


def exists(path: str) -> bool:
    """Whether anything exists at `path`, even a broken link."""
    return os.path.lexists(path)


def find_policy(tell: Callable[[str], object] = warn) -> str | None:
    """The nearest `envprint.toml`, or pyproject.toml with a table `[tool.envprint]`, upwards.

    Searches from the working directory to the root of the repository, or of the file system. A file
    that another user could have put there is skipped, and `tell` gets the reason. Raises
    `EnvprintError` for an `envprint.toml` that is not a file, and for a pyproject.toml that
    mentions envprint and cannot be parsed: a policy silently not applied is worse than none.
    """
    try:
        folder = os.getcwd()
    except OSError:  # the directory is gone
        return None
    while True:
        own, shared = os.path.join(folder, OWN), os.path.join(folder, SHARED)
        if exists(own) and _may_be_used(own, tell):
            return _regular(own)
        if _is_mentioned(shared) and _may_be_used(shared, tell) and _holds_policy(shared):
            return shared
        parent = os.path.dirname(folder)
        if parent == folder or os.path.exists(os.path.join(folder, ".git")):
            return None
        folder = parent


def _may_be_used(path: str, tell: Callable[[str], object]) -> bool:
    from envprint.machine.owners import distrusted  # most folders hold no policy

    reason = distrusted(path)
    if reason:
        tell(
            f"{path}: not used, because it {reason}; --policy names a policy regardless of its "
            "owner"
        )
    return not reason


def _regular(path: str) -> str:
    if os.path.isfile(path):
        return path
    found = "a directory" if os.path.isdir(path) else "a pipe, a socket or a device"
    if not os.path.exists(path):
        found = "a link that leads nowhere"
    raise PolicyError(f"{path}: expected a policy file, found {found}")


def _is_mentioned(path: str) -> bool:
    """Whether the pyproject.toml at `path`, if it exists, may contain a policy."""
    if not os.path.isfile(path):
        return False
    try:
        return _MENTION in read_input(path)
    except DocumentError:
        from envprint.machine.owners import distrusted

        if distrusted(path):  # not ours, and not readable either
            return False
        raise


def _holds_policy(path: str) -> bool:
    """Whether the pyproject.toml at `path`, if it exists, contains a policy."""
    if not _is_mentioned(path):
        return False
    from envprint.judging.policy.toml import has_table

    return has_table(read_input(path), path)


def _beside(own: str) -> Iterator[str]:
    """A note if another policy in the same directory is not in force."""
    shared = os.path.join(os.path.dirname(own), SHARED)
    with suppress(PolicyError):  # an invalid one is not in force either
        if own != shared and _holds_policy(shared):
            yield f"{shared}: [tool.envprint] is not in force, because {OWN} beside it comes first"
