"""Who holds a GPU's memory: an account that adds up, and never a name that may be wrong.

A pid means something only in the pid namespace it was given for, and the driver gives those of the
initial one; a name looked up elsewhere can belong to another process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envprint.collectors import _nvml as nvml
from envprint.collectors._attempt import attempt, reason_of
from envprint.host import Host
from envprint.model import Unknown

INITIAL_NAMESPACE = "pid:[4026531836]"
"""https://github.com/torvalds/linux/blob/master/include/linux/proc_ns.h (PROC_PID_INIT_INO)"""

PID_LIMIT = 1 << 22
"""https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html (pid_max)"""

SLACK_BYTES = 256 << 20
"""How far the processes may exceed the total, since one is read after the other."""

_GENERATIONS = 64
"""How many parents are looked at, so that an odd machine cannot hold the search for ever."""


def pids_are_ours(host: Host) -> bool | Unknown:
    """Whether this is the initial pid namespace, whose pids the driver reports."""
    namespace = attempt(lambda: host.real_path("/proc/self/ns/pid"))
    return namespace if isinstance(namespace, Unknown) else namespace.endswith(INITIAL_NAMESPACE)


def account(host: Host, device: Mapping[str, Any], ours: bool) -> dict[str, Any]:
    """`processes`, `unattributed_bytes` and `unattributed_reason` of one GPU."""
    memory = nvml.memory(device)
    holders = merge(device)
    fault = None if isinstance(holders, Unknown) else implausible(holders, memory)
    if fault:
        holders = Unknown(fault)
    rest = unattributed(holders, memory)
    reason = None
    if isinstance(rest, Unknown):
        reason = rest.reason
    elif rest:
        reason = _possible_holders(memory["api"], ours)
    return {
        "processes": holders
        if isinstance(holders, Unknown)
        else [{**_identity(host, holder["pid"], ours), **holder} for holder in holders],
        "unattributed_bytes": rest,
        "unattributed_reason": reason,
    }


def merge(device: Mapping[str, Any]) -> list[dict[str, Any]] | Unknown:
    """One entry per pid, in order: a process that computes and draws is in both lists."""
    found: dict[int, dict[str, Any]] = {}
    for kind in ("compute", "graphics"):
        processes = nvml.value(device, f"{kind}_processes")
        if isinstance(processes, Unknown):
            return processes
        for process in processes:
            entry = found.setdefault(process["pid"], {"pid": process["pid"], "kind": kind})
            entry["kind"] = kind if entry["kind"] == kind else "both"
            if process["used"] is not None:
                entry["memory_bytes"] = max(process["used"], entry.get("memory_bytes", 0))
    return [found[pid] for pid in sorted(found)]


def implausible(holders: list[dict[str, Any]], memory: Any) -> str | None:
    """Why the list cannot be true, or None.

    R535 drivers and pynvml disagreed on the layout of an entry, and what came out were pids such
    as 0 and 4294967295: https://github.com/XuehaiPan/nvitop/issues/75
    """
    text = "the process list cannot be read with this driver: "
    if any(not 0 < holder["pid"] <= PID_LIMIT for holder in holders):
        return text + "it holds impossible pids"
    if not isinstance(memory, Unknown):
        held = sum(holder.get("memory_bytes", 0) for holder in holders)
        if held > memory["used"] + SLACK_BYTES:
            return text + "the processes hold more memory than is in use"
    return None


def unattributed(holders: list[dict[str, Any]] | Unknown, memory: Any) -> int | Unknown:
    """Bytes in use that no listed process holds."""
    if isinstance(memory, Unknown):
        return memory
    if isinstance(holders, Unknown):
        return holders
    if any("memory_bytes" not in holder for holder in holders):
        return Unknown("the driver does not report memory per process, as under Windows")
    held: int = sum(holder["memory_bytes"] for holder in holders)
    return max(0, int(memory["used"]) - held)


def _possible_holders(interface: str, ours: bool) -> str:
    if not ours:
        return "held by processes outside this pid namespace, or by the driver"
    if interface == "v1":
        return "the driver's own reserve is part of it; also managed memory or an ended process"
    return "held by the driver, as managed memory, or by a process that has ended"


def _identity(host: Host, pid: int, ours: bool) -> dict[str, Any]:
    if not ours:
        return {"name_unknown": "the pid is not of this pid namespace"}
    try:
        process = host.process(pid)
    except OSError as error:
        return {"name_unknown": reason_of(error)}
    return {
        "name": process["name"],
        "name_unknown": None,
        "own": is_own(host, pid),
        "same_user": process["user"] == host.identity()["user"],
    }


def is_own(host: Host, pid: int) -> bool:
    """Whether `pid` is the interpreter under observation or a descendant of it."""
    own: int = host.interpreter()["pid"]
    for _ in range(_GENERATIONS):
        if pid <= 1 or pid == own:
            return pid == own
        pid = _parent(host, pid)
    return False


def _parent(host: Host, pid: int) -> int:
    """0, which is nobody's parent, where it cannot be read: that process is not ours."""
    parent = attempt(lambda: parse_parent(host.text(f"/proc/{pid}/stat")))
    return 0 if isinstance(parent, Unknown) else parent


# 2950 (Web Content (x)) S 2801 2801 …
# https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
def parse_parent(text: str) -> int:
    """The parent's pid; the name in brackets may itself hold brackets and blanks."""
    return int(text.rpartition(")")[2].split()[1])
