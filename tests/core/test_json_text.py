"""JSON by the C code alone is JSON as the standard library has it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envprint.core import json_text
from envprint.core.json_text import compact, loads, number

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
BROKEN = (
    "",
    " ",
    "{",
    '{"a": 1,}',
    '{"a" 1}',
    "[1] 2",
    '"a',
    "nul",
    "\ufeff1",
    '"\x01"',
    "[1,]",
    "01",
)


@given(VALUES)
def test_values_come_back_and_are_written_alike(value: object) -> None:
    text = json.dumps(value, indent=1)
    assert loads(f" {text}\n") == loads(text.encode()) == json.loads(text)
    assert compact(value) == json.dumps(value, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_json_is_refused_in_the_same_words(text: str) -> None:
    with pytest.raises(json.JSONDecodeError) as expected:
        json.loads(text)
    with pytest.raises(json.JSONDecodeError) as found:
        loads(text)
    assert str(found.value) == str(expected.value)


def test_a_process_that_did_not_load_json_gets_the_same_error() -> None:
    code = (
        "import sys; from envprint.core.json_text import loads; assert 'json' not in sys.modules\n"
    )
    code += "try: loads('{\"a\" 1}')\nexcept ValueError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Expecting ':' delimiter: line 1 column 6 (char 5)\n"


def test_hooks_are_used_and_their_errors_come_through() -> None:
    assert loads('{"a": 1}', object_pairs_hook=list, parse_int=str) == [("a", "1")]

    def refuse(word: str) -> None:
        raise ValueError(f"no {word}")

    with pytest.raises(ValueError, match="no NaN"):
        loads("[NaN]", parse_constant=refuse)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="not a JSON number"):
        number(value)


def test_an_interpreter_without_the_c_code_reads_and_writes_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_text, "HAS_C_CODE", False)
    assert loads('{"b": [1.5, null], "a": "ü"}') == {"a": "ü", "b": [1.5, None]}
    assert compact({"b": [1.5, None], "a": "ü"}) == '{"a":"\\u00fc","b":[1.5,null]}'
    with pytest.raises(TypeError, match="not JSON serializable"):
        compact(object())
