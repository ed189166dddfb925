"""MLflow's `python_env.yaml` beside a model: Python, and where the requirements stand.

    python: 3.11.7
    build_dependencies:
    - pip
    - setuptools==84.2.1
    dependencies:
    - -r requirements.txt

What it builds with is not what the run had, so only Python's version is taken.
https://mlflow.org/docs/latest/ml/model/dependencies/
"""

from __future__ import annotations

import re

from envprint.importers._found import Found
from envprint.importers._machine import python
from envprint.importers._source import Source
from envprint.importers._yaml import parse_yaml

TITLE = "MLflow's python_env.yaml"
_MARKS = (r"^python: \S+$", r"^(?:build_)?dependencies:")


def recognises(source: Source) -> bool:
    """Python's version and dependencies at the left margin."""
    is_text = source.json is None
    return is_text and all(re.search(mark, source.text, re.MULTILINE) for mark in _MARKS)


def read(source: Source) -> Found:
    """Python's version. Raises `DocumentError`."""
    data = parse_yaml(source)
    number = data.get("python") if isinstance(data, dict) else None
    if not isinstance(number, str):
        raise source.fault("not MLflow's python_env.yaml: expected the key `python`")
    return Found({"python": python(number)}, is_declared=True)
