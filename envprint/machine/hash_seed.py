"""The hash seed that an interpreter really runs with.

PYTHONHASHSEED is only a request: `-R`, `-E`, `-I` or a change after the start make it void, and
`sys.flags` distinguishes only seed 0. So the hash of a known text is computed for the seed in the
variable and compared with the interpreter's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envprint.core.typed import Any
from envprint.machine.interpreter import HASH_PROBE

_MASK = 0xFFFFFFFFFFFFFFFF
_ROUNDS = {"siphash13": (1, 3), "siphash24": (2, 4)}
RANDOM = "random"


def hash_seed(interpreter: Mapping[str, Any], variables: Iterable[Mapping[str, str]]) -> str:
    """The seed in force as text, or "random"; `variables` are the environments it may come from."""
    flags = interpreter.get("flags", {})
    seeds = [seed for seed in (seed_of(v.get("PYTHONHASHSEED")) for v in variables) if seed]
    rounds = _ROUNDS.get(interpreter.get("hash_algorithm", ""))
    if rounds and "hash_probe" in interpreter:
        for seed in ("0", *seeds):
            if text_hash(HASH_PROBE, int(seed), *rounds) == interpreter["hash_probe"]:
                return seed
        return RANDOM
    if flags.get("hash_randomization") == 0:
        return "0"
    return seeds[0] if seeds and not flags.get("ignore_environment") else RANDOM


def seed_of(value: str | None) -> str | None:
    """The seed that `PYTHONHASHSEED=value` sets; None for random and for other text.

    https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED
    """
    text = (value or "").strip().removeprefix("+")  # what strtoul accepts
    return str(int(text)) if text.isascii() and text.isdigit() and int(text) < 2**32 else None


def text_hash(text: str, seed: int, compression: int, finalization: int) -> int:
    """The value of `hash(text)` on 64 bits with that seed, for ASCII text (PEP 456)."""
    first, second = _keys(seed)
    state = _sip_hash(text.encode("ascii"), first, second, compression, finalization)
    signed = state - 2**64 if state >> 63 else state
    return -2 if signed == -1 else signed


def _keys(seed: int) -> tuple[int, int]:
    """The two halves of the key that the interpreter derives from a seed; 0 for seed 0."""
    if seed == 0:
        return 0, 0
    # The generator is lcg_urandom in https://github.com/python/cpython/blob/main/Python/bootstrap_hash.c
    key = bytearray()
    for _ in range(16):
        seed = (seed * 214013 + 2531011) & 0xFFFFFFFF
        key.append(seed >> 16 & 0xFF)
    return int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")


def _sip_hash(data: bytes, first: int, second: int, compression: int, finalization: int) -> int:
    """SipHash, https://www.aumasson.jp/siphash/siphash.pdf section 2."""
    state = (
        first ^ 0x736F6D6570736575,
        second ^ 0x646F72616E646F6D,
        first ^ 0x6C7967656E657261,
        second ^ 0x7465646279746573,
    )
    whole = len(data) - len(data) % 8
    words = [int.from_bytes(data[i : i + 8], "little") for i in range(0, whole, 8)]
    words.append(int.from_bytes(data[whole:], "little") | (len(data) & 0xFF) << 56)
    for word in words:
        a, b, c, d = _mixed((state[0], state[1], state[2], state[3] ^ word), compression)
        state = (a ^ word, b, c, d)
    a, b, c, d = _mixed((state[0], state[1], state[2] ^ 0xFF, state[3]), finalization)
    return a ^ b ^ c ^ d


def _mixed(state: tuple[int, int, int, int], rounds: int) -> tuple[int, int, int, int]:
    a, b, c, d = state
    for _ in range(rounds):
        a, c = (a + b) & _MASK, (c + d) & _MASK
        b, d = _left(b, 13) ^ a, _left(d, 16) ^ c
        a = _left(a, 32)
        a, c = (a + d) & _MASK, (c + b) & _MASK
        d, b = _left(d, 21) ^ a, _left(b, 17) ^ c
        c = _left(c, 32)
    return a, b, c, d


def _left(word: int, bits: int) -> int:
    return (word << bits | word >> (64 - bits)) & _MASK
