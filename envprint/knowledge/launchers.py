"""Which process of a job this is, by what its launcher set: the table `launchers.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envprint import knowledge
from envprint.core.known_variables import may_be_in_a_job
from envprint.core.typed import NamedTuple

TABLE = "launchers"
_DIGITS = 9
"""No job has more processes than this many digits can count."""


class Process(NamedTuple):
    """What a launcher says about one process of a job; None for what it leaves open."""

    launcher: str
    is_first: bool
    """Whether this is the process that captures and writes for all."""
    rank: int | None
    size: int | None
    node: str | None
    job: tuple[str, ...]
    """Different for each job and the same in all of its processes; empty if that is unknown."""


def process_of(variables: Mapping[str, str]) -> Process | None:
    """This process, by the first launcher whose variables are set; None outside of a job."""
    for entry in _entries(variables):
        rank = _number(variables, entry.get("rank"))
        if rank is not None:
            # What it has started in turn inherits its variables, and may have a place beside.
            is_first = rank == 0 and (_shares_names(entry) or _has_first_place(variables))
        elif "rank" not in entry and _number(variables, entry["local_rank"]) is not None:
            is_first = _has_first_place(variables)
        else:
            continue
        size = world_size(variables)
        return Process(
            entry["launcher"],
            is_first,
            rank,
            size[0] if size else None,
            _node(variables),
            _job(variables),
        )
    return None


def world_size(variables: Mapping[str, str]) -> tuple[int, str] | None:
    """Of how many processes the job consists, and the variable that says so."""
    for entry in _entries(variables):
        if all(mark in variables for mark in entry.get("size_beside", ())):
            for name in entry.get("sizes", ()):
                size = _number(variables, name)
                if size is not None:
                    return size, name
    return None


def _entries(variables: Mapping[str, str]) -> tuple[knowledge.Entry, ...]:
    return knowledge.entries(TABLE) if may_be_in_a_job(variables) else ()


def names(*fields: str) -> frozenset[str]:
    """Every variable in these fields of the table, such as `rank` and `sizes`."""
    found = (entry.get(field, ()) for entry in knowledge.entries(TABLE) for field in fields)
    several = ((one,) if isinstance(one, str) else one for one in found)
    return frozenset(name for one in several for name in one)


OF_ONE_PROCESS = ("rank", "local_rank", "node_rank", "node")
"""Fields with the variables that differ between the processes of a job."""
SIZES = ("sizes", "size_beside")


def _has_first_place(variables: Mapping[str, str]) -> bool:
    """Whether no variable of those who number no process in the whole job denies that."""
    return not any(_number(variables, name) for name in _places())


def _shares_names(entry: knowledge.Entry) -> bool:
    return entry.get("local_rank") in [*_places()]


def _places() -> Iterator[str]:
    for entry in knowledge.entries(TABLE):
        if "rank" not in entry:
            yield from (entry["local_rank"], entry["node_rank"])


def _node(variables: Mapping[str, str]) -> str | None:
    names = (entry["node"] for entry in knowledge.entries(TABLE) if "node" in entry)
    return next((variables[name] for name in names if variables.get(name)), None)


def _job(variables: Mapping[str, str]) -> tuple[str, ...]:
    found = (
        f"{name}={variables[name]}"
        for entry in knowledge.entries(TABLE)
        for name in entry.get("job", ())
        if variables.get(name)
    )
    return tuple(dict.fromkeys(found))


def _number(variables: Mapping[str, str], name: str | None) -> int | None:
    value = variables.get(name, "") if name else ""
    return int(value) if value.isdecimal() and len(value) <= _DIGITS else None
