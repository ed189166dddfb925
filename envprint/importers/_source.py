"""The text of a record, whatever wrote it: a redirected command, an editor, a terminal."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import islice

from envprint.core.errors import DocumentError
from envprint.core.typed import Any, NamedTuple

MAX_BYTES = 16 << 20
"""Far above any record: `pip inspect` of a thousand packages has some megabytes."""
MAX_CHARS = 4 << 20
"""The same for what is no JSON: the lock of a thousand packages has two megabytes, and what reads
it is Python, and slow."""
# PowerShell writes UTF-16 where a command is redirected into a file.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Colours and titles, as a terminal's log has them: ESC [ 31 m, ESC ] 0 ; title BEL
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07\x1b\n]*\x07?)")
# ```text
# …
# ```
_FENCED = re.compile(r"^ {0,8}(?:```|~~~)[^\n]{0,80}\n(.*?)^ {0,8}(?:```|~~~)", re.M | re.S)
MAX_BLOCKS = 20


class Source(NamedTuple):
    """A record as text, and as JSON if it is that."""

    text: str
    """With `\\n` at the end of each line, and without escapes of terminals."""
    json: Any
    """None for everything that is no JSON."""
    name: str
    """For messages."""
    is_named: bool
    """Whether the user named the form."""

    @classmethod
    def of(cls, content: bytes, name: str, *, is_named: bool = False) -> Source:
        """Raises `DocumentError` for what is no text, empty, or too large."""
        if len(content) > MAX_BYTES:
            raise DocumentError(f"{name}: larger than {MAX_BYTES >> 20} MiB, not a record")
        text = _decoded(content, name)
        if not text.strip():
            raise DocumentError(f"{name}: empty, expected a record")
        if "\0" in text:
            raise DocumentError(f"{name}: not text: it contains NUL characters")
        data = _json(text, name)
        if data is None and len(text) > MAX_CHARS:
            raise DocumentError(f"{name}: larger than {MAX_CHARS >> 20} MiB, not a record")
        return cls(text, data, name, is_named)

    def blocks(self) -> Iterator[Source]:
        """What stands between fences in Markdown, as in an issue."""
        for found in islice(_FENCED.finditer(self.text), MAX_BLOCKS):
            if found[1].strip():
                yield Source(found[1], _json(found[1], self.name), self.name, self.is_named)

    def fault(self, what: str) -> DocumentError:
        """An error about this record."""
        return DocumentError(f"{self.name}: {what}")


def _decoded(content: bytes, name: str) -> str:
    encoding = next((word for mark, word in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name}: not {encoding} text (byte {error.start})") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _ESCAPES.sub("", text) if "\x1b" in text else text


def _json(text: str, name: str) -> Any:
    if text.lstrip()[:1] not in ("{", "["):
        return None
    from envprint.documents.codec import parse_json

    try:
        return parse_json(text.encode("utf-8", "surrogatepass"), name)
    except DocumentError:
        return None
