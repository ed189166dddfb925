"""From what a caller asks for to a report: the one path of the command line and of the API.

A caller fills in a `Request`; `agreed` adds the team's policy. What comes of it judges fingerprints
and says with which exit code a report ends.
"""

from collections.abc import Callable
from typing import NamedTuple

from envprint.core.fields import Record
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.report import Report
from envprint.core.workload import Workload, detect
from envprint.judging.compare import compare_without_secrets
from envprint.judging.judge import judge_drift, judge_state
from envprint.judging.policy.find import agreed_policy
from envprint.judging.policy.model import Policy


class Request(NamedTuple):
    """How to judge. What is left out, the policy says; what that leaves out, is found out."""

    policy: str | None = None
    """Its file; None for the nearest one upwards."""
    frameworks: tuple[str, ...] = ()
    device: str | None = None
    fail_on: Impact | None = None
    on_unknown: str | None = None
    strict: bool = False
    """Advice counts as a finding."""
    min_free_gpu_bytes: int | None = None
    batch_size: int | None = None
    replicas: int | None = None


class Context(NamedTuple):
    """A request and the policy in force, in which the request has its say."""

    request: Request
    policy: Policy
    shape: Callable[[], Record]
    """The shape of a fingerprint, read from the published schema where two are compared."""

    def drift(self, baseline: Fingerprint, current: Fingerprint) -> Report:
        """What the differences between two fingerprints do to a training result."""
        comparison = compare_without_secrets(baseline, current, self.shape())
        return judge_drift(comparison, self.workload(current, baseline), self.policy)

    def state(self, current: Fingerprint, baseline: Fingerprint | None) -> Report:
        """What the present state does to one, and what a baseline adds to that."""
        comparison = compare_without_secrets(baseline, current, self.shape()) if baseline else None
        return judge_state(current, comparison, self.workload(current, baseline), self.policy)

    def workload(self, now: Fingerprint, baseline: Fingerprint | None) -> Workload:
        """The job that is named, completed by what is installed."""
        request, policy = self.request, self.policy
        free, required = request.min_free_gpu_bytes, policy.required
        workload = detect(
            now,
            baseline,
            frameworks=request.frameworks or policy.frameworks,
            device=request.device or policy.device,
            needs_gpu=bool(free),
        )
        return workload._replace(
            min_free_gpu_bytes=required.min_free_gpu_bytes if free is None else free,
            batch_size=request.batch_size,
            replicas=request.replicas,
            required=required,
        )

    def exit_code(self, report: Report) -> int:
        """0, 1 for a finding that counts, 3 for a doubt that does."""
        policy = self.policy
        return report.exit_code(policy.fail_on, policy.on_unknown == "fail", self.request.strict)


def agreed(request: Request, shape: Callable[[], Record]) -> Context:
    """The request under the policy that it names, or the nearest one. Raises `EnvprintError`."""
    policy, _, _ = agreed_policy(request.policy)
    fail_on = policy.fail_on if request.fail_on is None else request.fail_on
    on_unknown = request.on_unknown or policy.on_unknown
    return Context(request, policy._replace(fail_on=fail_on, on_unknown=on_unknown), shape)
