"""On which device each framework of a workload will compute, for the head of a report."""

from collections.abc import Iterator

from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.report import Placement
from envprint.core.workload import ON_GPU, Workload
from envprint.rules.kit.computing import computing


def placements(now: Fingerprint, workload: Workload) -> Iterator[Placement]:
    """Where each framework will compute; what is unknown has its reason instead of a device."""
    for framework in workload.frameworks:
        if framework not in ON_GPU:
            yield Placement(framework, "cpu", "it computes on the CPU only")
            continue
        try:
            yield _placement(now, framework, workload)
        except UnknownValueError as error:
            yield Placement(framework, None, error.reason)


def _placement(now: Fingerprint, framework: str, workload: Workload) -> Placement:
    found = computing(now, framework)
    if found is None:
        return Placement(framework, None, "it is not installed")
    if found.device != "cpu" and workload.device_named and workload.device == "cpu":
        return Placement(framework, "cpu", "the job is for the CPU")
    return Placement(framework, found.device, found.reason)
