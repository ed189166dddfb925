"""The time that a record takes depends on its size alone, whatever it is made of."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from envprint.core.errors import DocumentError
from envprint.importers import forms, imported

SIZE = 200_000
HEADS = {
    "table": "NVIDIA-SMI 1.0 Driver Version: 1.0 CUDA Version: 1.0\n",
    "collect_env": "PyTorch version: 1.0\nCUDA used to build PyTorch: 1.0\n",
    "pip list": "Package Version\n",
    "conda list": "# packages in environment at /x:\n#\n# Name Version Build Channel\n",
    "yaml": "name: x\ndependencies:\n",
    "explicit": "@EXPLICIT\n",
    "env": "- `transformers` version: 4\n",
    "none": "",
}
FILLINGS = (
    *(
        " ",
        "-",
        "=",
        "|",
        "| ",
        "a ",
        "a-",
        "a==1 ",
        "a==1\n",
        "  - a\n",
        "1 C ",
        "OS: ",
        "GPU 0: ",
    ),
    *(
        "[conda] ",
        "[pip3] ",
        "<!DOCTYPE",
        "```\n",
        "https://a/noarch/",
        "\x1b[",
        "Flags: aa ",
        "On ",
    ),
    *("/home/", "# Name ", "- Platform: Linux-", '"\\"', "[", "{"),
)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("filling", FILLINGS)
def test_repetition_costs_no_more_than_its_length(head: str, filling: str) -> None:
    content = (HEADS[head] + filling * (SIZE // len(filling))).encode()
    begun_s = time.process_time()
    with suppress(DocumentError):
        imported(content, "record.txt")
    # Linear is below a second here; quadratic would be minutes.
    assert time.process_time() - begun_s < 15


def test_every_form_ends_soon_where_the_user_names_it() -> None:
    content = (HEADS["none"] + " " * SIZE + "x").encode()
    begun_s = time.process_time()
    for form in forms():
        with suppress(DocumentError):
            imported(content, "record.txt", form)
    assert time.process_time() - begun_s < 30
