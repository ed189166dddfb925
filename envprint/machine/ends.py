"""The beginning and the end of a file, without what lies between."""

from __future__ import annotations

import os

from envprint.machine.files import MAX_BYTES, open_regular

HEAD = 1024
TAIL = 8 * 1024
"""Where the end of a fingerprint without GPUs fits."""
GROWTH = 8


class Ends:
    """An open regular file; use it in a `with` statement. Raises `OSError`, also for pipes."""

    def __init__(self, path: str) -> None:
        self._descriptor, self.size = open_regular(path)

    def __enter__(self) -> Ends:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._descriptor)

    def head(self) -> bytes:
        """The first bytes."""
        return os.pread(self._descriptor, HEAD, 0)

    def tail_from(self, mark: bytes) -> bytes | None:
        """What follows the first `mark` near the end, with it; None if there is none."""
        length = TAIL
        while True:
            start = max(self.size - length, 0)
            content = os.pread(self._descriptor, min(length, MAX_BYTES), start)
            place = content.find(mark)
            if place >= 0:
                return content[place:]
            if start == 0 or length >= MAX_BYTES:
                return None
            length *= GROWTH

    def whole(self) -> bytes:
        """All of it; of what is larger than any fingerprint, a little more than that."""
        chunks, place = [], 0
        while place <= MAX_BYTES and (chunk := os.pread(self._descriptor, 1 << 20, place)):
            chunks.append(chunk)
            place += len(chunk)
        return b"".join(chunks)
