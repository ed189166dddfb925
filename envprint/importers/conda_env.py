"""`conda env export`, with or without builds or history, and MLflow's conda.yaml.

    name: train
    channels:
      - conda-forge
    dependencies:
      - numpy=1.23.5=py39hf6e8229_1
      - pip:
          - torch==2.1.0
    prefix: /home/me/conda/envs/train

Only what has a build was exported from what is installed; all else says what is wanted.
https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.core.typed import Any
from envprint.importers._conda import PYPI, Row, packages_of_conda, row
from envprint.importers._found import Found
from envprint.importers._source import Source
from envprint.importers._yaml import parse_yaml

TITLE = "a conda environment file"
_MARK = re.compile(r"^dependencies:\s*(?:#.*)?$", re.MULTILINE)
_CONDA = re.compile(r"^(?:channels|name|prefix):", re.MULTILINE)
_GAP = "a conda environment file names what is wanted, not all that is installed"
# numpy=1.23.5=py39hf6e8229_1    conda-forge::numpy=1.23.5    python=3.10    numpy>=1.2    pip
_ONE = re.compile(
    r"(?:([^\s:]{1,200})::)?([A-Za-z0-9_][\w.-]{0,98})(?:==?([A-Za-z0-9.!+_-]+)(?:=(\S+))?)?(\s*[<>=!~*].*)?"
)
_PIN = re.compile(r"([A-Za-z0-9][\w.-]{0,98})(?:\[[^\]]*\])?\s*==\s*([A-Za-z0-9][\w.!+-]{0,98})")


def recognises(source: Source) -> bool:
    """Dependencies at the left margin, and one of the other keys."""
    is_text = source.json is None
    return is_text and bool(_MARK.search(source.text) and _CONDA.search(source.text))


def read(source: Source) -> Found:
    """Conda's packages and pip's. Raises `DocumentError`."""
    data = parse_yaml(source)
    listed = data.get("dependencies") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        raise source.fault("not a conda environment file: expected a list of dependencies")
    texts = [text for text in listed if isinstance(text, str)]
    ones = [_ONE.fullmatch(text) for text in texts]
    # Only an export of what is installed has builds, and it has all of them.
    is_installed = bool(ones) and all(one and one[4] for one in ones)
    found = packages_of_conda([*_rows(texts), *_pips(listed)], gap=None if is_installed else _GAP)
    return found._replace(is_declared=not is_installed)


def _rows(texts: list[str]) -> Iterator[Row]:
    for text in texts:
        one = _ONE.fullmatch(text)
        if one and not one[5]:
            # Without a build, python=3.10 is any release of 3.10.
            is_exact = one[4] is not None or (one[3] or "").count(".") >= 2
            found = row(one[2], one[3] if is_exact else None, one[4], one[1])
            if found:
                yield found


def _pips(listed: list[Any]) -> Iterator[Row]:
    below = (one.get("pip") for one in listed if isinstance(one, dict))
    for text in (text for texts in below if isinstance(texts, list) for text in texts):
        pin = _PIN.match(text) if isinstance(text, str) else None
        found = row(pin[1], pin[2], None, PYPI[0]) if pin else None
        if found:
            yield found
