"""Switches that decide whether a framework repeats itself, and with which precision.

A switch is seen in a variable, or in a framework that is loaded in the observed process. What is
loaded says what holds; the variable is only a wish, so the framework's word goes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from envprint.core.fields import TEXT, Field, MapOf, record
from envprint.core.fingerprint import Unknown
from envprint.core.redact import safe_text
from envprint.core.switches import FLAGS, VARIABLES
from envprint.core.typed import Any
from envprint.machine.host import Host

FACTS = (
    Field(
        "switches",
        MapOf(
            record(
                Field("value", TEXT, "on, off, or the setting itself."),
                Field(
                    "source",
                    TEXT,
                    "The variable, or the call of the framework that reported it.",
                    unwatched="the source of a value does not change it",
                ),
            ),
            "switch",
        ),
        "Switches that a variable sets or a loaded framework reports; a missing one was not set, "
        "or its framework was not loaded.",
    ),
)

_NUMBERS = ("-threads", "-level", "-auto-jit")
_WORDS = {"1": "on", "true": "on", "0": "off", "false": "off"}


def collect(host: Host) -> Mapping[str, Any]:
    """Read from the variables and the loaded frameworks; imports none."""
    switches: dict[str, Any] = {}
    for name, value, source in _from_variables(host.environ()):
        safe = safe_text(value, host.seal)
        switches[name] = {"value": _plain(name, safe), "source": source}
    for name, reply in host.interpreter().get("switches", {}).items():
        answer = Unknown(reply["error"]) if "error" in reply else reply["value"]
        switches[name] = {"value": answer, "source": reply["source"]}
    return {"switches": switches}


def _from_variables(variables: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for variable, switch in VARIABLES.items():
        if variables.get(variable):
            yield switch, variables[variable], variable
    for (variable, option), switch in FLAGS.items():
        options = parse_flags(variables.get(variable, ""))
        if option in options:
            yield switch, options[option], f"{variable} --{option}"


# --xla_gpu_autotune_level=0 --xla_gpu_deterministic_ops
# https://openxla.org/xla/flags_guidance
_FLAG = r"(?<!\S)--?(\w[\w-]*)(?:=(\S*))?"


def parse_flags(text: str) -> dict[str, str]:
    """The options in XLA_FLAGS and the like; without a value it is `true`; the last one counts."""
    found = re.finditer(_FLAG, text) if text else ()
    return {
        name: "true" if value is None else value
        for name, value in (match.groups() for match in found)
    }


def _plain(switch: str, value: str) -> str:
    """`on` or `off` for the words that programs accept; where numbers matter they are kept."""
    return value if switch.endswith(_NUMBERS) else _WORDS.get(value.strip().lower(), value)
