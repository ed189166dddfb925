"""One module per section, which declares its fields and reads them from a host.

A module has `FACTS` and `collect(host)`, or `LIVE` and `sample(host)`, or both pairs. The functions
return one value per declared field, or `Unknown(reason)` in its place; an exception costs only
their own section. A section of several modules is a package with these names in `section`.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from envprint.core.fields import Field, Record
from envprint.machine.host import Host

Read = Callable[[Host], Mapping[str, Any]]


class Collector(NamedTuple):
    """Reads one section of `facts` or of `live`."""

    place: str
    """`facts` or `live`."""
    section: str
    doc: str
    fields: tuple[Field, ...]
    read: Read
    waits: bool
    """It waits for a query started earlier, so it is best read last."""


@cache
def collectors() -> tuple[Collector, ...]:
    """All collectors, facts before live values, sorted by section name."""
    from envprint import collectors as package
    from envprint.core.discovery import module_names

    found = []
    for name in module_names(package):
        module = import_module(f"{package.__name__}.{name}")
        if hasattr(module, "__path__"):
            module = import_module(f"{module.__name__}.section")
        doc = (module.__doc__ or "").strip()
        for place, fields, read in (("facts", "FACTS", "collect"), ("live", "LIVE", "sample")):
            if hasattr(module, fields):
                found.append(
                    Collector(
                        place,
                        name,
                        doc,
                        getattr(module, fields),
                        getattr(module, read),
                        getattr(module, "WAITS", False),
                    )
                )
    return tuple(sorted(found, key=lambda collector: (collector.place, collector.section)))


def declared(place: str) -> Record:
    """The declared shape of `facts` or of `live`: a record of sections."""
    return Record(
        tuple(
            Field(collector.section, Record(collector.fields), collector.doc)
            for collector in collectors()
            if collector.place == place
        )
    )
