"""The published schemas are what the declared fields say, and the checks agree with them."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envprint.core.errors import DocumentError
from envprint.core.impact import Impact
from envprint.core.workload import Workload
from envprint.documents import _shapes, validate
from envprint.documents.codec import dumps, loads, published
from envprint.judging.policy.model import Policy
from envprint.judging.policy.parse import parse_policy
from envprint.outputs.formats import json as json_output
from tests.builders import generators
from tests.builders.fingerprints import fingerprints
from tests.builders.golden_files import Golden
from tests.builders.support import fingerprint

HERE = Path(__file__).parents[2] / "schemas"
generator = generators.generator("schemas")


@pytest.mark.parametrize("kind", validate.KINDS)
def test_the_shipped_file_is_the_generated_one(kind: str, golden: Golden) -> None:
    golden(HERE / f"{kind}-1.json", generator.text(kind))
    assert published(kind) == generator.text(kind)


SHAPES = '''"""The shapes in the published schema without its descriptions. Made of it by

python -m pytest --update-golden tests/documents/test_schema.py
"""

FINGERPRINT = """\\
{text}"""
'''


def written(schema: Any) -> Any:
    """A shape of the schema as `documents/codec.py` reads it back."""
    kinds = schema.get("type", "any value")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if "properties" in schema:
        return {name: written(field) for name, field in schema["properties"].items()}
    if kind == "object":
        return [written(schema["additionalProperties"]), "map"]
    return [written(schema["items"])] if kind == "array" else kind


def test_the_shapes_are_those_of_the_published_schema(golden: Golden) -> None:
    shapes = written(json.loads(published("fingerprint")))
    text = "\n".join(textwrap.wrap(json.dumps(shapes), 96, break_long_words=False))
    golden(Path(_shapes.__file__ or ""), SHAPES.format(text=text))


def test_a_wheel_brings_every_schema_and_not_their_generator() -> None:
    project = (HERE.parent / "pyproject.toml").read_text(encoding="utf-8")
    table = project.partition("wheel.force-include]\n")[2].partition("\n\n")[0]
    files = [f"schemas/{kind}-1.json" for kind in sorted(validate.KINDS)]
    assert table.splitlines() == [f'"{file}" = "envprint/{file}"' for file in files]


@pytest.mark.parametrize("kind", validate.KINDS)
def test_each_schema_is_valid_under_its_dialect(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(generator.generate(kind))


FINGERPRINT = jsonschema.Draft202012Validator(generator.generate("fingerprint"))


@given(fingerprints())
def test_every_fingerprint_written_satisfies_the_schema(one: object) -> None:
    document = json.loads(dumps(one))  # type: ignore[arg-type]
    FINGERPRINT.validate(document)


WRONG = st.sampled_from([5, 1.5, True, "text", [], [1], {}, {"a": 1}, None])


@given(st.sampled_from([f.name for f in generator.fingerprint().fields]), WRONG)
def test_our_fast_check_and_the_schema_agree(name: str, value: object) -> None:
    document = {**json.loads(dumps(fingerprint({"facts.os.system": "Linux"}))), name: value}
    if name == "schema_version":
        return  # the loader reads this one first, and by its meaning
    by_schema = jsonschema.Draft202012Validator(generator.generate("fingerprint")).is_valid(
        document
    )
    try:
        loads(json.dumps(document).encode(), "f")
        by_us = True
    except DocumentError:
        by_us = False
    assert by_us == by_schema


def test_a_report_satisfies_its_schema() -> None:
    from tests.builders.judged import judge_drift

    path = "facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]"
    report = judge_drift(
        fingerprint(), fingerprint({path: "0"}), Workload(("tensorflow",), "cpu"), Policy()
    )
    assert report.impact == Impact.NUMERIC
    document = json.loads(json_output.render(report))
    jsonschema.Draft202012Validator(generator.generate("report")).validate(document)


def test_a_policy_satisfies_its_schema_and_a_misspelt_key_does_not() -> None:
    validator = jsonschema.Draft202012Validator(generator.generate("policy"))
    good = {"fail_on": "none", "ignore": [{"rule": "x", "reason": "y", "expires": "2027-01-31"}]}
    assert validator.is_valid(good)
    assert not validator.is_valid({"fail_onn": "none"})
    assert parse_policy(b'fail_on = "none"', "p", "2026-11-21").fail_on == Impact.NONE
