"""XML without document types, entities or name spaces: elements, attributes and text.

Time and memory depend on the size alone.
"""

from __future__ import annotations

from xml.parsers import expat

from envprint.importers._source import Source

MAX_LEVELS = 32
MAX_ELEMENTS = 200_000
"""Elements and attributes; `nvidia-smi -q -x` writes some hundreds for a GPU."""


class Element:
    """One element; paths such as `pci/pci_bus_id` are relative to it."""

    __slots__ = ("_attributes", "_children", "_name", "_text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self._name = name
        self._attributes = attributes
        self._children: list[Element] = []
        self._text: list[str] = []

    def add(self, child: Element) -> None:
        """Put an element inside this one."""
        self._children.append(child)

    def say(self, text: str) -> None:
        """Add to its text."""
        self._text.append(text)

    def attribute(self, name: str) -> str | None:
        """The value of an attribute."""
        return self._attributes.get(name)

    def all(self, path: str) -> list[Element]:
        """The elements at `path`."""
        found = [self]
        for name in path.split("/"):
            found = [child for one in found for child in one._children if child._name == name]
        return found

    def has(self, path: str) -> bool:
        """Whether there is an element at `path`."""
        return bool(self.all(path))

    def text(self, path: str) -> str | None:
        """The text of the first element at `path`; None without one, or without text."""
        found = self.all(path)
        return "".join(found[0]._text).strip() or None if found else None


def parse_xml(text: str, source: Source) -> Element:
    """The root element. Raises `DocumentError`."""
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.EntityDeclHandler = builder.refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        what = f"{expat.ErrorString(error.code)} at line {error.lineno}"
        raise source.fault(f"not valid XML: {what}") from None
    except _Refused as error:
        raise source.fault(str(error)) from None
    assert builder.root is not None
    return builder.root


class _Refused(Exception):
    """What no record needs."""


class _Builder:
    """Collects the elements as the parser reports them."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1 + len(attributes)
        if self._count > MAX_ELEMENTS:
            raise _Refused(f"more than {MAX_ELEMENTS:,} elements of XML")
        if len(self._open) >= MAX_LEVELS:
            raise _Refused(f"XML nested deeper than {MAX_LEVELS} levels")
        element = Element(name, attributes)
        if self._open:
            self._open[-1].add(element)
        self.root = self.root or element
        self._open.append(element)

    def end(self, name: str) -> None:
        self._open.pop()

    def text(self, data: str) -> None:
        if self._open:
            self._open[-1].say(data)

    def refuse(self, *declared: object) -> None:
        raise _Refused("its XML declares a type or entities of its own, which is refused")
