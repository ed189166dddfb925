"""The environment of markers that the tests of requirements use."""

from __future__ import annotations

LINUX = {
    "python_version": "3.11",
    "python_full_version": "3.11.4",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "platform_machine": "x86_64",
    "platform_system": "Linux",
    "os_name": "posix",
    "sys_platform": "linux",
    "extra": "",
}
