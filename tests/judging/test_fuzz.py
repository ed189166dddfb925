"""Whatever passes the check on load is judged and shown without an exception; the rest is refused.

Documents are made in two ways, both from a fixed seed: real ones with random places edited, and
random ones of the declared shape, in which nearly every value is odd. Run this file with a seed
and a count to look at more of them: `python -m tests.judging.test_fuzz 7 5000`.
"""

from __future__ import annotations

import copy
import json
import random
import sys
from collections.abc import Iterator
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envprint.cli import main
from envprint.cli._console import Console
from envprint.core.errors import DocumentError
from envprint.core.fields import ListOf, MapOf, Record, Scalar, Shape
from envprint.core.fingerprint import Fingerprint
from envprint.core.workload import FRAMEWORKS, detect
from envprint.documents.codec import dumps, fingerprint_shape, loads
from envprint.documents.store import Store
from envprint.judging.policy.model import Policy
from envprint.outputs import fingerprint
from envprint.outputs.formats import json as json_output
from envprint.outputs.formats import text
from envprint.rules import catalogue
from tests.builders.documents import JSON
from tests.builders.judged import judge_drift, judge_state

HERE = Path(__file__).parent.parent
REAL = sorted([*HERE.glob("golden/*/*.json"), *HERE.glob("hosts/*/fingerprint.json")])
DOCUMENTS = [
    document
    for document in (json.loads(path.read_text("utf-8")) for path in REAL)
    if "facts" in document
]

TEXTS = (
    *("", " ", "0", "-1", "1", "1..2", "1.2.3.4.5", "12.4", "2.16.0rc1", "१२", "²", "9" * 5000),
    *("on", "off", "random", "x86_64", "aarch64", "avx2 avx512f", "openblas", "mkl", "numpy"),
    *("tensorflow", "gpu", "v1", "wheel", "=,;:", "a]b[", "\x00\x1b[31m", "\xff", "x" * 300),
)
NUMBERS = (0, 1, -1, 2, 17, 2**31, 2**63, -(2**63))
FRACTIONS = (0, -1, 0.0, 1.5, -2.5, 1e308, 2**63)
KEYS = (
    *("", "0", "1", "-1", "a]b", "x.y", "numpy", "tensorflow", "torch", "jax", "scipy", "keras"),
    *("tensorflow-op-determinism", "torch-threads", "keras-dtype-policy", "pillow"),
    *sorted(
        {
            path.partition("[")[2][:-1]
            for rule in catalogue()
            for path in rule.watches
            if path.endswith("]")
        }
    ),
)


def _value(rng: random.Random, shape: Shape | None) -> Any:
    """Something of `shape`, odd where it can be; None stands for a shape that is not declared."""
    if isinstance(shape, Record):
        fields = [(f.name, f.shape) for f in shape.fields if rng.random() < 0.9]
        if rng.random() < 0.05:  # of a newer version
            fields.append((rng.choice(("origin", "version", "news", "")), None))
        return {name: None if rng.random() < 0.1 else _value(rng, inner) for name, inner in fields}
    if isinstance(shape, ListOf):
        return [_value(rng, shape.item) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    if isinstance(shape, MapOf):
        keys = rng.sample(KEYS, rng.choice((0, 1, 2, 2, 8)))
        return {key: _value(rng, shape.item) for key in keys}
    pools = {"string": TEXTS, "integer": NUMBERS, "number": FRACTIONS, "boolean": (True, False)}
    word = shape.word if isinstance(shape, Scalar) else ""
    return rng.choice(pools.get(word, (*TEXTS, *NUMBERS, None, True, [], {})))


def _invented(rng: random.Random) -> dict[str, Any]:
    """A document of the declared shape."""
    document: dict[str, Any] = _value(rng, fingerprint_shape())
    for place in ("facts", "live", "unknown"):
        document[place] = document.get(place) or {}
    for path in rng.sample(_paths(document), min(rng.choice((0, 0, 1, 5)), len(_paths(document)))):
        document["unknown"][path] = "denied"
    return {
        **document,
        "schema_version": "1.0",
        "envprint_version": "",
        "captured_at": "",
        "digest": "",
    }


def _paths(document: dict[str, Any]) -> list[str]:
    return [
        f"{place}.{section}.{name}"
        for place in ("facts", "live")
        for section, fields in document[place].items()
        for name in (fields if isinstance(fields, dict) else ())
    ]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place inside `value`, as its container and key."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield value, key
        if isinstance(item, (dict, list)):
            yield from _places(item)


def _edited(rng: random.Random) -> dict[str, Any]:
    """A real document with a few places dropped, replaced or given to another key."""
    document = copy.deepcopy(rng.choice(DOCUMENTS))
    for _ in range(rng.choice((1, 2, 5, 20))):
        places = [p for name in ("facts", "live", "unknown") for p in _places(document[name])]
        container, key = rng.choice(places)
        fate = rng.random()
        if fate < 0.2:
            del container[key]
        elif fate < 0.3 and isinstance(container, dict):
            container[rng.choice(KEYS)] = container.pop(key)
        elif fate < 0.4:
            container[key] = None
        elif fate < 0.45:
            container[key] = copy.deepcopy(rng.choice((*TEXTS, *NUMBERS, [], {}, [None], True)))
        else:
            container[key] = _like(rng, container[key])
    return document


def _like(rng: random.Random, value: Any) -> Any:
    """Another value of the type of `value`."""
    pools = {str: TEXTS, int: NUMBERS, float: FRACTIONS, bool: (True, False)}
    if type(value) in pools:
        return rng.choice(pools[type(value)])
    return type(value)() if isinstance(value, (dict, list)) else value


def _load(document: dict[str, Any]) -> Fingerprint | None:
    try:
        return loads(json.dumps(document).encode(), "f")
    except DocumentError as error:
        assert "\n" not in str(error)
        return None


def _judge(rng: random.Random, before: Fingerprint, after: Fingerprint) -> None:
    """Everything that is done with fingerprints."""
    workload = detect(
        after,
        before,
        frameworks=rng.choice(((), FRAMEWORKS, FRAMEWORKS)),
        device=rng.choice((None, "cpu", "gpu")),
    )
    workload = workload._replace(min_free_gpu_bytes=1 << 30, batch_size=7, replicas=2)
    for report in (
        judge_drift(before, after, workload, Policy()),
        judge_state(after, before, workload, Policy()),
    ):
        assert json.loads(json_output.render(report))["verdict"]
        assert text.render(report)
    assert fingerprint.render(after)
    assert dumps(after)


def _try(seed: int, count: int) -> int:
    """How many of `count` pairs were accepted; what is accepted is judged."""
    rng = random.Random(seed)
    accepted = 0
    for number in range(count):
        make = (_invented, _edited)[number % 2]
        first = make(rng)
        before, after = _load(first), _load(make(rng))
        if before and after:
            accepted += 1
            _judge(rng, before, after)
    return accepted


def test_forty_pairs_of_documents_are_refused_or_judged() -> None:
    assert _try(0, 40) > 13


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_six_hundred_pairs_of_documents_are_refused_or_judged(seed: int) -> None:
    assert _try(seed, 150) > 50


ALWAYS = {
    "schema_version": st.just("1.0"),
    **dict.fromkeys(("envprint_version", "captured_at", "digest"), st.text(min_size=1)),
    **dict.fromkeys(("facts", "live", "unknown"), st.just({}) | JSON),
}
AT_TIMES = dict.fromkeys(("label", "note", "tags", "identity", "section_digests", "verdict"), JSON)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(JSON | st.fixed_dictionaries(ALWAYS, optional=AT_TIMES))
def test_any_json_ends_every_verb_with_an_exit_code_and_one_line(
    tmp_path_factory: pytest.TempPathFactory, document: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(document), "utf-8")
    for arguments in (["show"], ["diff", path], ["diff", "--format=json", path], ["validate"]):
        out, err = StringIO(), StringIO()
        code = main([*map(str, arguments), str(path)], Console(out, err))
        assert code in (0, 1, 2)
        assert "a fault of envprint" not in err.getvalue()
        if code == 2 and arguments != ["validate"]:
            assert (out.getvalue(), err.getvalue().count("\n")) == ("", 1)


def test_every_verb_that_reads_ends_without_a_fault_whatever_a_document_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rng, store, paths = random.Random(5), Store(str(tmp_path / ".envprint")), []
    while len(paths) < 24:
        found = _load(_edited(rng))
        if found:
            moment = f"2026-11-21T12:00:{len(paths):02}Z"
            store.save(found._replace(captured_at=moment))
            path = tmp_path / f"{len(paths)}.json"
            path.write_text(dumps(found._replace(captured_at=moment)))
            paths.append(path.name)
    verbs = [["log"], ["log", "--format=json"], ["bisect", paths[0], paths[-1]]]
    verbs += [["show", path] for path in paths] + [["check", path] for path in paths[:3]]
    devices = ("cpu", "gpu")
    verbs += [
        ["diff", before, after, f"--device={device}", f"--format={form}"]
        for before, after in pairwise(paths)
        for device in devices
        for form in ("text", "json")
    ]
    verbs += [["bisect", paths[0], paths[-1], f"--device={device}"] for device in devices]
    for arguments in verbs:
        out, err = StringIO(), StringIO()
        assert main(arguments, Console(out, err)) in (0, 1, 2), arguments
        assert "a fault of envprint" not in err.getvalue(), (arguments, err.getvalue())


if __name__ == "__main__":
    print(_try(int(sys.argv[1]), int(sys.argv[2])))
