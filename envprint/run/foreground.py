"""The controlling terminal, whose foreground this process can lend to a job's process group.

Ctrl-C and Ctrl-Z signal the foreground group, and only that group may read input. A shell that runs
a script, a pager at the end of a pipe or a wrapper such as `time` shares this process's own group:
it must get those signals too, and may need the terminal. So the terminal is lent from the start
only if the group has no other members; else when the job needs it, which the kernel signals by
stopping the job. https://man7.org/linux/man-pages/man7/credentials.7.html
"""

from __future__ import annotations

import os

from envprint.core.errors import suppress
from envprint.run.process_groups import has_company, is_of_others


class Terminal:
    """The controlling terminal, if there is one.

    Use it with SIGTTOU blocked: that signal stops a background process that calls `tcsetpgrp`.
    """

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self.is_lent = False
        """Whether the job is in the foreground instead of this process."""
        self._lent_to: int | None = None
        with suppress(OSError):
            self._descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)

    @property
    def is_there(self) -> bool:
        """Whether this process has one."""
        return self._descriptor is not None

    def offer(self, group: int) -> None:
        """Lend it to the group, unless another process in this process's group may need it."""
        if self.is_lent or (self._is_ours() and not has_company()):
            self.lend(group)

    def lend(self, group: int) -> bool:
        """Put the group in the foreground if this process's own is there; whether that worked."""
        if self._is_ours():
            self._put(group)
        self._lent_to = group
        self.is_lent = self._foreground() == group
        return self.is_lent

    def take_back(self) -> bool:
        """Put this process back in the foreground if it had lent it; whether it had.

        Not if a shell has taken the terminal meanwhile, because other members of the group stopped.
        """
        was_lent, self.is_lent = self.is_lent, False
        foreground = self._foreground()
        if was_lent and (foreground == self._lent_to or not is_of_others(foreground)):
            self._put(os.getpgrp())
        return was_lent

    def _is_ours(self) -> bool:
        return self._foreground() == os.getpgrp()

    def _foreground(self) -> int | None:
        if self._descriptor is not None:
            with suppress(OSError):
                return os.tcgetpgrp(self._descriptor)
        return None

    def _put(self, group: int) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.tcsetpgrp(self._descriptor, group)
