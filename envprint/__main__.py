"""The command `envprint`, also as `python -m envprint`.

It loads the rest in a function, so that Ctrl-C ends it in one line from the first moment on.
"""

# `signal` makes an enum of every name that it has, which costs more than the start of this file.
import _signal  # type: ignore[import-not-found]
import os
import sys

TYPE_CHECKING = False  # what `typing` has, without importing it; type checkers know the name
if TYPE_CHECKING:
    from typing import NoReturn

INTERRUPTED = 130
"""Exit code after Ctrl-C, as in a shell: 128 and the number of the signal."""


def script() -> "NoReturn":
    """Run the command, and exit at once.

    An orderly interpreter shutdown costs more than a fifth of a capture, and a collector that hangs
    in the kernel must not delay the exit. All output is flushed by then.
    """
    # Where Ctrl-C is ignored, as in a job that a shell started in the background, it stays so.
    is_usual = _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler
    if is_usual:
        _signal.signal(_signal.SIGINT, _stop)
    import gc

    gc.disable()  # the process is too short-lived for it to pay off
    try:
        from envprint import _precompiled
    except ImportError:  # a Python whose import system has other parts
        pass
    else:
        _precompiled.use()
    from envprint.cli import main
    from envprint.cli._console import Console

    try:
        if is_usual:
            _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        code = main(console=Console(sys.stdout, sys.stderr, is_last=True))
    except KeyboardInterrupt:  # before or after `main` handles it
        _stop()
    os._exit(code)


def _stop(*_: object) -> "NoReturn":
    os.write(2, b"envprint: interrupted\n")
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    script()
