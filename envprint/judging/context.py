"""From a request to a report: the one path that the command line and the API share.

A caller fills in a `Request`; `agreed` adds the team's policy. The resulting `Context` judges
fingerprints and maps a report to its exit code.
"""

from collections.abc import Callable, Collection

from envprint.core.errors import UsageError
from envprint.core.fields import Record
from envprint.core.fingerprint import FRAMEWORKS, Fingerprint
from envprint.core.impact import Impact
from envprint.core.report import Report
from envprint.core.typed import NamedTuple
from envprint.core.workload import Workload, detect
from envprint.judging.compare import compare_without_secrets
from envprint.judging.judge import judge_drift, judge_state
from envprint.judging.policy.find import agreed_policy
from envprint.judging.policy.model import OneOff, Policy

GPU_SECTIONS = frozenset({"facts.gpu", "live.gpu"})
"""Sections with the values by which free memory is judged."""


class Request(NamedTuple):
    """How to judge. The policy supplies what is left out; the rest is detected."""

    policy: str | None = None
    """Its file; None for the nearest one upwards."""
    frameworks: tuple[str, ...] = ()
    """Frameworks and libraries, by the names that `knowledge.jobs` gives them."""
    modules: frozenset[str] = frozenset()
    """The modules that the job's process has imported, which tell its libraries where none is
    named."""
    loaded: frozenset[str] = frozenset()
    """The modules of which the job was seen to load files, which tell less: of a library that is
    Python alone no file shows."""
    device: str | None = None
    fail_on: Impact | None = None
    on_unknown: str | None = None
    strict: bool = False
    """Whether advice counts as a finding."""
    min_free_gpu_bytes: int | None = None
    batch_size: int | None = None
    replicas: int | None = None
    ignores: tuple[OneOff, ...] = ()
    """What this call ignores, beside the policy."""
    expects: tuple[OneOff, ...] = ()
    """What this call expects, beside the policy."""
    only: tuple[str, ...] = ()
    """Names of the sections to judge; all of them without any."""


class Context(NamedTuple):
    """A request and the policy in force, in which the request takes precedence."""

    request: Request
    policy: Policy
    shape: Callable[[], Record]
    """The shape of a fingerprint, read from the published schema where two are compared."""
    only: tuple[str, ...] = ()
    """Paths of the sections to judge; all of them without any."""

    def drift(self, baseline: Fingerprint, current: Fingerprint) -> Report:
        """What the differences between two fingerprints do to a training result."""
        comparison = compare_without_secrets(baseline, current, self.shape())
        # Nobody runs a job on the two: to name a framework only narrows what is judged, and what
        # a run requires is not required of them.
        workload = self.workload(current, baseline, is_run=False)._replace(named=())
        if comparison.has_record:
            from envprint.judging.imported import nothing_in_common  # few are somebody else's

            not_found = nothing_in_common(comparison) or workload.not_found
            workload = workload._replace(not_found=not_found)
        return judge_drift(comparison, workload, self.policy, self.only)

    def state(self, current: Fingerprint, baseline: Fingerprint | None) -> Report:
        """What the present state does to a training result, and what a baseline adds to that."""
        comparison = compare_without_secrets(baseline, current, self.shape()) if baseline else None
        workload = self.workload(current, baseline)
        return judge_state(current, comparison, workload, self.policy, self.only)

    def workload(
        self, now: Fingerprint, baseline: Fingerprint | None, *, is_run: bool = True
    ) -> Workload:
        """The requested workload, completed by what is installed.

        Where something is to run on this machine, memory that is required of its GPUs means that
        the work is for a GPU, even if none is visible and the policy's work is on the CPU.
        """
        request, policy = self.request, self.policy
        free, required = request.min_free_gpu_bytes, policy.required
        if free is None:
            free = required.min_free_gpu_bytes
        needs_gpu = bool(free) and is_run
        names = request.frameworks or policy.frameworks
        frameworks, libraries = _named(names) if names else _loaded(request.loaded, now)
        workload = detect(
            now,
            baseline,
            frameworks=frameworks,
            libraries=libraries,
            device=request.device or (None if needs_gpu else policy.device),
            needs_gpu=needs_gpu,
        )
        return workload._replace(
            libraries=workload.libraries if names or libraries else _imported(request.modules),
            named=tuple(sorted(names)),
            min_free_gpu_bytes=free,
            batch_size=request.batch_size,
            replicas=request.replicas,
            required=required,
        )

    def exit_code(self, report: Report) -> int:
        """0; 1 for a finding that counts; 3 for an undecided rule that counts."""
        policy = self.policy
        return report.exit_code(policy.fail_on, policy.on_unknown == "fail", self.request.strict)


Job = tuple[Collection[str], Collection[str]]
"""The frameworks and the libraries that a job uses; both empty if that is unknown."""


def _named(names: Collection[str]) -> Job:
    frameworks = [name for name in names if name in FRAMEWORKS]
    return frameworks, _with_all([name for name in names if name not in FRAMEWORKS])


def _loaded(modules: Collection[str], now: Fingerprint) -> Job:
    """What a job has loaded, as far as its files tell."""
    if not modules:
        return (), ()
    from envprint.knowledge.jobs import frameworks_of, may_have_used  # known only after a run

    installed = now.get("facts.packages.distributions", {})
    return frameworks_of(modules), may_have_used(modules, installed)


def _imported(modules: Collection[str]) -> tuple[str, ...]:
    """The libraries whose modules a process has imported."""
    if not modules:
        return ()
    from envprint.knowledge.jobs import imported_as  # a command line imports nothing

    return imported_as(modules)


def _with_all(libraries: Collection[str]) -> tuple[str, ...]:
    """The libraries and all that they compute with."""
    if not libraries:
        return ()
    from envprint.knowledge.jobs import with_all  # few jobs name a library

    return with_all(libraries)


def agreed(request: Request, shape: Callable[[], Record]) -> Context:
    """The request under the policy it names, or the nearest one. Raises `EnvprintError`."""
    policy, _, _ = agreed_policy(request.policy)
    fail_on = policy.fail_on if request.fail_on is None else request.fail_on
    on_unknown = request.on_unknown or policy.on_unknown
    policy = policy._replace(fail_on=fail_on, on_unknown=on_unknown)
    context = Context(request, policy, shape)
    return _narrowed(context) if request.ignores or request.expects or request.only else context


def _narrowed(context: Context) -> Context:
    """The context with what the request itself ignores, expects and leaves out."""
    from envprint.core.sections import section_paths, sections_named
    from envprint.judging.policy.one_off import with_one_offs

    request = context.request
    sections = section_paths(context.shape())
    only = sections_named(request.only, sections)
    if only and request.min_free_gpu_bytes is not None and not GPU_SECTIONS.issubset(only):
        raise UsageError("--min-free-gpu needs gpu and live.gpu: add both to --only")
    policy = with_one_offs(context.policy, request.ignores, request.expects, sections)
    return context._replace(policy=policy, only=only)
