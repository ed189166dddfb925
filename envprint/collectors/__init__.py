"""One module per section; each declares its fields and reads them from a host.

A section of several modules is a package, and its module `section` is what counts.

A module has `FACTS` and `collect(host)`, or `LIVE` and `sample(host)`, or both pairs. The
functions return one value per declared field, `Unknown(reason)` among them; what they raise costs
their own section only.
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

    kind: str
    """`facts` or `live`."""
    section: str
    doc: str
    fields: tuple[Field, ...]
    read: Read
    needs_gpu_reading: bool
    """It waits for something that was begun before, and is best read last."""


@cache
def collectors() -> tuple[Collector, ...]:
    """All collectors, facts before live values, in order of section name."""
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
                        getattr(module, "NEEDS_GPU_READING", False),
                    )
                )
    return tuple(sorted(found, key=lambda collector: (collector.kind, collector.section)))


def declared(place: str) -> Record:
    """The declared shape of `facts` or of `live`: a record of sections."""
    return Record(
        tuple(
            Field(collector.section, Record(collector.fields), collector.doc)
            for collector in collectors()
            if collector.kind == place
        )
    )
