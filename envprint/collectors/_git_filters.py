"""The filters that a repository makes Git run: programs of a stranger's choice, but Git LFS's.

They run where the user's own policy trusts the repository (decision 0038).
"""

from collections.abc import Iterator

from envprint.machine.host import Host

# What `git lfs install` writes; the repository may have written something else under that name.
# https://github.com/git-lfs/git-lfs/blob/main/lfs/attribute.go
# One process for each file, as the one for all of them ends Git if it is not installed.
LFS = (
    *("-c", "filter.lfs.clean=git-lfs clean -- %f"),
    *("-c", "filter.lfs.process="),
    *("-c", "filter.lfs.required=false"),
)
FILTERS = (
    "config --null --show-scope --includes --name-only --get-regexp "
    r"^filter\..*\.(clean|process)$"
)
_OF_REPOSITORY = ("local", "worktree")
"""Scopes of a configuration that comes with the repository; the others are the user's own."""


def filtering(host: Host, top: str) -> tuple[str, ...]:
    """Options for Git, so that of the filters that the repository at `top` configures it runs Git
    LFS's only, by the command that Git LFS installs; none where the repository is trusted.

    Raises `OSError` if one that is not trusted configures another filter.
    """
    if host.may_filter(top):
        return ()
    if filters := sorted(set(_filters_at(host, top))):
        raise OSError(
            f"a filter is configured in the repository ({', '.join(filters)}), which Git would "
            "run; `trust.filters` in your own policy, which `envprint policy show` names, allows it"
        )
    return LFS


def _filters_at(host: Host, top: str) -> Iterator[str]:
    """The filters, but Git LFS's, that the repository's own configuration makes Git run."""
    done = host.run(["git", "-C", top, *FILTERS.split()])
    if done.code not in (0, 1):  # 1: it names none
        raise OSError(f"git config ended with {done.code}, so its filters are unknown")
    fields = done.stdout.decode("utf-8", "replace").split("\0")
    for scope, name in zip(fields[::2], fields[1::2], strict=False):
        filtered = name.partition(".")[2].rpartition(".")[0]
        if scope in _OF_REPOSITORY and filtered != "lfs":
            yield filtered
