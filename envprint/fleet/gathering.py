"""`envprint.fleet.gather`: inside a job, one capture per host, brought to rank 0.

The ranks agree through what runs already, as they do for a check: rank 0 hears from all which hosts
there are, names one rank of each, and gets their documents. A rank that is silent is named.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping

from envprint.api import Place, capture
from envprint.core.errors import EnvprintError
from envprint.core.typed import Any
from envprint.documents.codec import dumps
from envprint.fleet.deciding import TIMEOUT_S, FleetError
from envprint.fleet.groups import AnotherRoundError, Group, group_of
from envprint.fleet.hosts import Captured, Gathered, Host, Lost, keep, this_host
from envprint.fleet.remote import Wanted, gather_dask, gather_ray
from envprint.machine.live import LiveHost
from envprint.machine.process_state import RefusedError, answered


def gather(
    directory: Place,
    *,
    through: Any = None,
    label: str | None = None,
    note: str | None = None,
    tags: Mapping[str, str] | None = None,
    identify: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> Gathered | None:
    """One capture on each host of this job, written into `directory` and named by the host.

    Every rank of `torch.distributed`, of MPI or of a launcher calls it; rank 0 writes, and gets
    what was gathered and who is lost, the others None. In a driver of Ray or Dask it is called
    once: `through` is "ray", or a client of Dask. Without ranks and without `through`, it is this
    machine alone. Raises `EnvprintError`.
    """
    place = os.fspath(directory)
    wanted = Wanted(label, note, dict(tags or {}), identify)
    if through is not None:
        return _through(through, place, wanted, timeout_s)
    group = group_of(LiveHost().environ(), place)
    if group is None:
        return _alone(place, wanted)
    try:
        if group.rank == 0:
            return _lead(group, place, wanted, timeout_s)
        _follow_all(group, wanted, timeout_s)
    except OSError as error:
        text = f"{group.through}: {error.strerror or error}"
        raise FleetError(f"the ranks cannot gather through {text}") from None
    return None


def _through(through: Any, place: str, wanted: Wanted, timeout_s: float) -> Gathered:
    if through == "ray" or through is sys.modules.get("ray"):
        return gather_ray(None, place, wanted, timeout_s)
    if hasattr(through, "scheduler_info"):
        return gather_dask(through, place, wanted, timeout_s)
    raise EnvprintError(f'expected through="ray" or a client of Dask, found {through!r:.60}')


def _alone(place: str, wanted: Wanted) -> Gathered:
    if _ray_runs():
        return gather_ray(None, place, wanted, TIMEOUT_S)
    return keep(place, [_captured(this_host(), wanted)])


def _ray_runs() -> bool:
    ray: Any = sys.modules.get("ray")
    return bool(ray and ray.is_initialized())


def _captured(host: Host, wanted: Wanted) -> Captured:
    def document() -> str:
        return dumps(capture(**wanted._asdict()))

    try:
        return Captured(host, answered(document))
    except RefusedError as error:
        return Captured(host, failed=str(error))


def _lead(group: Group, place: str, wanted: Wanted, timeout_s: float) -> Gathered:
    group.send("opening", b"{}")
    hosts = {0: this_host()}
    for rank, content in _heard(group, "host", timeout_s):
        hosts[rank] = Host(*json.loads(content))
    leaders: dict[str, int] = {}
    for rank, host in sorted(hosts.items()):
        leaders.setdefault(host.key, rank)
    group.send("leaders", json.dumps(sorted(leaders.values())).encode("ascii"))
    found = [_captured(hosts[0], wanted)]
    seen = {0}
    for rank, content in _heard(group, "document", timeout_s, hosts):
        seen.add(rank)
        if content:
            host, document, failed = json.loads(content)
            found.append(Captured(Host(*host), document, failed))
    group.close(is_complete=len(seen) == group.size)
    return keep(place, found, _lost(group, hosts, seen, timeout_s))


def _heard(
    group: Group, kind: str, timeout_s: float, ranks: Mapping[int, Host] | None = None
) -> Iterator[tuple[int, bytes]]:
    """What the other ranks send within the time for all of them."""
    until = time.monotonic() + timeout_s
    for rank in range(1, group.size):
        if ranks is None or rank in ranks:
            content = group.receive(kind, rank, until)
            if content is not None:
                yield rank, content


def _lost(
    group: Group, hosts: Mapping[int, Host], seen: set[int], timeout_s: float
) -> Iterator[Lost]:
    for rank in range(group.size):
        if rank not in seen:
            on = f" on {hosts[rank].name}" if rank in hosts else ""
            yield Lost(f"rank {rank}{on}", f"did not answer within {timeout_s:g} s")


def _follow_all(group: Group, wanted: Wanted, timeout_s: float) -> None:
    """Until it is the round that rank 0 has begun."""
    while True:
        try:
            return _follow(group, wanted, timeout_s)
        except AnotherRoundError:
            continue


def _follow(group: Group, wanted: Wanted, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    host = this_host()
    if group.receive("opening", 0, until) is not None:
        group.send("host", json.dumps(host).encode("ascii"))
        # Rank 0 waits for a rank that is silent as long as it may be.
        leaders = group.receive("leaders", 0, until + timeout_s)
        if leaders is not None:
            leads = group.rank in json.loads(leaders)
            content = json.dumps(_captured(host, wanted)).encode("ascii") if leads else b""
            group.send("document", content)
            group.close(is_complete=True)
            return
    group.close(is_complete=False)
    raise FleetError(f"rank 0 did not answer within {timeout_s:g} s (through {group.through})", [0])
