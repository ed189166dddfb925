"""Makes malformed inputs of real ones, from a seed."""

from __future__ import annotations

import random

TOKENS = (
    *(
        b"\0",
        b"\xff",
        b"\x80",
        b"\n",
        b"\r",
        b"\t",
        b" ",
        b"\\",
        b'"',
        b"'",
        b"{",
        b"}",
        b"[",
        b"]",
    ),
    *(b"::", b"##[", b",", b":", b"=", b"|", b"*", b"/", b"..", b"-1", b"0", b"1e999", b"NaN"),
    *(b"null", b"true", b"[]", b"{}", b'""', b"\\ud800", b"\\u0000", b"9" * 30, b"[" * 200),
    *(
        b"\xed\xa0\x80",
        b"\xe2\x80\xae",
        b"\xef\xbb\xbf",
        b"\x1b[31m",
        b"(",
        b")",
        b"((((",
        b"@",
        b"%",
    ),
    *(
        b"a=" * 50,
        b"://",
        b"password=",
        b"ghp_",
        b"1.2.3.4",
        b"<hidden>",
        b"$(x)",
        b"\xf0\x9f\x98\x80",
    ),
)
LARGEST = 64 * 1024


def mutated(seeds: tuple[bytes, ...], chance: random.Random) -> bytes:
    """One to eight changes of one of the seeds."""
    content = bytearray(chance.choice(seeds))
    for _ in range(1 + int(chance.random() ** 2 * 8)):
        _change(content, seeds, chance)
    return bytes(content[:LARGEST])


def _change(content: bytearray, seeds: tuple[bytes, ...], chance: random.Random) -> None:
    place = int(chance.random() * (len(content) + 1))
    end = min(len(content), place + int(chance.random() ** 3 * 64))
    kind = int(chance.random() * 8)
    if kind == 0 and content:
        content[place % len(content)] ^= 1 << int(chance.random() * 8)
    elif kind == 1:
        del content[place:end]
    elif kind == 2:
        del content[place:]
    elif kind == 3:
        content[place:end] = chance.choice(TOKENS)
    elif kind == 4:
        content[place:place] = chance.choice(TOKENS)
    elif kind == 5:
        content[place:place] = content[place:end] * int(2 + chance.random() ** 4 * 500)
    elif kind == 6:
        other = chance.choice(seeds)
        start = int(chance.random() * (len(other) + 1))
        content[place:end] = other[start : start + 64]
    else:
        content[place:place] = bytes([int(chance.random() * 256)]) * int(
            1 + chance.random() ** 4 * 500
        )
