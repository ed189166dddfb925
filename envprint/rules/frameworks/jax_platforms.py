"""The rule about JAX_PLATFORMS: JAX does not start with a platform that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.fingerprint import VARIABLES, Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, UnknownValue
from envprint.core.shell import Command
from envprint.core.versions import numbers
from envprint.core.workload import HIDE_ALL, Workload, uses
from envprint.rules.kit.settings import variable

_PLUGINS = "facts.frameworks.jax.plugins"
_OFFERED_BY = {
    "cuda": "jax-cuda",
    "rocm": "jax-rocm",
    "tpu": "libtpu",
    "METAL": "jax-metal",
}
"""Platforms, and how the names of the distributions begin that offer them."""
_ALIASES = {"gpu": ("cuda", "rocm")}
_NAMES = {
    "JAX_PLATFORMS": "list",
    "JAX_PLATFORM_NAME": "one",
}
"""The variables; the older one has one name in any case."""


def _missing(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    for name, kind in _NAMES.items():
        value = now.value(variable(name))
        if value:
            named = value.split(",") if kind == "list" else [value.lower()]
            yield from _absent(now, name, value, named)


def _absent(now: Fingerprint, name: str, value: str, named: list[str]) -> Iterator[Result]:
    path = variable(name)
    reasons = {platform: _reason(now, platform) for platform in named}
    if "" in reasons.values():
        known = [platform for platform, reason in reasons.items() if reason == ""]
        yield UnknownValue(path, f"which plugin offers the platform {known[0][:40]!r} is unknown")
    absent = {platform: reason for platform, reason in reasons.items() if reason}
    if absent.keys() - _passed_over(now) or (absent and len(absent) == len(reasons)):
        texts = dict.fromkeys(absent.values())
        yield Match(f"{name} is {value}: {'; '.join(texts)}", (path,), after=value)


def _passed_over(now: Fingerprint) -> set[str]:
    """What JAX leaves out if it is not there: since 0.4.31, CUDA beside another platform."""
    version = numbers(now.value("facts.frameworks.jax.version") or "")
    return set() if version and version < (0, 4, 31) else {"cuda"}


def _reason(now: Fingerprint, platform: str) -> str | None:
    """Why JAX cannot compute on it; None if it can, empty if that is unknown."""
    if platform in _ALIASES:
        reasons = [_reason(now, one) for one in _ALIASES[platform]]
        return None if None in reasons else "no platform for a GPU is there"
    if platform == "cpu":
        return None
    if platform not in _OFFERED_BY:
        return _misnamed(platform)
    plugins = now.value(_PLUGINS) or {}
    if not any(one.startswith(_OFFERED_BY[platform]) for one in plugins):
        return f"no plugin for {platform} is installed"
    return None if _has_device(now, platform) else f"{platform} finds no device"


def _misnamed(platform: str) -> str:
    """Why a name that is none of JAX's own is not known; empty if a plugin may register it."""
    plain = platform.strip().lower()
    known = {name.lower() for name in ("cpu", *_OFFERED_BY, *_ALIASES)}
    is_slip = plain in known or not plain or plain.rstrip("0123456789") == "cuda"
    return f"JAX knows no platform {platform!r}" if is_slip else ""


def _has_device(now: Fingerprint, platform: str) -> bool:
    if platform == "cuda":
        hidden = now.value(f"{VARIABLES}[CUDA_VISIBLE_DEVICES]") in HIDE_ALL
        return not hidden and bool(now.value("facts.gpu.devices"))
    return platform != "rocm" or bool(now.value("facts.rocm.kfd_device"))


RULES = (
    Rule(
        id="jax-platform-missing",
        title="JAX is bound to a platform that is not there",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax"),
        watches=(
            *map(variable, _NAMES),
            _PLUGINS,
            "facts.gpu.devices",
            "facts.rocm.kfd_device",
        ),
        why="JAX initialises every platform that the variable names, and stops with an error at "
        "one that is not installed or finds no device. Only CUDA without a GPU is "
        "ignored, if another platform is named beside it.",
        not_when="The program sets jax_platforms itself, or a plugin registers that name.",
        remedy=Command("unset JAX_PLATFORMS JAX_PLATFORM_NAME"),
        note="JAX then takes the best platform that is there.",
        evidence=(
            Evidence(
                "What JAX does with the platforms that are named",
                "https://github.com/jax-ml/jax/blob/main/jax/_src/xla_bridge.py",
            ),
        ),
        state=_missing,
    ),
)
