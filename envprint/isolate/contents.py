"""The content of result files, without what their containers add: times, names, addresses.

Many formats differ from run to run although nothing in them does: a `.keras` file has dates, gzip
has one, a `.pt` archive has its own name. What the standard library can take apart is taken apart
here, and nothing is ever unpickled. What needs a library is read by `contents_program.py` under the
job's interpreter, which has it, or the job could not have written the file.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping

from envprint.core.errors import EnvprintError
from envprint.core.typed import Any, NamedTuple

DIGEST = "digest"
"""The `dtype` of a part that holds no numbers, only whether others are the same."""


class Array(NamedTuple):
    """A named part of a result."""

    name: str
    dtype: str
    """As NumPy spells it, such as `<f4`; `bytes` or `text` for what is no array."""
    shape: tuple[int, ...]
    data: bytes

    def line(self) -> tuple[str, str, tuple[int, ...], str]:
        """What identifies the content."""
        return self.name, self.dtype, self.shape, hashlib.sha256(self.data).hexdigest()


_BROKEN = (
    OSError, ValueError, LookupError, TypeError, SyntaxError, EOFError, struct.error, zlib.error,
    zipfile.BadZipFile,
)  # fmt: skip
"""What the standard library raises for files that are not what their names say."""

Contents = tuple[Array, ...]
Read = Callable[[bytes, str], Iterator[Array]]


def contents(path: str, interpreter: Callable[[str], list[dict[str, Any]]]) -> Contents:
    """What a file or directory holds, in order of name.

    `interpreter` reads a file that needs a library. Raises `EnvprintError` if it cannot be read.
    """
    try:
        if needs_library(path):
            return tuple(_from_library(interpreter(path)))
        if os.path.isdir(path):
            return tuple(sorted(_directory(path)))
        with open(path, "rb") as file:  # noqa: PTH123
            return tuple(sorted(parts(file.read(), os.path.basename(path))))
    except _BROKEN as error:
        raise EnvprintError(f"the result {os.path.basename(path)}: {error}") from None


_LIBRARY = (".h5", ".hdf5", ".onnx", ".parquet", ".feather")


def needs_library(path: str) -> bool:
    """Whether only a library can tell the content from its container."""
    is_saved_model = os.path.isfile(os.path.join(path, "saved_model.pb"))
    return path.lower().endswith(_LIBRARY) or is_saved_model


def _from_library(found: list[dict[str, Any]]) -> Iterator[Array]:
    for entry in found:
        data = bytes.fromhex(entry["data"])
        yield Array(entry["name"], entry["dtype"], tuple(entry["shape"]), data)


def _directory(path: str) -> Iterator[Array]:
    for folder, _, files in os.walk(path):
        for file in files:
            whole = os.path.join(folder, file)
            with open(whole, "rb") as opened:  # noqa: PTH123
                yield from parts(opened.read(), os.path.relpath(whole, path))


def parts(data: bytes, name: str) -> Iterator[Array]:
    """The parts of a file with this name and content."""
    ending = os.path.splitext(name)[1].lower()
    if ending in (".gz", ".tgz"):
        yield from parts(gzip.decompress(data), os.path.splitext(name)[0])
    elif data.startswith(b"\x93NUMPY"):
        yield _npy(data, name)
    elif data.startswith(b"PK\x03\x04"):
        yield from _zip(data, ending)
    else:
        yield from _READERS.get(ending, _raw)(data, name)


def _raw(data: bytes, name: str) -> Iterator[Array]:
    yield Array(name, "bytes", (len(data),), data)


def _text(data: bytes, name: str) -> Iterator[Array]:
    lines = data.replace(b"\r\n", b"\n")
    yield Array(name, "text", (lines.count(b"\n"),), lines)


def _json(data: bytes, name: str) -> Iterator[Array]:
    text = json.dumps(json.loads(data), sort_keys=True).encode()
    yield Array(name, "json", (len(text),), text)


# \x93NUMPY \x01\x00 <length> {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
# https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
def _npy(data: bytes, name: str) -> Array:
    form, start = ("<H", 10) if data[6] == 1 else ("<I", 12)
    (length,) = struct.unpack_from(form, data, 8)
    header = ast.literal_eval(data[start : start + length].decode("latin-1").strip())
    order = ", fortran" if header["fortran_order"] else ""
    dtype = header["descr"] if isinstance(header["descr"], str) else repr(header["descr"])
    name = name.removesuffix(".npy")
    return Array(name, dtype + order, tuple(header["shape"]), data[start + length :])


_KERAS_NOISE = ("date_saved", "shared_object_id")
"""Keys that Keras writes anew each time: the time, and the address of an object."""
_TORCH_NOISE = (".data/serialization_id", "byteorder", ".format_version", ".storage_alignment")
_OFFICE_NOISE = ("docProps/",)


def _zip(data: bytes, ending: str) -> Iterator[Array]:
    """The members, whatever their dates; those of PyTorch lie below the name of the file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        roots = {name.partition("/")[0] for name in names}
        is_torch = any(name.endswith("/data.pkl") for name in names) and len(roots) == 1
        for name in names:
            inner = name.partition("/")[2] if is_torch else name
            if (is_torch and inner in _TORCH_NOISE) or inner.startswith(_OFFICE_NOISE):
                continue
            if ending == ".keras" and inner.endswith(".json"):
                yield _keras(archive.read(name), inner)
            else:
                yield from parts(archive.read(name), inner)


def _keras(data: bytes, name: str) -> Array:
    text = json.dumps(_without(json.loads(data), _KERAS_NOISE), sort_keys=True).encode()
    return Array(name, "json", (len(text),), text)


def _without(value: Any, keys: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, keys) for key, item in value.items() if key not in keys}
    if isinstance(value, list):
        return [_without(item, keys) for item in value]
    return value


_SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bfloat16", "I64": "<i8", "I32": "<i4",
    "I16": "<i2", "I8": "|i1", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip


# <length of the header> {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, …} <data>
# https://huggingface.co/docs/safetensors/index#format
def _safetensors(data: bytes, name: str) -> Iterator[Array]:
    (length,) = struct.unpack_from("<Q", data, 0)
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", None)
    if metadata:
        text = json.dumps(metadata, sort_keys=True).encode()
        yield Array("__metadata__", "json", (len(text),), text)
    for key, entry in header.items():
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        dtype = _SAFETENSORS.get(entry["dtype"], entry["dtype"])
        yield Array(key, dtype, tuple(entry["shape"]), data[first:last])


_READERS: Mapping[str, Read] = {
    ".safetensors": _safetensors,
    ".json": _json,
    ".csv": _text,
    ".tsv": _text,
    ".txt": _text,
}
