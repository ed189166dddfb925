"""The job that a difference is judged for, and the conditions under which a rule can matter."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import FRAMEWORKS, Fingerprint


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
    """Sorted names from `FRAMEWORKS`."""
    device: str = "cpu"
    """`cpu` or `gpu`."""
    machine: str = ""
    """Architecture as the kernel names it, such as x86_64; empty when unknown."""
    min_free_gpu_bytes: int | None = None
    batch_size: int | None = None
    replicas: int | None = None
    required: Requirements = Requirements()
    only_baseline: tuple[str, ...] = ()
    """Frameworks that only the baseline has installed, and that do not count."""
    only_current: tuple[str, ...] = ()
    """The same for the current side."""


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
_HIDE_ALL = ("", "-1", "NoDevFiles")
"""Values of CUDA_VISIBLE_DEVICES that hide every GPU."""

always = Condition("any workload", lambda workload: True)
on_cpu = Condition("on the CPU", lambda workload: workload.device == "cpu")
on_gpu = Condition("on a GPU", lambda workload: workload.device == "gpu")


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
    device: str | None = None,
    needs_gpu: bool = False,
) -> Workload:
    """The workload; what the options leave open follows from what is installed and present.

    A GPU of either side counts: one that has disappeared must be judged, and so must one that does
    not respond. In a process that has imported frameworks, only those count. NumPy and
    scikit-learn alone run on the CPU. `needs_gpu` means that a GPU is required, present or not.
    """
    sides = [now] if baseline is None else [now, baseline]
    chosen = set(frameworks) or set(now.get("facts.frameworks.imported", []))
    found = _Installed.on(now, now if baseline is None else baseline)
    used = chosen or found.counted()
    can_use_gpu = not used or not used.isdisjoint(ON_GPU)
    is_on_gpu = needs_gpu or (can_use_gpu and any(map(_gpu_is_meant, sides)))
    return Workload(
        frameworks=tuple(sorted(used)),
        device=device or ("gpu" if is_on_gpu else "cpu"),
        machine=now.get("facts.cpu.architecture", ""),
        only_baseline=tuple(sorted(found.baseline - found.current - used)),
        only_current=tuple(sorted(found.current - found.baseline - used)),
    )


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
    found: dict[str, bool | None] = {}
    for name in FRAMEWORKS:
        try:
            found[name] = bool(side.value(f"facts.frameworks.{_field(name)}"))
        except UnknownValueError:
            found[name] = None
    return found


def _field(framework: str) -> str:
    return framework.replace("-", "_")


def _gpu_is_meant(now: Fingerprint) -> bool:
    """Whether there is a GPU that is not hidden, even if it does not respond."""
    if now.get("facts.environ.variables[CUDA_VISIBLE_DEVICES]") in _HIDE_ALL:
        return False
    try:
        return bool(now.value("facts.gpu.devices"))
    except UnknownValueError:
        # A card or its driver is present but does not respond.
        paths = ("facts.gpu.status", "facts.gpu.library_path")
        return any(now.get(path) is not None for path in paths)
