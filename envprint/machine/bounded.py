"""A host whose answers are of bounded size: a larger one is an error of that query alone."""

from __future__ import annotations

import errno
from collections.abc import Callable

from envprint.core.text import size_of
from envprint.core.typed import Any, cast
from envprint.machine.host import MAX_ANSWER_BYTES, Host


def bounded(host: Host) -> Host:
    """The same host, which raises `OSError` for an answer larger than any machine's.

    The live host stops reading there; a caller may bring a host of its own.
    """
    return cast(Host, _Bounded(host))


class _Bounded:
    """Passes every query on; it has each method of its host, whatever the protocol declares."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._last: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        query = getattr(self._host, name)

        def asked(*arguments: Any, **options: Any) -> Any:
            answer = query(*arguments, **options)
            # What is described once is returned many times.
            if answer is not self._last.get(name):
                _require_size(answer)
                self._last[name] = answer
            return answer

        setattr(self, name, asked)  # found without this method from now on
        return asked


def _require_size(answer: Any) -> None:
    if type(answer) in (bytes, str):
        is_small = len(answer) <= MAX_ANSWER_BYTES
    else:
        try:
            size_of(answer, MAX_ANSWER_BYTES)
            is_small = True
        except ValueError:
            is_small = False
    if not is_small:
        limit = f"the answer is larger than {MAX_ANSWER_BYTES >> 20} MiB"
        raise OSError(errno.EFBIG, limit)
