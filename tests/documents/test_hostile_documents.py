"""Documents made to hang a reader, or to reach what nobody thought of: refused, or judged."""

from __future__ import annotations

import copy
import gc
import json
import time
from collections.abc import Callable, Iterator
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from envprint.cli import main
from envprint.cli._console import Console
from envprint.core.errors import DocumentError
from envprint.core.fields import MAX_LEVELS, ListOf, MapOf, Record, Scalar, Shape
from envprint.core.fingerprint import Fingerprint
from envprint.core.workload import FRAMEWORKS, detect
from envprint.documents.codec import dumps, fingerprint_shape, loads, parse_json
from envprint.documents.validate import faults
from envprint.judging.policy.model import Policy
from envprint.outputs import fingerprint as _fingerprint
from envprint.outputs.formats import json as json_output
from envprint.outputs.formats import text
from tests.builders.judged import judge_drift, judge_state
from tests.builders.support import fingerprint

HEAD = {
    "schema_version": "1.0",
    "envprint_version": "0.1.0",
    "captured_at": "2026-11-21T12:00:00Z",
    "digest": "sha256:0",
    "facts": {},
    "live": {},
    "unknown": {},
}


TRIES = 3


def seconds(action: Callable[[], object]) -> float:
    """The processor time that it takes, without what the collector makes of other tests."""
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        action()
        return time.process_time() - start
    finally:
        gc.enable()


def grows_with_size(make: Callable[[int], Callable[[], object]], size: int) -> bool:
    """Whether four times the size takes nearer to four times the time than to sixteen.

    The least time of three tries counts, so that the first large one below the limit decides.
    """
    small, large = make(size), make(4 * size)
    limit_s = 9 * max(min(seconds(small) for _ in range(TRIES)), 0.002)
    return any(seconds(large) < limit_s for _ in range(TRIES))


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "one key twice at the end": lambda n: (
        "{" + "".join(f'"k{i}":1,' for i in range(n)) + '"z":1,"z":1}'
    ).encode(),
    "every key twice": lambda n: ("{" + ",".join(f'"k{i}":1' for i in range(n)) * 2 + "}").encode(),
    "a long number": lambda n: b"9" * (20 * n),
    "a long string": lambda n: b'"' + b"\\u00e9" * (5 * n) + b'"',
    "a lone surrogate behind many keys": lambda n: (
        "{" + "".join(f'"k{i}":[1],' for i in range(n)) + '"z":"\\ud800"}'
    ).encode(),
    "a lone surrogate behind long keys": lambda n: (
        '{"' + "k" * n + '":[' + "[" * 50 + '"\\udfff"' + "]" * 51 + "}"
    ).encode(),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_reading_takes_no_longer_than_its_size_whatever_is_in_it(kind: str) -> None:
    def make(size: int) -> Callable[[], object]:
        content = HOSTILE[kind](size)

        def read() -> None:
            try:
                parse_json(content, "f")
            except DocumentError as error:
                assert len(str(error)) < 400

        return read

    assert grows_with_size(make, 8000)


def test_a_document_with_all_keys_different_but_two_names_the_one_that_stands_twice() -> None:
    with pytest.raises(DocumentError, match='the key "z" occurs twice'):
        parse_json(HOSTILE["one key twice at the end"](100_000), "f")


MANY: dict[str, Callable[[int, int], dict[str, Any]]] = {
    "switches": lambda n, side: {
        "facts.determinism.switches": {
            f"s{i}": {"value": f"{side}", "source": "x"} for i in range(n)
        }
    },
    "variables": lambda n, side: {
        "facts.environ.variables": {f"XLA_{i}": f"{side}" for i in range(n)}
    },
    "packages": lambda n, side: {
        "facts.packages.distributions": {
            f"nvidia-{i}": {"version": f"{side}.{i}"} for i in range(n)
        }
    },
    "GPUs": lambda n, side: {
        "facts.gpu.count": n,
        "facts.gpu.devices": {
            str(i): {"name": f"{side}", "uuid": f"GPU-{side}{i}", "mig_mode": "off"}
            for i in range(n)
        },
    },
    "processes": lambda n, side: {
        "facts.gpu.devices": {"0": {"name": "A"}},
        "live.gpu.devices": {
            "0": {"processes": [{"pid": i, "name": f"{side}{i}"} for i in range(n)]}
        },
    },
    "probes": lambda n, side: {
        "facts.probes.numeric": {
            f"numpy on gpu:{i}": {"digests": {"a": f"{side}"}, "revision": "1"} for i in range(n)
        },
        "facts.packages.distributions": {
            f"numpy-{i}": {"version": f"{side}"} for i in range(n // 4)
        },
    },
}


@pytest.mark.parametrize("kind", MANY)
def test_judging_and_showing_take_no_longer_than_their_size(kind: str) -> None:
    def make(size: int) -> Callable[[], object]:
        before, after = (fingerprint(MANY[kind](size, side)) for side in (0, 1))
        # As a document that is read has it.
        unknown = {f"facts.probes.numeric[numpy on gpu:{i}].varying": "no" for i in range(size)}
        before, after = (
            loads(dumps(one._replace(unknown=unknown)).encode(), "f") for one in (before, after)
        )

        def judge() -> None:
            everything(before, after, "gpu")

        return judge

    assert grows_with_size(make, 250)


NOT_KNOWN: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "sections": lambda many: {"facts": many},
    "fields of a section": lambda many: {"facts": {"os": many}},
    "fields of the moment": lambda many: {"live": {"host": many}},
    "keys": lambda many: many,
}


@pytest.mark.parametrize("value", [None, [], "x"], ids=["null", "list", "text"])
@pytest.mark.parametrize("kind", NOT_KNOWN)
def test_keys_that_are_not_known_take_no_longer_than_their_number(kind: str, value: object) -> None:
    def make(size: int) -> Callable[[], object]:
        many = {f"k{i}": value if kind != "sections" else {"a": value} for i in range(size)}
        one = loads(json.dumps({**HEAD, **NOT_KNOWN[kind](many)}).encode(), "f")
        return lambda: everything(one, one, "gpu")

    assert grows_with_size(make, 1500)


def everything(before: Fingerprint, after: Fingerprint, device: str) -> None:
    """All that is done with two fingerprints."""
    workload = detect(after, before, frameworks=FRAMEWORKS, device=device)
    workload = workload._replace(min_free_gpu_bytes=1 << 30, batch_size=7, replicas=2)
    for report in (
        judge_drift(before, after, workload, Policy()),
        judge_state(after, before, workload, Policy()),
    ):
        assert json_output.render(report)
        assert text.render(report)
    assert _fingerprint.render(after)


DEEP = {
    "facts": {"os": {"mood": None}},
    "live": {"host": {"mood": None}},
    "section": {"facts": {"mood": None}},
    "top": {"mood": None},
    "record": {"facts": {"packages": {"distributions": {"a": {"mood": None}}}}},
    "null": {"facts": {"os": None}},
}


@pytest.mark.parametrize("levels", [100, 500, 900, 5000])
@pytest.mark.parametrize("what", ["lists", "objects"])
@pytest.mark.parametrize("place", DEEP)
def test_nesting_is_refused_in_one_line_by_every_verb(
    place: str, what: str, levels: int, tmp_path: Path
) -> None:
    opening, closing = ("[", "]") if what == "lists" else ('{"a":', "}")
    nested = opening * levels + ("1" if what == "objects" else "") + closing * levels
    inside = DEEP[place]
    inside = inside if place in ("section", "record", "top", "null") else {place: inside}
    content = json.dumps({**HEAD, **inside}).replace("null", nested, 1)
    path = tmp_path / "deep.json"
    path.write_text(content)
    for arguments in (["show"], ["diff", str(path)], ["validate"]):
        out, err = StringIO(), StringIO()
        assert main([*arguments, str(path)], Console(out, err)) == 2
        assert (out.getvalue(), err.getvalue().count("\n")) == ("", 1)
        assert "a fault of envprint" not in err.getvalue()


def test_what_a_newer_version_nests_a_little_is_read() -> None:
    nested = "[" * (MAX_LEVELS - 1) + "]" * (MAX_LEVELS - 1)
    content = json.dumps({**HEAD, "facts": {"os": {"mood": None}}}).replace("null", nested)
    assert loads(content.encode(), "f").undeclared == ("facts.os.mood",)


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ({"facts": {"os": {"system": "\ud800"}}}, "facts.os.system"),
        ({"facts": {"environ": {"variables": {"TF_\udcff": "1"}}}}, "facts.environ.variables.TF_"),
        ({"label": "a\udfff"}, "label"),
        ({"facts": {"math": {"blas": [{"name": "\udc80"}]}}}, "facts.math.blas[0].name"),
        ({"unknown": {"x": "\udbff"}}, "unknown.x"),
    ],
)
def test_half_of_a_surrogate_pair_is_refused_with_its_place(
    where: dict[str, Any], place: str
) -> None:
    content = json.dumps({**HEAD, **where}).encode()
    for read in (loads, faults):
        with pytest.raises(DocumentError, match="not Unicode text") as caught:
            read(content, "f")
        assert str(caught.value).startswith(f"f: {place}")
        str(caught.value).encode("utf-8")


def test_a_whole_pair_is_read() -> None:
    content = json.dumps({**HEAD, "label": "\U0001f600"}).encode()
    assert b"\\ud83d" in content
    assert loads(content, "f").label == "\U0001f600"


def maps(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Shape]]:
    """Every map and list of records in the declared sections, and its path."""
    if isinstance(shape, Record):
        for field in shape.fields:
            yield from maps(field.shape, (*path, field.name))
    elif isinstance(shape, (MapOf, ListOf)) and isinstance(shape.item, Record):
        yield path, shape


VALUES = {
    "string": ("1.2", "on"),
    "integer": (0, 3),
    "number": (0.0, 2.5),
    "boolean": (True, False),
}


def sample(shape: Shape, side: int) -> Any:
    """A small value of `shape`."""
    if isinstance(shape, Record):
        return {field.name: sample(field.shape, side) for field in shape.fields}
    if isinstance(shape, MapOf):
        return {"a": sample(shape.item, side)}
    if isinstance(shape, ListOf):
        return [sample(shape.item, side)]
    assert isinstance(shape, Scalar)
    return VALUES[shape.word][side]


def entries(item: Shape) -> Iterator[dict[str, Any]]:
    """Records without a member, with one alone, with all of them null, and empty."""
    assert isinstance(item, Record)
    whole = sample(item, 1)
    yield {}
    yield dict.fromkeys(whole)
    for name in whole:
        yield {name: whole[name]}
        yield {key: value for key, value in whole.items() if key != name}


KEYS = {
    "switches": ("tensorflow-op-determinism", "torch-matmul-tf32", "jax-x64", "keras-backend"),
    "devices": ("0", "GPU-1"),
    "numeric": ("numpy", "tensorflow on gpu:0"),
    "training": ("torch", "tensorflow"),
    "distributions": ("numpy", "tensorflow", "nvidia-cudnn-cu12"),
}


def document_with(path: tuple[str, ...], value: Any) -> Fingerprint:
    """A document with nothing but `value` at `path`, as it is read."""
    document: dict[str, Any] = copy.deepcopy(HEAD)
    place = document
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = value
    return loads(json.dumps(document).encode(), "f")


MAPS = {".".join(path): (path, shape) for path, shape in maps(fingerprint_shape())}


def sides(name: str) -> Iterator[tuple[list[Fingerprint], list[Fingerprint]]]:
    """Documents with one record that lacks members, and those to hold them against."""
    path, shape = MAPS[name]
    assert isinstance(shape, (MapOf, ListOf))
    for key in KEYS.get(path[-1], ("a",)):

        def around(entry: Any, key: str = key) -> Any:
            return {key: entry} if isinstance(shape, MapOf) else [entry]

        whole = around(sample(shape.item, 0))
        yield (
            [document_with(path, around(entry)) for entry in entries(shape.item)],
            [document_with(path, value) for value in (whole, type(whole)(), None)],
        )


@pytest.mark.parametrize("name", MAPS)
def test_records_that_lack_members_are_judged_and_shown(name: str) -> None:
    for lacking, (whole, *_) in sides(name):
        for one in lacking:
            everything(whole, one, "gpu")


@pytest.mark.long
@pytest.mark.parametrize("name", MAPS)
def test_records_that_lack_members_are_judged_on_either_side_of_anything(name: str) -> None:
    for lacking, others in sides(name):
        for one, other, device in product(lacking, others, ("cpu", "gpu")):
            everything(other, one, device)
            everything(one, other, device)


def test_a_member_of_a_record_that_is_left_out_is_unknown_and_not_absent() -> None:
    read = document_with(("facts", "determinism", "switches"), {"jax-x64": {"source": "JAX"}})
    path = "facts.determinism.switches[jax-x64].value"
    assert read.unknown[path] == "not recorded by envprint 0.1.0"
    assert any(f.endswith(f"{path}: neither present nor listed under unknown") for f in missing())


def missing() -> list[str]:
    """The faults of a document of ours in which a member of a record is missing."""
    document = json.loads(dumps(fingerprint()))
    document["facts"] = {"determinism": {"switches": {"jax-x64": {"source": "JAX"}}}}
    return faults(json.dumps(document).encode(), "f")
