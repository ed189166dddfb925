"""The functions of `import envprint`: the engine of the command line, with Python values."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from types import FrameType

from envprint.collectors import _runner
from envprint.core import fingerprint as core
from envprint.core.errors import DocumentError, EnvprintError
from envprint.core.fingerprint import CAPTURE_TIMEOUT_S, DEEP_TIMEOUT_S, GPU_TIMEOUT_S
from envprint.core.impact import IMPACT_WORDS, Impact
from envprint.core.redact import safe_text
from envprint.core.report import DEVICES
from envprint.core.typed import NamedTuple
from envprint.documents.codec import dumps, fingerprint_shape, loads
from envprint.documents.inputs import NOW, take
from envprint.judging.context import Context, Request, agreed
from envprint.judging.policy.find import trusts
from envprint.judging.policy.model import OneOff
from envprint.knowledge.jobs import job_named
from envprint.machine.files import write_output
from envprint.machine.live import LiveHost
from envprint.outputs.drift_error import refusal, remark
from envprint.results import DriftError, DriftWarning, Fingerprint, Report

# Validate the names passed to the Python API. `argparse` does so for the command line; without it,
# a misspelt name would silently judge a different workload.


def frameworks_named(names: Iterable[str]) -> tuple[str, ...]:
    """The frameworks and libraries in `names`, one or several. Raises `EnvprintError`."""
    try:
        return tuple(job_named(str(name)) for name in _several(names))
    except ValueError as error:
        raise EnvprintError(str(error)) from None


def device_named(name: str | None) -> str | None:
    """The device with that name, or None to detect it. Raises `EnvprintError`."""
    return None if name is None else _one_of("device", name, tuple(DEVICES))


def impact_named(name: str | Impact) -> Impact:
    """The impact with that name. Raises `EnvprintError`."""
    if isinstance(name, Impact):
        return name
    return Impact[_one_of("impact", name, IMPACT_WORDS).upper()]


def _one_of(kind: str, name: str, known: tuple[str, ...]) -> str:
    if name not in known:
        raise EnvprintError(f"no {kind} {name!r}; known: {', '.join(known)}")
    return name


def _several(names: Iterable[str]) -> Iterable[str]:
    return [names] if isinstance(names, str) else names


Place = str | os.PathLike[str]
Source = core.Fingerprint | Place
Reasons = Mapping[str, str] | Iterable[str]
"""Rules or paths, one of them or several, or each with the reason."""

_NOT_THE_USER = frozenset(
    "envprint hydra keras lightning pytorch_lightning tensorflow tf_keras transformers".split()
)
"""Packages whose lines no warning points to: this one, and those that call its adapters."""


def warn_user(what: str | Warning) -> None:
    """Warn, and point to the line by which the user came here."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back and _package_of(frame) in _NOT_THE_USER:
        level, frame = level + 1, frame.f_back
    warnings.warn(what, stacklevel=level)


def _package_of(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0]


def capture(
    *,
    python: Place | None = None,
    label: str | None = None,
    note: str | None = None,
    tags: Mapping[str, str] | None = None,
    deep: bool = False,
    probe: bool = False,
    identify: bool = False,
    timeout_s: float | None = None,
    gpu_timeout_s: float | None = None,
) -> Fingerprint:
    """A fingerprint of this process and its machine, or of the interpreter at `python`.

    For this process it includes the imported frameworks, the switches in force in them, the state
    of their generators and their thread pools; it imports no framework itself. `timeout_s` limits
    the whole (default 30 s; half an hour with `deep`), whatever hangs on the machine; only the
    frameworks that this process has imported are waited for, as they answer in this thread.
    `gpu_timeout_s` is the part of it that the GPU driver may use. `probe` first runs the numeric
    probes on the CPU, each in a fresh process of the interpreter, with limits of their own.

    Raises `EnvprintError` if `python` does not respond, or is too old for probes.
    """
    path = os.fspath(python) if python is not None else None
    limit_s = timeout_s or (DEEP_TIMEOUT_S if deep else CAPTURE_TIMEOUT_S)
    gpu_limit_s = min(GPU_TIMEOUT_S, limit_s) if gpu_timeout_s is None else gpu_timeout_s
    if not 0 < gpu_limit_s <= limit_s:
        raise EnvprintError(f"expected gpu_timeout_s above 0 and at most {limit_s:g}, timeout_s")
    host = LiveHost(
        path,
        verify_files=deep,
        gpu_timeout_s=gpu_limit_s,
        timeout_s=limit_s,
        trusts=trusts,
    )
    if path is None:
        host.read_process_state()
    if probe:
        from envprint.probes.runner import Plan, able, measure

        host.set_probe_results({"numeric": measure(Plan(able(host.interpreter())))})
    left_s = max(round(limit_s - host.spent_s, 1), 0.1)
    found = _runner.capture(
        host, label=label, note=note, tags=tags, timeout_s=left_s, identify=identify
    )
    return Fingerprint._make(found)


def load(path: Place) -> Fingerprint:
    """The fingerprint in the file at `path`, or a saved one: `@NAME`, `@last`, `@last-good`, `@~2`.

    The file may be another tool's record, such as a `pip freeze` (docs/records.md).
    The text `now` stands for a new capture of this process. Warns of damaged entries that were
    skipped. Raises `EnvprintError`, which names the file and the position.
    """
    if path == NOW:
        return capture()
    found = take(os.fspath(path))
    for damage in found.skipped:
        warn_user(f"skipped: {damage}")
    if found.caveat:
        warn_user(found.caveat)
    try:
        read = loads(found.content, found.name)
    except DocumentError as fault:
        from envprint.importers import instead  # not needed for envprint's own documents

        read = instead(found.content, found.name, fault)
    return Fingerprint._make(read)._replace(program=found.program)


def dump(fingerprint: core.Fingerprint, path: Place) -> None:
    """Write the document to `path` atomically. Raises `EnvprintError`; the old file then stays.

    Warns if a file can only be written in place, such as one mounted into a container.
    """
    write_output(os.fspath(path), dumps(fingerprint), warn_user)


def diff(
    baseline: Source,
    current: Source,
    *,
    frameworks: Iterable[str] = (),
    device: str | None = None,
    policy: Place | None = None,
    ignore: Reasons = (),
    expect: Reasons = (),
    only: Iterable[str] = (),
) -> Report:
    """What the differences between two fingerprints (or files) do to a training result.

    `frameworks` and `device` narrow the workload, as `--framework` and `--device` do. `ignore`
    takes rules and `expect` paths, beside the policy's, or maps each to a reason; `only` takes
    names of sections, and nothing else is judged. Raises `EnvprintError`.
    """
    request = _request(frameworks, device, policy, _Narrowing(ignore, expect, only))
    before, after = fingerprint_of(baseline), fingerprint_of(current)
    return Report._make(_agreed(request).drift(before, after))


def check(
    baseline: Source | None = None,
    *,
    current: Source | None = None,
    fail_on: str | Impact | None = None,
    frameworks: Iterable[str] = (),
    device: str | None = None,
    policy: Place | None = None,
    strict: bool = False,
    ignore: Reasons = (),
    expect: Reasons = (),
    only: Iterable[str] = (),
) -> Report:
    """Judge this process and its machine now, and against `baseline` if given.

    `current` replaces the capture that is otherwise made here. Returns the report, or raises
    `DriftError` (with the report as `.report`) if a finding is at or above `fail_on` (default: the
    policy's, else `numeric`); its text lists each such finding and its remedy. With `strict`,
    advice counts as well. A `DriftWarning` lists findings below `fail_on` and what was not judged.
    Each of `frameworks` must be installed. The other options are those of
    `diff`.
    """
    before = fingerprint_of(baseline) if baseline is not None else None
    judged = judge_now(
        Question(fail_on, frameworks, device, policy, strict, ignore, expect, only),
        before,
        capture() if current is None else fingerprint_of(current),
    )
    if judged.refused:
        raise DriftError(judged.refused, judged.report)
    if judged.remark:
        warn_user(DriftWarning(judged.remark, judged.report))
    return judged.report


class Question(NamedTuple):
    """How a check judges: the keywords of `check`."""

    fail_on: str | Impact | None = None
    frameworks: Iterable[str] = ()
    device: str | None = None
    policy: Place | None = None
    strict: bool = False
    ignore: Reasons = ()
    expect: Reasons = ()
    only: Iterable[str] = ()

    def checked(self) -> Question:
        """The same with names that are known. Raises `EnvprintError`."""
        return self._replace(
            fail_on=None if self.fail_on is None else impact_named(self.fail_on),
            frameworks=frameworks_named(self.frameworks),
            device=device_named(self.device),
        )


class Judged(NamedTuple):
    """The answer to a `Question`."""

    report: Report
    refused: str
    """Why the check refuses; empty if it passes."""
    remark: str
    """What it does not keep to itself if it passes; empty if there is nothing."""


def judge_now(question: Question, before: core.Fingerprint | None, now: core.Fingerprint) -> Judged:
    """What `check` does, without raising and warning of what it found. Raises `EnvprintError`."""
    wanted = question.checked()
    threshold = None if wanted.fail_on is None else impact_named(wanted.fail_on)
    narrowing = _Narrowing(wanted.ignore, wanted.expect, wanted.only)
    request = _request(wanted.frameworks, wanted.device, wanted.policy, narrowing)
    modules = frozenset(sys.modules if now.get("facts.frameworks.imported") else ())
    context = _agreed(request._replace(fail_on=threshold, strict=wanted.strict, modules=modules))
    report = Report._make(context.state(now, before))
    if context.exit_code(report):
        return Judged(report, refusal(report, context.policy.fail_on, wanted.strict), "")
    return Judged(report, "", remark(report, context.policy.on_unknown))


class _Narrowing(NamedTuple):
    """What a call leaves out, as the user gives it."""

    ignore: Reasons
    expect: Reasons
    only: Iterable[str]


def _request(
    frameworks: Iterable[str], device: str | None, policy: Place | None, narrowing: _Narrowing
) -> Request:
    return Request(
        policy=None if policy is None else os.fspath(policy),
        frameworks=frameworks_named(frameworks),
        device=device_named(device),
        ignores=tuple(_one_offs(narrowing.ignore)),
        expects=tuple(_one_offs(narrowing.expect)),
        only=tuple(map(str, _several(narrowing.only))),
    )


def _one_offs(given: Reasons) -> Iterator[OneOff]:
    reasons = given if isinstance(given, Mapping) else dict.fromkeys(_several(given), "")
    for pattern, reason in reasons.items():
        yield OneOff(str(pattern), str(reason or "").strip() or "given in the call")


def fingerprint_of(source: Source) -> core.Fingerprint:
    """The fingerprint that a caller names or gives. Raises `EnvprintError`."""
    if isinstance(source, core.Fingerprint):
        return source
    return load(source)._replace(reference=safe_text(os.fspath(source)))


def agreed_on(question: Question) -> Context:
    """How a question is judged, under the policy that it names. Raises `EnvprintError`."""
    wanted = question.checked()
    narrowing = _Narrowing(wanted.ignore, wanted.expect, wanted.only)
    request = _request(wanted.frameworks, wanted.device, wanted.policy, narrowing)
    threshold = None if wanted.fail_on is None else impact_named(wanted.fail_on)
    return _agreed(request._replace(fail_on=threshold, strict=wanted.strict))


def _agreed(request: Request) -> Context:
    """The request under the policy it names, or the nearest one, as on the command line."""
    context = agreed(request, fingerprint_shape)
    for note in context.policy.notes:
        warn_user(note)
    return context
