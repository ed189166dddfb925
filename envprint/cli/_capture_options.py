"""Options of the verbs that capture or load a fingerprint, and their meaning."""

from __future__ import annotations

import os
import time

from envprint.cli._console import Console
from envprint.cli._plain_words import unfit
from envprint.core.errors import (
    DocumentError,
    InterpreterError,
    StoreError,
    UsageError,
    suppress,
)
from envprint.core.fingerprint import (
    CAPTURE_TIMEOUT_S,
    DEEP_TIMEOUT_S,
    GPU_TIMEOUT_S,
    IMPORTED,
    Fingerprint,
)
from envprint.core.redact import safe_text
from envprint.core.typed import TYPE_CHECKING, Any
from envprint.documents.codec import dumps, loads
from envprint.documents.inputs import NOW, take
from envprint.machine.deadline import within
from envprint.machine.files import Input

if TYPE_CHECKING:
    import argparse

    from envprint.machine.environments import Environment
    from envprint.machine.live import LiveHost

LOOK_S = 2.0
"""How long a path that a document names is looked for."""
SOURCE = (
    "a fingerprint or another tool's record (a file or -), now, one saved (@NAME, @last, @~2), "
    "git:REV:PATH, mlflow:RUN, or a URL"
)
"""Help text for an argument that `load` accepts."""


def add_capture_options(parser: argparse.ArgumentParser) -> None:
    """Options for how to capture."""
    group = parser.add_argument_group("what is observed, and how long that may take")
    group.add_argument(
        "--python",
        metavar="PATH",
        help="observe this environment: an interpreter, the directory of a venv or conda "
        "environment, or a name on PATH (default: the active one)",
    )
    group.add_argument(
        "--timeout",
        type=_seconds,
        metavar="S",
        help=f"time limit of the whole capture, in seconds (default: {CAPTURE_TIMEOUT_S:g}; deep: "
        f"{DEEP_TIMEOUT_S:g}); probes have their own",
    )
    group.add_argument(
        "--gpu-timeout",
        type=_seconds,
        metavar="S",
        help="the part of it that the GPUs' driver may use (default: all of it, at most "
        f"{GPU_TIMEOUT_S:g})",
    )
    group.add_argument(
        "--no-cache",
        action="store_true",
        help="compute every build id again, and keep none in the user's cache",
    )


def add_keeping_options(parser: argparse.ArgumentParser, output: str) -> None:
    """Options for where to write a fingerprint, and its name."""
    parser.add_argument("-o", "--output", metavar="FILE", help=output)
    parser.add_argument("--save", metavar="NAME", type=_name, help="keep it in the store, as @NAME")
    parser.add_argument("--label", metavar="TEXT", help="a short name for reports")


def add_describing_options(parser: argparse.ArgumentParser) -> None:
    """Options for what to record beside what is found."""
    group = parser.add_argument_group("what to record with it")
    group.add_argument("--note", metavar="TEXT", help="free text to keep with it")
    group.add_argument(
        "--tag",
        action="append",
        default=[],
        type=tag_argument,
        metavar="K=V",
        help="repeatable",
    )
    group.add_argument(
        "--identify", action="store_true", help="include user name, host name and home directory"
    )


def described_by(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `capture` that those options set."""
    return {
        "label": options.label,
        "note": options.note,
        "tags": dict(options.tag),
        "identify": options.identify,
    }


def tag_argument(text: str) -> tuple[str, str]:
    """An `argparse` type for tags."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise unfit(f"expected KEY=VALUE, found {text!r}")
    return key, value


def _name(text: str) -> str:
    from envprint.documents.store import checked_name

    try:
        return checked_name(text)
    except StoreError as error:
        raise unfit(str(error)) from None


def environment_of(options: argparse.Namespace) -> Environment:
    """The environment to observe: the one in `options.environment`, else it is chosen once."""
    from envprint.machine.environments import choose

    chosen: Environment | None = getattr(options, "environment", None)
    if chosen is None:
        limit_s = timeout_of(options)
        try:
            chosen = options.environment = within(limit_s, lambda: choose(options.python))
        except TimeoutError:
            raise InterpreterError(
                f"which environment is active was not found within {limit_s:g} s; --python names "
                "one by the path of its interpreter"
            ) from None
    return chosen


def host_of(options: argparse.Namespace) -> LiveHost:
    """This machine, seen through the interpreter of the environment to observe."""
    from envprint.machine.live import LiveHost

    begun_s = time.monotonic()
    gpu_timeout_s = gpu_timeout_of(options)
    python, reason, _ = environment_of(options)
    host = LiveHost(
        python,
        verify_files=getattr(options, "deep", False),
        cache=not getattr(options, "no_cache", False),
        gpu_timeout_s=gpu_timeout_s,
        source=reason,
        timeout_s=timeout_of(options),
        trusts=is_trusted,
    )
    host.spent_s = time.monotonic() - begun_s
    return host


def is_trusted(top: str) -> bool:
    """Whether the user trusts the repository whose work tree is at `top`. Raises `OSError`."""
    from envprint.judging.policy.find import trusts  # few repositories configure filters

    return trusts(top)


def tell_choice(options: argparse.Namespace, host: LiveHost, console: Console) -> None:
    """Say on stderr which environment is observed, if envprint chose another than its own.

    For verbs that print no report, whose header says it.
    """
    python, reason, _ = environment_of(options)
    if python is not None and options.python is None:
        console.log(f"observing {host.interpreter()['prefix']}: {reason}")


def timeout_of(options: argparse.Namespace) -> float:
    """The time limit of a capture, in seconds."""
    usual_s = DEEP_TIMEOUT_S if getattr(options, "deep", False) else CAPTURE_TIMEOUT_S
    timeout_s: float = getattr(options, "timeout", None) or usual_s
    return timeout_s


def _left_of(limit_s: float, host: LiveHost) -> float:
    """What is left of the limit for the sections."""
    return max(round(limit_s - host.spent_s, 1), 0.1)


def gpu_timeout_of(options: argparse.Namespace) -> float:
    """The part of it that the GPU driver may use. Raises `UsageError` if that is more."""
    whole_s, part_s = timeout_of(options), getattr(options, "gpu_timeout", None)
    if part_s is not None and part_s > whole_s:
        raise UsageError(
            f"--gpu-timeout {part_s:g} is longer than the whole capture may take: --timeout "
            f"{whole_s:g}; raise that too"
        )
    return min(part_s or GPU_TIMEOUT_S, whole_s)


def capture_now(
    options: argparse.Namespace,
    console: Console,
    host: LiveHost | None = None,
    **details: Any,
) -> Fingerprint:
    """A fingerprint of this machine."""
    from envprint.collectors._runner import capture

    host = host or host_of(options)
    limit_s = _left_of(timeout_of(options), host)
    if getattr(options, "deep", False):
        from envprint.cli._progress_bar import Waiting  # only this takes long

        with Waiting(console, "hashing every installed file", limit_s=limit_s):
            captured = capture(host, via="cli", timeout_s=limit_s, **details)
    else:
        captured = capture(host, via="cli", timeout_s=limit_s, **details)
    captured = captured._replace(reference=NOW)
    chosen: Environment | None = getattr(options, "environment", None)
    if chosen is None:  # a host of the caller's own
        return captured
    return captured._replace(chosen=chosen.reason, hint=chosen.hint)


def keep(fingerprint: Fingerprint, options: argparse.Namespace, console: Console) -> None:
    """Write the document to `--output`, to stdout without `--save`, and into the store."""
    if options.output is not None or options.save is None:
        _write(fingerprint, options.output, console)
    if options.save is not None:
        from envprint.documents.store import Store

        store = Store(warn=console.warn)
        store.save(fingerprint, options.save)
        place = f"{store.place}, {fingerprint.digest[:19]}"
        console.log(f"saved as @{options.save} in {place}")


def _write(fingerprint: Fingerprint, target: str | None, console: Console) -> None:
    """`DIR/`, or `{node}` in a name, gets the name of this host: many may write there at once.

    Not for a record, which is of another machine.
    """
    is_own = not fingerprint.captured_via.startswith(IMPORTED)
    if is_own and target and ("{" in target or target.endswith(("/", os.sep))):
        from envprint.documents.naming import is_named_by_host, node_name, write_by_host
        from envprint.machine.live import LiveHost

        if is_named_by_host(target):
            host = LiveHost()
            name = node_name(host.environ(), host.identity().get("host_name"))
            path = write_by_host(fingerprint, target, name, console.warn)
            console.log(f"written to {path}")
            return
    console.emit(dumps(fingerprint), target)


def load(source: str, options: argparse.Namespace, console: Console) -> Fingerprint:
    """The fingerprint that `source` names; `now` is captured first, with these options.

    Warns of keys unknown to this version and of damaged entries. Raises `EnvprintError`.
    """
    if source == NOW:
        return capture_now(options, console)
    found = take(source)
    for damage in found.skipped:
        console.warn(f"skipped: {damage}")
    if found.caveat:
        console.warn(found.caveat)
    fingerprint = read(found)._replace(reference=safe_text(source), program=found.program)
    if fingerprint.undeclared:
        names = ", ".join(sorted(fingerprint.undeclared)[:5])
        console.warn(f"{found.name}: {len(fingerprint.undeclared)} unknown keys: {names}")
    return fingerprint


def read(found: Input) -> Fingerprint:
    """The fingerprint in a document; of somebody else's record, what that holds.

    Raises `DocumentError`.
    """
    try:
        return loads(found.content, found.name)
    except DocumentError as fault:
        from envprint.importers import instead  # not needed for envprint's own documents

        return instead(found.content, found.name, fault)


def located(baseline: Fingerprint) -> Fingerprint:
    """The baseline of a capture, with the knowledge whether its environment is on this machine."""
    from envprint.machine.environments import interpreter_in

    def is_here() -> bool:
        prefix = os.path.expanduser(baseline.get("facts.python.prefix", ""))
        return bool(prefix and interpreter_in(prefix))

    # The path is a document's: it may be on a mount that does not answer.
    with suppress(TimeoutError, OSError):
        return baseline._replace(is_here=within(LOOK_S, is_here))
    return baseline._replace(is_here=False)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise unfit(f"expected a number of seconds above 0, found {text!r}")
    return seconds
