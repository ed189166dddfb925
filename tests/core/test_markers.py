"""Markers of requirements, against packaging as the oracle."""

from __future__ import annotations

import pytest
from packaging.markers import Marker

from envprint.core.markers import applies
from tests.builders.markers import LINUX


@pytest.mark.parametrize(
    "marker",
    [
        'python_version < "3.12"',
        "python_version>='3.10' and python_version < '3.11'",
        'python_full_version >= "3.11.4"',
        'python_version == "3.*"',
        '"3.10" <= python_version',
        'platform_system == "Linux" and platform_machine == "x86_64"',
        'sys_platform == "win32" or (os_name == "posix" and python_version != "3.9")',
        '(sys_platform == "win32" or os_name == "nt") and python_version > "3"',
        'sys_platform == "darwin" and os_name == "nt" or python_version > "3"',
        '"linux" in sys_platform',
        'platform_machine not in "arm64 aarch64"',
        'platform_python_implementation != "PyPy"',
        'implementation_name == "pypy"',
        'extra == "test"',
    ],
)
def test_a_marker_holds_where_packaging_says_so(marker: str) -> None:
    assert applies(marker, LINUX) is Marker(marker).evaluate(LINUX)


@pytest.mark.parametrize(
    "marker",
    [
        'platform_release >= "5.10"',
        'python_version < "3.12" and',
        'python_version < "abc"',
        *("python_version < '3.12", "python_version < '3.1'2'", "python_version < 3.12'"),
        "in < '3'",
        *("python_version = '3.12'", " < '3.12'", "os.name == 'posix'", "python_version < '"),
        '(python_version < "3.12"',
        '(python_version < "3.12" "',
        '(python_version < "3.12" and os_name',
        'os_name > "nt"',
        "os_name",
        "no such thing; at all",
        "(" * 5000 + "os_name",
    ],
)
def test_what_cannot_be_evaluated_is_neither_true_nor_false(marker: str) -> None:
    assert applies(marker, LINUX) is None
