"""Recorded processors."""

from __future__ import annotations

from typing import Any

from tests.builders.support import host


def machine(cpuinfo: str | dict[str, str], name: str = "x86_64", **answers: Any) -> Any:
    read = {"/proc/cpuinfo": cpuinfo, **answers.pop("read", {})}
    system = {"system": "Linux", "release": "6.1", "version": "#1", "machine": name}
    return host(read=read, system=system, **answers)


GRAVITON = """processor	: 0
BogoMIPS	: 243.75
Features	: fp asimd evtstrm aes crc32 atomics fphp asimdhp cpuid asimdrdm asimddp sve bf16 i8mm
CPU implementer	: 0x41
CPU architecture: 8
CPU part	: 0xd40

processor	: 1
Features	: fp asimd evtstrm aes crc32 atomics fphp asimdhp cpuid asimdrdm asimddp sve bf16 i8mm
CPU implementer	: 0x41
CPU part	: 0xd40
"""
