"""Documents, damaged and whole, as strategies and as examples."""

from __future__ import annotations

from hypothesis import strategies as st

from envprint.documents import codec
from tests.builders.support import fingerprint

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=25,
)


GOOD = codec.dumps(fingerprint({"facts.os.system": "Linux"}))

BAD = {
    "empty": (b"", "f: empty"),
    "blank": (b" \n", "f: empty"),
    "truncated": (GOOD[: len(GOOD) // 2].encode(), "f: not valid JSON"),
    "not UTF-8": (b'{"schema_version": "\xff"}', "f: not UTF-8 text (byte 20)"),
    "binary": (bytes(range(256)) * 10, "f: not UTF-8 text"),
    "null": (b"null", "f: expected a JSON object, found NoneType"),
    "list": (b"[1, 2]", "f: expected a JSON object, found list"),
    "foreign": (b'{"a": 1}', "f: not a fingerprint: no 'schema_version'"),
    "NaN": (b'{"x": NaN}', "f: not valid JSON: NaN is not a JSON number"),
    "Infinity": (b'{"x": -Infinity}', "f: not valid JSON: -Infinity"),
    "duplicate keys": (b'{"a": 1, "a": 2}', 'f: not valid JSON: the key "a" occurs twice'),
    "deep list": (b"[" * 200_000 + b"]" * 200_000, "f: nested too deeply"),
    "deep object": (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, "f: nested too deeply"),
    "newer major": (
        GOOD.replace('"1.1"', '"99.0"').encode(),
        "f: schema_version '99.0' cannot be read",
    ),
    "older major": (
        GOOD.replace('"1.1"', '"0.9"').encode(),
        "f: schema_version '0.9' cannot be read",
    ),
    "no version text": (
        GOOD.replace('"1.1"', "1").encode(),
        "f: not a fingerprint: no 'schema_version'",
    ),
    "padding": (GOOD.encode() + b" " * codec.MAX_BYTES, "f: larger than 64 MiB"),
    "huge number": (b'{"x": ' + b"9" * 5000 + b"}", "f: not valid JSON"),
    "more than 64 bits": (b'{"x": 36893488147419103232}', "f: not valid JSON: a whole number of"),
    "infinite": (b'{"x": -1e400}', "f: not valid JSON: the number -1e400 is too large"),
}
