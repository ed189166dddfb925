"""Text that comes from documents and messages, made fit for a terminal."""

from __future__ import annotations

# C0 and C1 controls, line and paragraph separators, and the marks that reorder text on a screen.
_HOSTILE = {
    code: f"\\u{code:04x}" if code > 255 else f"\\x{code:02x}"
    for code in (
        *range(32),
        *range(127, 160),
        0x200E,
        0x200F,
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
    )
}


def plain(text: str) -> str:
    """`text` with every character that could act on a terminal written as an escape."""
    return text.translate(_HOSTILE)


def one_line(text: str) -> str:
    """The same in one line: what a document says may have lines of its own."""
    return plain(" ".join(text.split()))
