"""The job that a difference is judged for, and the conditions under which a rule can matter."""

from collections.abc import Callable, Iterable, Mapping

from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import FRAMEWORKS, IMPORTED, NOT_RECORDED, Fingerprint
from envprint.core.typed import NamedTuple

ALIASES = {
    "keras": "tensorflow",
    "pytorch": "torch",
    "sklearn": "scikit-learn",
    "tf": "tensorflow",
}
"""Further names by which a user may name a framework."""


class Requirements(NamedTuple):
    """The state that a team's policy requires of every machine."""

    min_free_gpu_bytes: int | None = None
    """On each visible GPU."""
    gpus: int | None = None
    """Number of GPUs that must be visible."""
    variables: Mapping[str, str] = {}
    switches: tuple[str, ...] = ()
    """Names of `facts.determinism.switches` that must be on."""
    packages: Mapping[str, str] = {}
    """Name to version specifier, or `*` for any version."""


class Workload(NamedTuple):
    """The job that a difference is judged for."""

    frameworks: tuple[str, ...] = ()
    """Sorted names from `FRAMEWORKS`: what the job computes with."""
    device: str = "cpu"
    """`cpu` or `gpu`."""
    machine: str = ""
    """Architecture as the kernel names it, such as x86_64; empty when unknown."""
    min_free_gpu_bytes: int | None = None
    batch_size: int | None = None
    replicas: int | None = None
    required: Requirements = Requirements()
    named: tuple[str, ...] = ()
    """The frameworks and libraries that the user or the policy names, which a run needs."""
    not_found: str | None = None
    """Why no framework is known, so that no framework's rules can apply; None if one is."""
    only_baseline: tuple[str, ...] = ()
    """Frameworks that only the baseline has installed, and that do not count."""
    only_current: tuple[str, ...] = ()
    """The same for the current side."""
    device_named: bool = False
    """Whether the user or the policy names the device, which is detected otherwise."""
    libraries: tuple[str, ...] = ()
    """Sorted names of further libraries that the job is known to use, because the user, the policy
    or the imports of the process name them, and what these compute with; empty if that is
    unknown."""


class Condition(NamedTuple):
    """When a rule can matter, with a readable text; combined with `&`, `|` and `~`."""

    text: str
    holds: Callable[[Workload], bool]

    def __and__(self, other: "Condition") -> "Condition":
        return Condition(
            f"{self.text} and {other.text}", lambda w: self.holds(w) and other.holds(w)
        )

    def __or__(self, other: "Condition") -> "Condition":
        return Condition(
            f"({self.text} or {other.text})", lambda w: self.holds(w) or other.holds(w)
        )

    def __invert__(self) -> "Condition":
        return Condition(f"not ({self.text})", lambda w: not self.holds(w))


ON_GPU = ("jax", "tensorflow", "torch")
"""Frameworks that can compute on a GPU: those that train, beside NumPy and scikit-learn."""
HIDE_ALL = ("", "-1", "NoDevFiles")
"""Values of CUDA_VISIBLE_DEVICES that hide every GPU."""

always = Condition("any workload", lambda workload: True)
on_cpu = Condition("on the CPU", lambda workload: workload.device == "cpu")
on_gpu = Condition("on a GPU", lambda workload: workload.device == "gpu")
has_requirements = Condition(
    "where the policy requires something", lambda workload: workload.required != Requirements()
)


def uses(*frameworks: str) -> Condition:
    """The workload uses at least one of `frameworks`."""
    assert set(frameworks) <= set(FRAMEWORKS), frameworks
    return Condition(
        f"with {' or '.join(frameworks)}",
        lambda workload: not set(frameworks).isdisjoint(workload.frameworks),
    )


def machine(*names: str) -> Condition:
    """The processor's architecture is one of `names`, or unknown."""
    return Condition(f"on {' or '.join(names)}", lambda w: not w.machine or w.machine in names)


def detect(
    now: Fingerprint,
    baseline: Fingerprint | None = None,
    *,
    frameworks: Iterable[str] = (),
    libraries: Iterable[str] = (),
    device: str | None = None,
    needs_gpu: bool = False,
) -> Workload:
    """The workload; what the options leave open follows from what is installed and present.

    `libraries` are those that the user names and all that they compute with; the frameworks among
    them count if they are installed.

    A GPU of either side counts: one that has disappeared must be judged, and so must one that does
    not respond. In a process that has imported frameworks, only those count. NumPy and
    scikit-learn alone run on the CPU. `needs_gpu` means that a GPU is required, present or not.
    """
    sides = [now] if baseline is None else [baseline, now]
    named, own = set(frameworks), set(libraries)
    found = _Installed.on(now, now if baseline is None else baseline)
    if named or own:
        used = named | (own & (found.current | found.baseline))
    else:
        used = set(now.get("facts.frameworks.imported", [])) or set(found.counted())
    can_use_gpu = not (used or own) or not used.isdisjoint(ON_GPU)
    is_on_gpu = needs_gpu or (can_use_gpu and any(map(_gpu_is_meant, sides)))
    return Workload(
        frameworks=tuple(sorted(used)),
        libraries=tuple(sorted(own.difference(FRAMEWORKS))),
        device=device or ("gpu" if is_on_gpu else "cpu"),
        machine=now.get("facts.cpu.architecture", ""),
        device_named=device is not None,
        named=tuple(sorted(named)),
        not_found=None if used or own else _not_found(sides, map(frameworks_in, sides)),
        only_baseline=tuple(sorted(found.baseline - found.current - used)),
        only_current=tuple(sorted(found.current - found.baseline - used)),
    )


class Found(NamedTuple):
    """The frameworks that one fingerprint shows."""

    names: tuple[str, ...]
    unknown: str | None
    """Why there may be others; None if `names` are all."""


def frameworks_in(now: Fingerprint) -> Found:
    """What counts as a framework that is found: its record, even one that could not be read.

    Where no record at all could be read, nothing is found, and the reason is given.
    """
    found, unreadable, reason = [], [], None
    for name in FRAMEWORKS:
        try:
            if now.value(framework_path(name)) is not None:
                found.append(name)
        except UnknownValueError as error:
            reason = error.reason
            if not (reason.startswith(NOT_RECORDED) or now.captured_via.startswith(IMPORTED)):
                unreadable.append(name)
    if len(unreadable) < len(FRAMEWORKS):
        found += unreadable
    return Found(tuple(found), reason)


def framework_path(framework: str) -> str:
    """The path of a framework's record."""
    return f"facts.frameworks.{framework.replace('-', '_')}"


def _not_found(sides: Iterable[Fingerprint], found: Iterable[Found]) -> str:
    """Why no framework is known, and what to do about it."""
    # The keys of a dict: unique, and in order.
    without: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for side, (_, reason) in zip(sides, found, strict=True):
        place = side.get("facts.python.prefix", "this environment")
        if reason is None:
            without[place] = None
        else:
            unknown[f"the frameworks in {place} are unknown ({reason})"] = None
    texts = [f"no framework in {' or '.join(without)}"] if without else []
    return "; ".join([*texts, *unknown, "is this the environment that trains? --python PATH"])


_WEIGHT = {"numpy": 1, "scikit-learn": 2} | dict.fromkeys(ON_GPU, 3)
"""How much a framework says about what trains: NumPy comes with each of the others."""


class _Installed(NamedTuple):
    """The frameworks of both sides; one that is unknown on a side counts as on the other."""

    current: frozenset[str]
    baseline: frozenset[str]

    @classmethod
    def on(cls, current: Fingerprint, baseline: Fingerprint) -> "_Installed":
        known = [_installed(side) for side in (current, baseline)]
        either = {name for has in known for name in FRAMEWORKS if has[name]}
        return cls(*(frozenset(n for n in either if has[n] is not False) for has in known))

    def counted(self) -> frozenset[str]:
        """The frameworks that train, as far as two environments tell without a name.

        What both sides have, and what the baseline alone has unless both have something that says
        as much about the job: a developer's tool on one machine is not the job, but the only
        library that trains is, even when it is gone.
        """
        common = self.current & self.baseline
        weight = max((_WEIGHT[name] for name in common), default=0)
        gone = {name for name in self.baseline - common if _WEIGHT[name] > weight}
        return common | gone or self.current


def _installed(side: Fingerprint) -> dict[str, bool | None]:
    """For each framework whether it is installed; None if that is unknown."""
    names = frameworks_in(side).names
    found: dict[str, bool | None] = {}
    for name in FRAMEWORKS:
        try:
            found[name] = side.value(framework_path(name)) is not None
        except UnknownValueError:
            found[name] = True if name in names else None
    return found


def _is_for_rocm(now: Fingerprint) -> bool:
    """Whether a framework that is installed is built for AMD's GPUs."""
    builds = [now.get(f"facts.frameworks.{name}.build") for name in ("tensorflow", "torch")]
    plugins = now.get("facts.frameworks.jax.plugins", {})
    return "rocm" in builds or any(name.startswith("jax-rocm") for name in plugins)


def _gpu_is_meant(now: Fingerprint) -> bool:
    """Whether there is a GPU that is not hidden, even if it does not respond."""
    if now.get("facts.rocm.kfd_device") and _is_for_rocm(now):
        return now.get("facts.environ.variables[HIP_VISIBLE_DEVICES]") not in HIDE_ALL
    if now.get("facts.environ.variables[CUDA_VISIBLE_DEVICES]") in HIDE_ALL:
        return False
    try:
        return bool(now.value("facts.gpu.devices"))
    except UnknownValueError:
        # A card or its driver is present but does not respond.
        paths = ("facts.gpu.status", "facts.gpu.library_path")
        return any(now.get(path) is not None for path in paths)
