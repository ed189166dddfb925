"""Texts with secrets in them."""

from __future__ import annotations

import copy
from typing import Any

from tests.builders.machines import recorded

GIT = "/raid/jobs/bert/.git"

Answers = dict[str, Any]


def machine() -> Answers:
    """The answers of a recorded machine, to plant in."""
    answers: Answers = copy.deepcopy(recorded("dgx-a100")["answers"])
    answers["names"] = {}
    answers["read"][f"{GIT}/HEAD"] = ["ref: refs/heads/main", ""]
    return answers
