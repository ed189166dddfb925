"""What `platform` and `lscpu` print, in the sections of a fingerprint."""

from __future__ import annotations

import re

from envprint.collectors.cpu import level_of, numeric_flags
from envprint.core.typed import Any
from envprint.importers._found import Found

# Linux-6.5.0-27-generic-x86_64-with-glibc2.35, as platform.platform() makes it
_PLATFORM = re.compile(
    r"(Linux)-(\S{1,100})-(x86_64|aarch64|ppc64le|s390x|riscv64|armv7l)(?:-with-(glibc|musl)-?([\d.]+))?"
)
# macOS-14.5-arm64-arm-64bit     Windows-10-10.0.19045-SP0
_OTHER = re.compile(r"(macOS|Windows)-\S{1,100}")
_SYSTEMS = {"macOS": "Darwin", "Windows": "Windows"}
# 3.9.19 (main, Mar 21 2024, 17:11:28)  [GCC 11.2.0] (64-bit runtime)
_PYTHON = re.compile(r"(\d\.\d{1,2}\.\d{1,2}(?:(?:a|b|rc)\d{1,2})?)\b(.{0,200})", re.DOTALL)
_COMPILER = re.compile(r"\[((?:GCC|Clang|MSC)[^\]]{0,100})\]")


def platform(text: str | None) -> Found:
    """The system, its kernel, the processor's architecture and the C library."""
    found = _PLATFORM.search(text or "")
    if found is None:
        other = _OTHER.search(text or "")
        return Found({"os": {"system": _SYSTEMS[other[1]]}} if other else {})
    system = {"system": found[1], "kernel_release": found[2]}
    facts: dict[str, dict[str, Any]] = {"os": system, "cpu": {"architecture": found[3]}}
    return Found({**facts, **libc(system, found[4], found[5])})


def libc(system: dict[str, Any], name: str | None, number: str | None) -> dict[str, Any]:
    """The sections that name the C library."""
    if not name or not number:
        return {}
    return {"os": {**system, "libc": f"{name} {number}"}, "math": {"libm": f"{name} {number}"}}


def python(text: str | None) -> dict[str, Any]:
    """Version and compiler; nothing where the last of its three numbers is missing."""
    found = _PYTHON.match((text or "").strip())
    if found is None:
        return {}
    compiler = _COMPILER.search(found[2])
    return {"version": found[1], **({"compiler": compiler[1]} if compiler else {})}


# Architecture:                    x86_64
# Model name:                      AMD EPYC 7763 64-Core Processor
# Flags:                           fpu vme de pse …
# https://man7.org/linux/man-pages/man1/lscpu.1.html
def lscpu(text: str) -> dict[str, Any]:
    """The section `cpu`, of a processor of x86; ARM's names are different ones there."""
    found: dict[str, Any] = {}
    architecture = re.search(r"Architecture:\s{1,60}(\w{3,20})", text)
    if architecture is None:
        return {}
    found["architecture"] = architecture[1]
    if flags := re.search(r"Flags:\s{1,60}((?:[a-z0-9_]{2,30}[ \n]?){5,600})", text):
        words = frozenset(flags[1].split())
        found |= {"flags": numeric_flags(words), "level": level_of(words)}
    if architecture[1] == "x86_64":
        found |= _named(text)
    return found | _counts(text)


def _named(text: str) -> dict[str, str]:
    model = re.search(r"Model name:\s{1,60}(\S.{0,80}?)(?=\s{2,}|\n|\s*CPU family:|\s*$)", text)
    vendor = re.search(r"Vendor ID:\s{1,60}(\w{3,20})", text)
    named = {"model": model and model[1], "vendor": vendor and vendor[1]}
    return {key: value for key, value in named.items() if value}


def _counts(text: str) -> dict[str, int]:
    names = (r"\bCPU\(s\)", r"Socket\(s\)", r"Core\(s\) per socket")
    threads, sockets, cores = (_count(text, name) for name in names)
    found = {"threads": threads, "sockets": sockets, "cores": sockets and cores and sockets * cores}
    return {key: value for key, value in found.items() if value}


def _count(text: str, name: str) -> int | None:
    found = re.search(rf"(?<!node\d ){name}:\s{{1,60}}(\d{{1,6}})\b", text)
    return int(found[1]) if found else None
