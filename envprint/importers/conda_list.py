"""`conda list`, as a table or as JSON; `mamba` and `micromamba` print the same.

    # packages in environment at /home/me/conda/envs/train:
    #
    # Name                    Version                   Build  Channel
    numpy                     1.23.5           py39hf6e8229_1    conda-forge

    [{"name": "numpy", "version": "1.23.5", "build_string": "py39hf6e8229_1",
      "channel": "pkgs/main"}]

https://docs.conda.io/projects/conda/en/stable/commands/list.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.core.typed import Any
from envprint.importers._conda import Row, conda_rows, packages_of_conda, row
from envprint.importers._found import Found
from envprint.importers._source import Source

TITLE = "a conda list"
IS_PART = True
_HEAD = re.compile(
    r"^(?:# packages in environment at[^\n]*\n(?:#\s*\n)?)?#?\s*Name +Version +Build\b[^\n]*\n",
    re.MULTILINE,
)
_ROW = re.compile(r"\s*[A-Za-z0-9_][\w.-]* +[A-Za-z0-9][^\s]*(?: +\S+){0,2}\s*")


def recognises(source: Source) -> bool:
    """Its headings, or a list of objects with build string and channel."""
    if source.json is not None:
        return _is_json(source.json)
    return bool(_HEAD.search(source.text))


def read(source: Source) -> Found:
    """Conda's packages and pip's. Raises `DocumentError`."""
    if source.json is not None:
        if not _is_json(source.json):
            raise source.fault("not a conda list: expected objects with name and build_string")
        return packages_of_conda(list(_of_json(source.json)))
    head = _HEAD.search(source.text)
    if head is None:
        raise source.fault("no headings of a conda list in it: Name, Version, Build")
    return packages_of_conda(conda_rows(_rows(source.text[head.end() :])))


def _rows(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if set(line.strip()) <= set("─-"):  # what micromamba draws below the headings
            continue
        if not _ROW.fullmatch(line):
            return
        yield line


def _is_json(data: Any) -> bool:
    return (
        isinstance(data, list)
        and bool(data)
        and all(
            isinstance(one, dict) and {"name", "version", "channel"} <= one.keys() for one in data
        )
    )


def _of_json(data: list[dict[str, Any]]) -> Iterator[Row]:
    for one in data:
        build = one.get("build_string", one.get("build"))
        fields = (one["version"], build, one["channel"])
        found = row(str(one["name"]), *(str(text) if text is not None else None for text in fields))
        if found:
            yield found
