"""The working directory as every trial finds it: taken once, with the code of either side."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection

from envprint.core.isolation import CODE
from envprint.isolate import commits, workspace
from envprint.isolate.code_switch import Codes


class Snapshots:
    """Copies of `directory` below `work`; `result` is the file or directory that the job writes."""

    def __init__(self, directory: str, work: str, result: str | None, codes: Codes) -> None:
        self._codes = codes
        self._result = result
        self._work = work
        self._taken = {commit: self._take(directory, commit) for commit in dict.fromkeys(codes[:2])}
        self._digests: dict[str | None, str] = {}

    def _take(self, directory: str, commit: str | None) -> workspace.Copy:
        target = os.path.join(self._work, f"snapshot-{commit or 'here'}")
        taken = workspace.copy(directory, target, self._result)
        if commit:
            commits.put(commit, directory, target)
            taken.linked.update(workspace.large_files(target))
        return taken

    def fresh(self, switched: Collection[str]) -> str:
        """A copy for one trial: always at the same path, as a result may depend on it."""
        source = self._taken[self._commit(switched)].path
        return workspace.copy(source, os.path.join(self._work, "job"), self._result).path

    def _commit(self, switched: Collection[str]) -> str | None:
        return self._codes.after if CODE in switched else self._codes.before

    def check(self) -> None:
        """Raises `EnvprintError` if a job has changed an original that is only linked."""
        for taken in self._taken.values():
            taken.check()

    def digest(self, switched: Collection[str]) -> str:
        """What the job of a trial consists of: the digest of every file."""
        commit = self._commit(switched)
        if commit not in self._digests:
            self._digests[commit] = _digest(self._taken[commit])
        return self._digests[commit]


def _digest(taken: workspace.Copy) -> str:
    digest = hashlib.sha256()
    for path in sorted(workspace.listing(taken.path)):
        name = os.path.relpath(path, taken.path)
        if name.startswith(".git/"):
            continue  # the files say what the commit is
        digest.update(os.fsencode(name))
        if os.path.islink(path):
            digest.update(repr(taken.linked.get(os.path.realpath(path))).encode())
        else:
            with open(path, "rb") as file:  # noqa: PTH123
                digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()
