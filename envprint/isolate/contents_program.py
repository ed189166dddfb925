"""Prints what a file holds, under the job's interpreter: formats that need a library.

Run by its path, with the file as its only argument; imports nothing of envprint.
"""

from __future__ import annotations

import json
import os
import sys

from envprint.core.typed import Any

_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""The one entry of a checkpoint that is no variable: it holds ids that change each time."""


def _entry(name: str, array: Any) -> dict[str, Any]:
    import numpy

    array = numpy.ascontiguousarray(array)
    if array.dtype.hasobject:
        data, dtype = repr(array.tolist()).encode("utf-8", "backslashreplace"), "text"
    else:
        data, dtype = array.tobytes(), array.dtype.str
    return {"name": name, "dtype": dtype, "shape": list(array.shape), "data": data.hex()}


def _hdf5(path: str) -> list[dict[str, Any]]:
    import h5py

    found: list[dict[str, Any]] = []

    def visit(name: str, item: Any) -> None:
        for key, value in sorted(item.attrs.items()):
            found.append(_entry(f"{name}@{key}", value))
        if isinstance(item, h5py.Dataset):
            found.append(_entry(name, item[()]))

    with h5py.File(path, "r") as file:
        visit("", file)
        file.visititems(visit)
    return found


def _onnx(path: str) -> list[dict[str, Any]]:
    import onnx
    from onnx import numpy_helper

    model = onnx.load(path)
    tensors = [_entry(one.name, numpy_helper.to_array(one)) for one in model.graph.initializer]
    del model.graph.initializer[:]
    opsets = sorted((one.domain, one.version) for one in model.opset_import)
    del model.opset_import[:]
    rest = model.SerializeToString(deterministic=True) + repr(opsets).encode()
    graph = {"name": "graph", "dtype": "bytes", "shape": [len(rest)], "data": rest.hex()}
    return [*tensors, graph]


def _parquet(path: str) -> list[dict[str, Any]]:
    import pyarrow.feather
    import pyarrow.parquet

    is_feather = path.lower().endswith(".feather")
    table = (pyarrow.feather.read_table if is_feather else pyarrow.parquet.read_table)(path)
    return [
        _entry(name, column.combine_chunks().to_numpy(zero_copy_only=False))
        for name, column in zip(table.column_names, table.columns)  # noqa: B905  Python 3.9
    ]


def _saved_model(path: str) -> list[dict[str, Any]]:
    import tensorflow

    reader = tensorflow.train.load_checkpoint(os.path.join(path, "variables", "variables"))
    names = [name for name in reader.get_variable_to_shape_map() if name != _GRAPH]
    arrays = [_entry("", reader.get_tensor(name)) for name in names]
    # `model.export` numbers its variables in a new order each time, so that names say nothing.
    arrays.sort(key=lambda one: (one["shape"], one["dtype"], one["data"]))
    return [dict(one, name=f"variable {number}") for number, one in enumerate(arrays)]


def main(path: str) -> None:
    """Print the parts as JSON on the last line."""
    ending = os.path.splitext(path)[1].lower()
    readers = {".onnx": _onnx, ".parquet": _parquet, ".feather": _parquet, "": _saved_model}
    if os.path.isdir(path):
        ending = ""
    found = readers.get(ending, _hdf5)(path)
    print("\n" + json.dumps(sorted(found, key=lambda one: one["name"])))


if __name__ == "__main__":
    main(sys.argv[1])
