"""How the processes of a job reach each other: by the group that exists already, else by files.

A message has a kind and a sender. What rank 0 sends is for all, what another rank sends is for rank
0. No collective operation is used: those wait for ever for a process that is gone.
"""

from __future__ import annotations

import atexit
import itertools
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from envprint.core.errors import EnvprintError
from envprint.core.typed import Any, Protocol
from envprint.documents.storage import LocalFolder
from envprint.documents.store import HOME, digest_of, find_place
from envprint.fleet.place import mpi_place, place_of, torch_place
from envprint.machine.process_state import RefusedError, answered

POLL_S = 0.02
_CALLS = itertools.count(1)
"""Every process calls as often as the others, so that the number of the call is in its messages."""


class AnotherRoundError(Exception):
    """Rank 0 has begun anew: what was heard until now was left by a job that ended earlier."""


class Group(Protocol):
    """The processes that decide together."""

    rank: int
    size: int
    through: str
    """The way of the messages, in words."""
    outlives_jobs: bool
    """Whether a message may be of an earlier job."""

    def send(self, kind: str, content: bytes) -> None:
        """Leave a message, without waiting for anybody. Raises `OSError`."""

    def receive(self, kind: str, sender: int, deadline: float) -> bytes | None:
        """The message of a rank; None if there is none by `deadline`, of the monotonic clock."""

    def close(self, *, is_complete: bool) -> None:
        """Clean up; `is_complete` unless a rank was not heard."""


def group_of(variables: Mapping[str, str], directory: str | None = None) -> Group | None:
    """The group of this process; None if it is alone, or its place is not known.

    Raises `EnvprintError` if only files are left, and no directory that is this job's own.
    """
    number = next(_CALLS)
    if torch_place() and (store := _torch_store()) is not None:
        return TorchGroup(store, sys.modules["torch.distributed"], number)
    if mpi_place():
        return MpiGroup(sys.modules["mpi4py.MPI"], number)
    place = place_of(variables)
    if place.rank is None or (place.size or 1) < 2:
        return None
    if directory is None and not place.job:
        raise EnvprintError(
            "the ranks of this job share nothing that names it; import mpi4py or start "
            "torch.distributed first, or name a directory of this job that every rank sees"
        )
    name = digest_of("\n".join(place.job).encode("utf-8", "surrogateescape"))[7:23]
    folder = os.path.join(directory or _shared(), f"{name}-{number}")
    return FileGroup(folder, place.rank, place.size or 1)


def _shared() -> str:
    place = find_place()
    if "://" in place:
        raise EnvprintError(f"{HOME} is no directory; name one that every rank of the job sees")
    return os.path.join(place, "fleet")


def _torch_store() -> Any:
    """The key-value store by which the processes found each other."""
    # It has no public name. https://docs.pytorch.org/docs/stable/distributed.html#torch.distributed.Store
    module: Any = sys.modules.get("torch.distributed.distributed_c10d")
    find = getattr(module, "_get_default_store", None)
    return find() if find else None


class TorchGroup:
    """The processes of `torch.distributed`, whatever its backend."""

    through = "torch.distributed"
    outlives_jobs = False

    def __init__(self, store: Any, distributed: Any, number: int) -> None:
        self._store, self._number = store, number
        self.rank, self.size = int(distributed.get_rank()), int(distributed.get_world_size())

    def _key(self, kind: str, sender: int) -> str:
        return f"envprint/{self._number}/{kind}/{sender}"

    def send(self, kind: str, content: bytes) -> None:
        """Set a key. Raises `OSError`."""
        try:
            answered(lambda: self._store.set(self._key(kind, self.rank), content))
        except RefusedError as error:
            raise OSError(str(error)) from None

    def receive(self, kind: str, sender: int, deadline: float) -> bytes | None:
        """Wait for a key; None as well if the store is gone with the process that has it."""
        key = self._key(kind, sender)
        left_s = max(deadline - time.monotonic(), 0.001)

        def found() -> bytes:
            self._store.wait([key], timedelta(seconds=left_s))
            return bytes(self._store.get(key))

        try:
            return answered(found)
        except RefusedError:
            return None

    def close(self, *, is_complete: bool) -> None:
        """Nothing: the store ends with the job."""


class MpiGroup:
    """The processes of MPI's world, by mpi4py."""

    through = "MPI"
    outlives_jobs = False
    KINDS = ("opening", "answer", "decision", "read", "host", "leaders", "document")
    FIRST_TAG = 30_000
    """The standard grants tags up to 32767."""
    END_S = 2.0

    def __init__(self, mpi: Any, number: int) -> None:
        self._mpi, self._comm, self._number = mpi, mpi.COMM_WORLD, number
        self.rank, self.size = int(self._comm.Get_rank()), int(self._comm.Get_size())
        self._pending: list[tuple[Any, bytes]] = []
        """Requests, and what they send, which has to stay until they are done."""

    def _tag(self, kind: str) -> int:
        return self.FIRST_TAG + self._number % 300 * len(self.KINDS) + self.KINDS.index(kind)

    def send(self, kind: str, content: bytes) -> None:
        """Begin to send. Raises `OSError`."""
        message, tag = [content, self._mpi.BYTE], self._tag(kind)
        for rank in [0] if self.rank else range(1, self.size):
            try:
                request = self._comm.Isend(message, dest=rank, tag=tag)
            except self._mpi.Exception as error:
                raise OSError(str(error)) from None
            self._pending.append((request, content))

    def receive(self, kind: str, sender: int, deadline: float) -> bytes | None:
        """Look until it is there."""
        status, tag = self._mpi.Status(), self._tag(kind)
        try:
            while not self._comm.Iprobe(source=sender, tag=tag, status=status):
                if time.monotonic() > deadline:
                    return None
                time.sleep(POLL_S)
            content = bytearray(status.Get_count(self._mpi.BYTE))
            self._comm.Recv([content, self._mpi.BYTE], source=sender, tag=tag)
        except self._mpi.Exception:  # the process is gone
            return None
        return bytes(content)

    def close(self, *, is_complete: bool) -> None:
        """Wait until all is sent. A job of which a rank is silent could not end by itself."""
        until = time.monotonic() + self.END_S
        while is_complete and not self._mpi.Request.Testall([one for one, _ in self._pending]):
            is_complete = time.monotonic() < until
            time.sleep(POLL_S)
        if not is_complete:
            atexit.register(self._abort)

    def _abort(self) -> None:
        # MPI_Finalize waits for every process. The others get time for their last words.
        time.sleep(self.END_S)
        self._comm.Abort(1)


class FileGroup:
    """Processes that see one directory, each at the place that its launcher gives it."""

    outlives_jobs = True

    def __init__(self, folder: str, rank: int, size: int) -> None:
        self.rank, self.size, self.through = rank, size, f"files in {folder}"
        self._folder = LocalFolder(folder, lambda text: None)
        self._round = ""

    def send(self, kind: str, content: bytes) -> None:
        """Write a file. What an earlier job has left is removed when rank 0 begins."""
        if self.rank == 0 and not self._round:
            self._round = os.urandom(8).hex()
            self._sweep()
            self._folder.write("round", self._round.encode("ascii"))
        self._folder.write(f"{self._round}-{kind}-{self.rank}", content)

    def receive(self, kind: str, sender: int, deadline: float) -> bytes | None:
        """Look until the file is there. Raises `AnotherRoundError`."""
        while True:
            begun = (self._read("round") or b"").decode("ascii", "replace")
            if self.rank and self._round and begun not in ("", self._round):
                self._round = ""
                raise AnotherRoundError
            found = self._read(f"{self._round or begun}-{kind}-{sender}")
            if found is not None or time.monotonic() > deadline:
                self._round = self._round or (begun if found is not None else "")
                return found
            time.sleep(POLL_S)

    def close(self, *, is_complete: bool) -> None:
        """Rank 0 removes everything, unless a rank that is late may still read it."""
        if is_complete and self.rank == 0:
            self._sweep()
            with suppress(OSError):
                os.rmdir(self._folder.place)

    def _read(self, name: str) -> bytes | None:
        with suppress(OSError):
            return self._folder.read(name)
        return None

    def _sweep(self) -> None:
        with suppress(OSError):
            for name in self._folder.names(""):
                self._folder.remove(name)
