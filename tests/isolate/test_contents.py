"""What result files hold, whatever their containers add."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from envprint.core.errors import EnvprintError
from envprint.isolate.contents import Array, contents, needs_library
from envprint.isolate.distance import distance


def no_library(path: str) -> list[dict[str, Any]]:
    raise AssertionError(f"{path} needs no library")


def lines(path: Path) -> list[tuple[str, str, tuple[int, ...], str]]:
    return [one.line() for one in contents(str(path), no_library)]


def npy(numbers: list[float], form: str = "<f4") -> bytes:
    letter = {"<f4": "f", "<f8": "d", "<i4": "i"}[form]
    header = (
        f"{{'descr': {form!r}, 'fortran_order': False, 'shape': ({len(numbers)},), }}\n".encode()
    )
    data = struct.pack(f"<{len(numbers)}{letter}", *numbers)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def archive(members: dict[str, bytes], year: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name, data in members.items():
            made.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), data)
    return target.getvalue()


def safetensors(tensors: dict[str, list[float]], metadata: dict[str, str]) -> bytes:
    header: dict[str, Any] = {"__metadata__": metadata}
    data = b""
    for name, numbers in tensors.items():
        packed = struct.pack(f"<{len(numbers)}f", *numbers)
        ends = [len(data), len(data) + len(packed)]
        header[name] = {"dtype": "F32", "shape": [len(numbers)], "data_offsets": ends}
        data += packed
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def keras(year: int, address: int) -> bytes:
    config = {"config": {"layers": [{"shared_object_id": address, "units": 3}]}}
    members = {
        "metadata.json": json.dumps({"date_saved": f"{year}", "keras_version": "3"}).encode(),
        "config.json": json.dumps(config).encode(),
        "model.weights.h5": b"weights",
    }
    return archive(members, year)


def torch(root: str, weights: bytes = b"1234") -> bytes:
    members = {"data.pkl": b"a pickle", "data/0": weights, ".data/serialization_id": root.encode()}
    return archive({f"{root}/{name}": data for name, data in members.items()}, 1980)


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("a.npz", archive({"x.npy": npy([1])}, 1990), archive({"x.npy": npy([1])}, 1991)),
        ("a.keras", keras(2001, 1), keras(2002, 2)),
        ("a.pt", torch("model"), torch("other")),
        ("a.csv.gz", gzip.compress(b"a\n1\n", mtime=1), gzip.compress(b"a\n1\n", mtime=2)),
        ("a.csv", b"a,b\n1,2\n", b"a,b\r\n1,2\r\n"),
        ("a.json", b'{"a": 1, "b": 2}', b'{"b":2,"a":1}'),
        (
            "a.xlsx",
            archive({"s": b"1", "docProps/core.xml": b"x"}, 1990),
            archive({"s": b"1"}, 1991),
        ),
        (
            "a.safetensors",
            safetensors({"w": [1.0]}, {"a": "1", "b": "2"}),
            safetensors({"w": [1.0]}, {"b": "2", "a": "1"}),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_two_files_with_the_same_content_are_equal(
    tmp_path: Path, name: str, first: bytes, second: bytes
) -> None:
    assert first != second
    found = []
    for place, data in (("before", first), ("after", second)):
        path = tmp_path / place / name
        path.parent.mkdir()
        path.write_bytes(data)
        found.append(lines(path))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("a.npy", npy([1.0]), npy([1.5])),
        ("a.npy", npy([1.0]), npy([1.0], "<f8")),
        ("a.npy", npy([0.0]), npy([-0.0])),
        ("a.pt", torch("m", b"1234"), torch("m", b"1235")),
        ("a.safetensors", safetensors({"w": [1.0]}, {}), safetensors({"w": [2.0]}, {})),
        ("a.pkl", b"one", b"two"),
    ],
    ids=["value", "dtype", "sign of zero", "torch", "safetensors", "pickle"],
)
def test_another_content_differs(tmp_path: Path, name: str, first: bytes, second: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(first)
    before = lines(path)
    path.write_bytes(second)
    assert lines(path) != before


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"cos\nsystem\n(S'touch " + bytes(tmp_path / "touched") + b"'\ntR.")
    assert [line[1] for line in lines(path)] == ["bytes"]
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("name", ["a.npz", "a.safetensors", "a.json", "a.csv.gz", "a.npy"])
def test_a_broken_file_is_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"PK\x03\x04 or not" if name == "a.npz" else b"\x93NUMPY")
    with pytest.raises(EnvprintError, match=name):
        contents(str(path), no_library)


@pytest.mark.parametrize("name", ["m.h5", "m.weights.h5", "m.onnx", "t.parquet"])
def test_what_needs_a_library_is_read_by_the_jobs_own(tmp_path: Path, name: str) -> None:
    entry = {"name": "w", "dtype": "<f4", "shape": [1], "data": npy([1])[-4:].hex()}
    path = str(tmp_path / name)
    assert needs_library(path)
    assert contents(path, lambda _: [entry]) == (Array("w", "<f4", (1,), npy([1])[-4:]),)


def test_a_directory_is_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "deep" / "w.npy").write_bytes(npy([1]))
    assert [line[0] for line in lines(tmp_path / "out")] == ["deep/w"]


def test_how_far_apart_two_results_are_counts_every_number() -> None:
    first = (Array("w", "<f4", (3,), struct.pack("<3f", 1, 2, 4)),)
    second = (Array("w", "<f4", (3,), struct.pack("<3f", 1, 2.5, 4)),)
    found = distance(first, second)
    assert found
    assert (found.absolute, found.relative) == (0.5, 0.2)
    assert (found.where, found.differing, found.total) == ("w", 1, 3)


def test_numbers_in_texts_of_different_length_are_compared() -> None:
    first = (Array("stdout", "text", (1,), b"0.5"),)
    second = (Array("stdout", "text", (1,), b"0.25e0"),)
    found = distance(first, second)
    assert found
    assert found.absolute == 0.25


def test_results_of_different_shapes_have_no_distance() -> None:
    first = (Array("w", "<f4", (1,), bytes(4)),)
    assert distance(first, (Array("w", "<f4", (2,), bytes(8)),)) is None
    assert distance(first, (Array("w", "<f8", (1,), bytes(8)),)) is None


def test_nan_equals_nan() -> None:
    nan = (Array("w", "<f4", (1,), struct.pack("<f", float("nan"))),)
    found = distance(nan, nan)
    assert found
    assert found.differing == 0
