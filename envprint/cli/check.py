"""`envprint check`: the pre-flight of this machine, with or without a baseline."""

from __future__ import annotations

from envprint.cli._capture_options import (
    SOURCE,
    add_capture_options,
    capture_now,
    host_of,
    load,
    located,
)
from envprint.cli._console import Console
from envprint.cli._judge_options import (
    EXIT_CODES,
    add_judging_options,
    add_public_option,
    add_remedy_option,
    context_of,
    count_argument,
    present,
    public_form,
    request_of,
    size_argument,
    time_argument,
    with_way_back,
)
from envprint.core.errors import UsageError
from envprint.core.fingerprint import Fingerprint
from envprint.core.report import Report
from envprint.core.typed import TYPE_CHECKING, Any
from envprint.judging.context import GPU_SECTIONS, Request

if TYPE_CHECKING:
    import argparse

HELP = "pre-flight: judge this machine as it is now, and against a baseline"
EPILOG = f"""\
example:
  envprint check                                # this machine alone
  envprint check before.json --min-free-gpu 20GiB || exit 1
  envprint check --wait-free-gpu 10m --device gpu && python train.py
  envprint check --imports --framework torch    # does every library start?
  envprint check before.json --batch-size 256 --replicas 4
  envprint check --format github --on-unknown fail      # in a job of CI

{EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("baseline", metavar="BASELINE", nargs="?", help=SOURCE)
    parser.add_argument(
        "--batch-size", type=count_argument, metavar="N", help="the global batch size"
    )
    parser.add_argument(
        "--replicas", type=count_argument, metavar="N", help="number of replicas it is split over"
    )
    parser.add_argument(
        "--min-free-gpu",
        type=size_argument,
        metavar="SIZE",
        help="what each visible GPU must have free, such as 20GiB",
    )
    parser.add_argument(
        "--wait-free-gpu",
        type=time_argument,
        metavar="TIME",
        help="wait at most this long for other programs to free GPU memory, such as 10m",
    )
    parser.add_argument(
        "--imports",
        action="store_true",
        help="import each library that takes part, in processes of their own: see which start",
    )
    add_judging_options(parser)
    add_public_option(parser)
    add_remedy_option(parser)
    add_capture_options(parser)


def request_from(options: argparse.Namespace) -> Request:
    """The request that the options describe."""
    return request_of(options)._replace(
        min_free_gpu_bytes=options.min_free_gpu,
        batch_size=options.batch_size,
        replicas=options.replicas,
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Capture, judge, print."""
    context = context_of(request_from(options), console)
    baseline = None
    if options.baseline is not None:
        baseline = located(load(options.baseline, options, console))

    def judge(current: Fingerprint) -> Report:
        return context.state(current, baseline)

    imports = _imports(options, console) if options.imports else None

    def capture() -> Fingerprint:
        if imports is None:
            return capture_now(options, console)
        host = host_of(options)
        host.set_probe_results({"imports": imports})
        return capture_now(options, console, host)

    limit_s = options.wait_free_gpu
    if limit_s is not None and context.only and not GPU_SECTIONS.issubset(context.only):
        raise UsageError("--wait-free-gpu needs gpu and live.gpu: add both to --only")
    if limit_s is None:
        current = capture()
    else:
        from envprint.run.wait_for_gpu import wait

        current = wait(capture, judge, context.policy.fail_on, limit_s, console.log)
    report = with_way_back(judge(current), baseline, current, options)

    def judge_public(sides: tuple[Fingerprint, ...]) -> Report:
        return context.state(sides[-1], sides[0] if len(sides) > 1 else None)

    present(public_form(report, options, judge_public), context, options, console)
    return context.exit_code(report)


def _imports(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """What can be imported of what takes part in the workload that the options name."""
    from envprint.cli._imports import imports_now  # loads what starts processes
    from envprint.knowledge.jobs import workload_of

    workload = workload_of(options.framework, options.device or "cpu")
    return imports_now(host_of(options), console, workload)
