"""The published schema of policies and the reader of policies accept the same documents."""

from __future__ import annotations

import datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envprint.core.errors import PolicyError
from envprint.judging.policy.fields import switches
from envprint.judging.policy.parse import parse_policy
from envprint.judging.policy.toml import parse_toml
from tests.builders.generators import generator
from tests.builders.policies import TODAY, WHOLE

SCHEMA = generator("schemas").generate("policy")
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.FormatChecker(["date"])
)
WHY = "\nreason = 'r'"
GOOD = [
    "",
    WHOLE.decode(),
    "fail_on = 'none'\non_unknown = 'ignore'\ndevice = 'cpu'\nframeworks = ['jax', 'torch']",
    "frameworks = []\nignore = []\nexpect = []\nimpact = {}\nrequire = {}",
    "impact = { x = 'breaks', 'tensorflow-*' = 'perf' }",
    "[[ignore]]\nrule = 'x'\npath = 'y'" + WHY,
    "[[ignore]]\nrule = 'x'\nexpires = '2028-02-29'" + WHY,
    "[[ignore]]\nrule = 'x'\nexpires = 1999-12-31" + WHY,
    "[[expect]]\npath = '*'" + WHY,
    "[require]\ngpus = 0",
    "[require]\nmin_free_gpu = ' 512 b '",
    "[require]\nmin_free_gpu = '1.5gIb'",
    "[require]\nmin_free_gpu = '0'",
    "[require]\nmin_free_gpu = '20T'",
    "[require]\nvariables = { OMP_NUM_THREADS = '', PYTHONHASHSEED = '0', LC_ALL = 'C', TZ = '' }",
    "[require]\npackages = { a = '', b = '*', c = '==1.*', d = '~=1.4', e = '>=1!2.0rc1,<3,' }",
    "[require]\npackages = { a = '!=1.5.post2', b = '===whatever', c = '==1+cpu' }",
    "[require]\npackages = { a = ' < 2 , > 1 ' }",
    f"[require]\nswitches = {list(switches())}",
    "[trust]\nfilters = ['/a', '~/b', '*', '*/c', '/d/*']",
    "trust = {}",
]
BAD = [
    "fail_onn = 'none'",
    "[trust]\nfilters = ['a']",
    "[trust]\nfilters = ['']",
    "[trust]\nfilters = '*'",
    "[trust]\nfilters = ['~ann/b']",
    "[trust]\nfilter = ['*']",
    "trust = ['*']",
    "fail_on = 'nope'",
    "fail_on = 'NONE'",
    "fail_on = 5",
    "on_unknown = 'shout'",
    "device = 'tpu'",
    "frameworks = ['caffe']",
    "frameworks = 'torch'",
    "impact = { a = 'zz' }",
    "impact = []",
    "ignore = {}",
    "ignore = [5]",
    "ignore = [{}]",
    "[[ignore]]\nrule = 'x'",
    "[[ignore]]" + WHY,
    "[[ignore]]\nrule = 'x'\nreason = ''",
    "[[ignore]]\nrule = 'x'\nreason = ' '",
    "[[ignore]]\nrule = ''" + WHY,
    "[[ignore]]\npath = ' '" + WHY,
    "[[ignore]]\nrule = 5" + WHY,
    "[[ignore]]\nrul = 'x'\nrule = 'x'" + WHY,
    "[[ignore]]\nrule = 'x'\nexpires = 'soon'" + WHY,
    "[[ignore]]\nrule = 'x'\nexpires = '2027-99-99'" + WHY,
    "[[ignore]]\nrule = 'x'\nexpires = '2027-02-30'" + WHY,
    "[[ignore]]\nrule = 'x'\nexpires = '20270131'" + WHY,
    "[[ignore]]\nrule = 'x'\nexpires = '٢٠٢٧-٠١-٣١'" + WHY,
    "[[expect]]\nrule = 'x'",
    "[[expect]]\nrule = 'x'\nexpires = 2027-01-31" + WHY,
    "require = 5",
    "[require]\ngpu = 1",
    "[require]\ngpus = -1",
    "[require]\ngpus = 100000",
    "[require]\ngpus = '2'",
    "[require]\ngpus = true",
    "[require]\nmin_free_gpu = 'much'",
    "[require]\nmin_free_gpu = ''",
    "[require]\nmin_free_gpu = '20'",
    "[require]\nmin_free_gpu = '20.5'",
    "[require]\nmin_free_gpu = '20 i'",
    "[require]\nmin_free_gpu = 20",
    "[require]\nmin_free_gpu = '٢ GiB'",
    "[require]\nmin_free_gpu = '-1 GiB'",
    "[require]\nvariables = { SECRET = 'x' }",
    "[require]\nvariables = { TF_VAR_password = 'x' }",
    "[require]\nvariables = { OMP_NUM_THREADS = 1 }",
    "[require]\nswitches = ['tf']",
    "[require]\nswitches = 'tensorflow-op-determinism'",
    "[require]\npackages = { numpy = '2.x' }",
    "[require]\npackages = { numpy = '2.4' }",
    "[require]\npackages = { numpy = '==' }",
    "[require]\npackages = { numpy = '>=2.*' }",
    "[require]\npackages = { numpy = '==2 <3' }",
    "[require]\npackages = ['numpy']",
]


def accepted_by_reader(text: str) -> bool:
    try:
        parse_policy(text.encode(), "p", TODAY)
    except PolicyError:
        return False
    return True


def accepted_by_schema(document: Any) -> bool:
    return VALIDATOR.is_valid(document)


def plain(value: Any) -> Any:
    """TOML in the types of JSON: as tools that check TOML by a schema see it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


@pytest.mark.parametrize("text", GOOD)
def test_what_is_good_is_accepted_by_both(text: str) -> None:
    assert accepted_by_reader(text)
    assert accepted_by_schema(plain(parse_toml(text, "p")))


@pytest.mark.parametrize("text", BAD)
def test_what_is_bad_is_accepted_by_neither(text: str) -> None:
    assert not accepted_by_reader(text)
    assert not accepted_by_schema(plain(parse_toml(text, "p")))


def places(node: dict[str, Any], at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every place in a policy, as the schema declares it."""
    found = [at]
    for key, inner in node.get("properties", {}).items():
        found += places(inner, (*at, key))
    return found + (places(node["items"], (*at, "0")) if "items" in node else [])


@pytest.mark.parametrize("place", places(SCHEMA)[1:], ids=".".join)
def test_nothing_may_be_null(place: tuple[str, ...]) -> None:
    document: Any = None
    for step in reversed(place):
        document = [document] if step == "0" else {step: document}
    assert not accepted_by_schema(document)


WORDS = st.sampled_from(
    ["none", "warn", "gpu", "torch", "*", "==1.*", ">=2,<3", "20 GiB", "2027-01-31", "", "x", "1"]
)
VALUES = st.one_of(WORDS, st.integers(-2, 2000), st.booleans(), st.lists(WORDS, max_size=2))
ENTRY = st.dictionaries(st.sampled_from(["rule", "path", "reason", "expires"]), WORDS)
NAMED = st.dictionaries(st.sampled_from(["TF_X", "LANG", "LANGX", "numpy"]), WORDS, max_size=2)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "fail_on": VALUES,
        "on_unknown": VALUES,
        "frameworks": VALUES,
        "device": VALUES,
        "impact": NAMED,
        "ignore": st.lists(ENTRY, max_size=2),
        "expect": st.lists(ENTRY, max_size=2),
        "require": st.fixed_dictionaries(
            {},
            optional={
                "gpus": VALUES,
                "min_free_gpu": VALUES,
                "switches": VALUES,
                "variables": NAMED,
                "packages": NAMED,
            },
        ),
    },
)


def toml(value: Any) -> str:
    """`value` written inline; the words above need no escapes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


@given(DOCUMENTS)
def test_both_judge_any_document_alike(document: dict[str, Any]) -> None:
    text = "\n".join(f"{key} = {toml(value)}" for key, value in document.items())
    assert accepted_by_reader(text) == accepted_by_schema(document)
