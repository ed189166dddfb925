"""One module per section, which declares its fields and reads them from a host.

A module has `FACTS` and `collect(host)`, or `LIVE` and `sample(host)`, or both pairs. The functions
return one value per declared field, or `Unknown(reason)` in its place; an exception costs only
their own section. A section of several modules is a package with these names in `section`.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache

from envprint.core.discovery import load_module
from envprint.core.fields import Field, Record
from envprint.core.typed import TYPE_CHECKING, Any, NamedTuple
from envprint.machine.host import Host

Read = Callable[[Host], Mapping[str, Any]]

if TYPE_CHECKING:
    from typing import Protocol

    class FactsSection(Protocol):
        """A module that reads a section of `facts`: what stays the same while the machine runs."""

        @property
        def FACTS(self) -> tuple[Field, ...]:  # noqa: N802  a constant of a module
            """The fields of the section."""

        def collect(self, host: Host) -> Mapping[str, Any]:
            """One value for each field, `Unknown(reason)` among them."""

    class LiveSection(Protocol):
        """A module that reads a section of `live`: what is so at this moment."""

        @property
        def LIVE(self) -> tuple[Field, ...]:  # noqa: N802  a constant of a module
            """The fields of the section."""

        def sample(self, host: Host) -> Mapping[str, Any]:
            """One value for each field, `Unknown(reason)` among them."""

    class WaitingSection(Protocol):
        """A module that says whether it waits for something that was begun before."""

        NEEDS_GPU_READING: bool


class Collector(NamedTuple):
    """Reads one section of `facts` or of `live`."""

    kind: str
    """`facts` or `live`."""
    section: str
    doc: str
    fields: tuple[Field, ...]
    read: Read
    needs_gpu_reading: bool
    """It waits for a query started earlier, so it is best read last."""


@cache
def collectors() -> tuple[Collector, ...]:
    """All collectors, facts before live values, sorted by section name."""
    from envprint import collectors as package
    from envprint.core.discovery import module_names

    found = [one for name in module_names(package) for one in _collectors_of(name)]
    return tuple(sorted(found, key=lambda collector: (collector.kind, collector.section)))


def _collectors_of(section: str) -> Iterator[Collector]:
    """What the module of a section offers: its facts, its live values, or both."""
    module = load_module(f"{__name__}.{section}")
    if hasattr(module, "__path__"):
        module = load_module(f"{module.__name__}.section")
    doc, waits = (module.__doc__ or "").strip(), False
    if hasattr(module, "NEEDS_GPU_READING"):
        waiting: WaitingSection = module
        waits = waiting.NEEDS_GPU_READING
    if hasattr(module, "FACTS"):
        facts: FactsSection = module
        yield Collector("facts", section, doc, facts.FACTS, facts.collect, waits)
    if hasattr(module, "LIVE"):
        live: LiveSection = module
        yield Collector("live", section, doc, live.LIVE, live.sample, waits)


def declared(place: str) -> Record:
    """The declared shape of `facts` or of `live`: a record of sections."""
    return Record(
        tuple(
            Field(collector.section, Record(collector.fields), collector.doc)
            for collector in collectors()
            if collector.kind == place
        )
    )
