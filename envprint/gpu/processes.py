"""Which processes hold a GPU's memory: an account that adds up, and no name that may be wrong.

A pid is valid only in its pid namespace, and the driver reports pids of the initial one; a name
looked up in a different namespace may belong to a different process.
"""

from collections.abc import Iterable, Mapping

from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any, NamedTuple
from envprint.gpu import reading as nvml
from envprint.gpu.card import ADDRESSING_MODES, DRIVER_MODELS
from envprint.gpu.kernel_driver import is_wsl
from envprint.machine.attempt import attempt, reason_of
from envprint.machine.host import Host

INITIAL_NAMESPACE = "pid:[4026531836]"
"""https://github.com/torvalds/linux/blob/master/include/linux/proc_ns.h (PROC_PID_INIT_INO)"""

PID_LIMIT = 1 << 22
"""https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html (pid_max)"""

SLACK_BYTES = 256 << 20
"""How far the processes may exceed the total, as the two are read one after the other."""

CLOCK_SLACK_S = 1.0
"""How much later than it was the start of a process may appear: the kernel stores it in ticks since
boot, and the boot time in whole seconds."""

NO_SUCH_PROCESS = "the process no longer exists"
_GENERATIONS = 64
"""Limit on the ancestors visited, so that the search ends even on corrupt data."""


def pids_are_ours(host: Host) -> bool | Unknown:
    """Whether this is the initial pid namespace, whose pids the driver reports.

    Under WSL the driver is Windows' own, and its pids are not Linux pids.
    """
    namespace = attempt(lambda: host.real_path("/proc/self/ns/pid"))
    if is_wsl(host):
        return False
    return namespace if isinstance(namespace, Unknown) else namespace.endswith(INITIAL_NAMESPACE)


class Moment(NamedTuple):
    """A reading of the driver, and what is known about the processes it lists."""

    host: Host
    ours: bool
    """Whether the driver's pids are those of this pid namespace."""
    sampled_at_s: float | None
    gone: frozenset[int] = frozenset()
    """Pids whose process had ended before the reading: their listed memory was left behind."""


def account(moment: Moment, device: Mapping[str, Any]) -> dict[str, Any]:
    """`processes`, `lists_missing`, `unattributed_bytes` and its reason, of one GPU."""
    memory = nvml.memory(device)
    found, missing = read_lists(device)
    holders = _holders(found, missing, memory)
    is_windows = is_wsl(moment.host) or nvml.named(device, "driver_model", DRIVER_MODELS) == "WDDM"
    rest = unattributed(holders, missing, memory, is_windows)
    if is_windows and rest:
        reason: str | None = "driver-model"
    elif missing or isinstance(holders, Unknown) or isinstance(memory, Unknown):
        reason = "not-known"
    elif isinstance(rest, Unknown):
        reason = "not-reported"
    else:
        reason = _possible_holder(device, moment.ours) if rest else None
    return {
        "processes": _with_names(moment, holders),
        "lists_missing": missing,
        "unattributed_bytes": rest,
        "unattributed_reason": reason,
        "process_interface": nvml.value(device, "process_interface"),
    }


def _holders(
    found: list[dict[str, Any]], missing: Mapping[str, str], memory: Any
) -> list[dict[str, Any]] | Unknown:
    """The listed processes, or `Unknown` if the list is incomplete or implausible."""
    fault = implausible(found, memory)
    if fault:
        return Unknown(fault)
    # An empty list says nothing about the lists that could not be read.
    return found if found or not missing else Unknown(next(iter(missing.values())))


def _with_names(
    moment: Moment, holders: list[dict[str, Any]] | Unknown
) -> list[dict[str, Any]] | Unknown:
    if isinstance(holders, Unknown):
        return holders
    return [{**_identify(moment, holder["pid"]), **holder} for holder in holders]


_LISTS = {
    "compute_processes": "compute",
    "graphics_processes": "graphics",
    "mps_processes": "compute",
}
_OPTIONAL = "mps_processes"
"""Not every driver supports the Multi-Process Service; the other lists are required."""


def read_lists(device: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """One entry per pid, sorted, and each list that could not be read, with the reason.

    A process that both computes and draws is in two lists.
    """
    found: dict[int, dict[str, Any]] = {}
    missing: dict[str, str] = {}
    for key, kind in _LISTS.items():
        processes = (nvml.value_or_absent if key == _OPTIONAL else nvml.value)(device, key)
        if isinstance(processes, Unknown):
            missing[key.removesuffix("_processes")] = processes.reason
            continue
        for process in processes or ():
            entry = found.setdefault(process["pid"], {"pid": process["pid"], "kind": kind})
            entry["kind"] = kind if entry["kind"] == kind else "both"
            if process["used"] is not None:
                entry["memory_bytes"] = max(process["used"], entry.get("memory_bytes", 0))
    return [found[pid] for pid in sorted(found)], missing


def merge(device: Mapping[str, Any]) -> list[dict[str, Any]] | Unknown:
    """The processes of all lists; `Unknown` if one of them could not be read."""
    found, missing = read_lists(device)
    return Unknown(next(iter(missing.values()))) if missing else found


def implausible(holders: list[dict[str, Any]], memory: Any) -> str | None:
    """Why the list cannot be correct; None if it may be.

    R535 drivers and pynvml disagreed on the layout of an entry, which gave pids such as 0 and
    4294967295: https://github.com/XuehaiPan/nvitop/issues/75
    """
    text = "the process list cannot be read with this driver: "
    if any(not 0 < holder["pid"] <= PID_LIMIT for holder in holders):
        return text + "it contains impossible pids"
    if not isinstance(memory, Unknown):
        held = sum(holder.get("memory_bytes", 0) for holder in holders)
        if held > memory["used"] + SLACK_BYTES:
            return text + "the processes hold more memory than is in use"
    return None


def unattributed(
    holders: list[dict[str, Any]] | Unknown,
    missing: Mapping[str, str],
    memory: Any,
    is_windows: bool,
) -> int | Unknown:
    """Bytes in use that no listed process holds."""
    if isinstance(memory, Unknown):
        return memory
    if isinstance(holders, Unknown):
        return holders
    if missing:
        name, reason = next(iter(missing.items()))
        return Unknown(f"the list of {name} processes is unknown: {reason}")
    if is_windows and not holders:
        return Unknown("Windows' driver model does not report memory per process")
    if any("memory_bytes" not in holder for holder in holders):
        return Unknown("the driver does not report memory per process")
    held: int = sum(holder["memory_bytes"] for holder in holders)
    return max(0, int(memory["used"]) - held)


def _possible_holder(device: Mapping[str, Any], ours: bool) -> str:
    """What may hold the memory that no listed process accounts for."""
    if not ours:
        return "pid-namespace"
    if nvml.memory(device)["api"] == "v1":
        return "driver-reserve"
    # Known issue: on NUMA GPUs, freed pages count as used until the system reclaims them.
    # https://docs.nvidia.com/deploy/nvml-api/known-issues.html
    is_numa = nvml.named(device, "addressing_mode", ADDRESSING_MODES) == "ATS"
    return "numa-pages" if is_numa else "managed-or-ended"


def _identify(moment: Moment, pid: int) -> dict[str, Any]:
    found = identify(moment.host, pid, moment.ours, moment.sampled_at_s)
    is_left = found.get("exists") is False and pid in moment.gone
    return found | {"still_listed": True} if is_left else found


def ended(processes: Iterable[Mapping[str, Any]]) -> frozenset[int]:
    """The pids of processes that ended before they could be inspected, zombies included."""
    return frozenset(
        process["pid"]
        for process in processes
        if process.get("exists") is False and process["name_unknown"] in (None, NO_SUCH_PROCESS)
    )


def identify(host: Host, pid: int, ours: bool, sampled_at_s: float | None) -> dict[str, Any]:
    """What is known about a process besides its memory: `name`, `own` etc., or why it is not."""
    if not ours:
        return {"name_unknown": "the pid is not in this pid namespace"}
    try:
        process = host.process(pid)
    except (ProcessLookupError, FileNotFoundError):
        return {"name_unknown": NO_SUCH_PROCESS, "exists": False}
    except PermissionError:
        return {"name_unknown": "the process is not visible to this user", "exists": True}
    except OSError as error:
        return {"name_unknown": reason_of(error)}
    if sampled_at_s is not None and process["started_at_s"] > sampled_at_s + CLOCK_SLACK_S:
        return {"name_unknown": "the pid now belongs to a different process", "exists": False}
    program = {"program": process["program"]} if process.get("program") else {}
    return {
        "name": process["name"],
        **program,
        "name_unknown": None,
        "exists": process.get("state") != "zombie",
        "own": is_own(host, pid),
        "same_user": process["user"] == host.identity()["user"],
    }


def is_own(host: Host, pid: int) -> bool:
    """Whether `pid` is the observed interpreter or one of its descendants."""
    own: int = host.interpreter()["pid"]
    for _ in range(_GENERATIONS):
        if pid <= 1 or pid == own:
            return pid == own
        pid = _parent(host, pid)
    return False


def _parent(host: Host, pid: int) -> int:
    """The parent's pid; 0 if unreadable, so the process is treated as not ours."""
    parent = attempt(lambda: parse_parent(host.read_text(f"/proc/{pid}/stat")))
    return 0 if isinstance(parent, Unknown) else parent


def parse_parent(stat: str) -> int:
    """The parent's pid in the text of /proc/PID/stat."""
    from envprint.machine.procfs import after_name

    return int(after_name(stat)[1])
