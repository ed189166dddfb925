"""Rules about XLA's flags: which of them affect the job, and what they change.

Flags with the prefix xla_gpu_ are read for GPUs and those with xla_cpu_ for the CPU, so each flag
is judged separately and not as part of one long text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint import knowledge
from envprint.core.comparison import Comparison
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, UnknownValue
from envprint.core.shell import Command
from envprint.core.versions import numbers
from envprint.core.workload import Workload, on_cpu, uses
from envprint.rules.kit.settings import (
    SWITCHES,
    both_report,
    reported,
    switch,
    trace,
    value_text,
    variable,
    variables_of,
)

Flags = dict[str, str]
AUTO_JIT = "tensorflow-auto-jit"
JAXLIB = "facts.frameworks.jax.jaxlib_version"
UNKNOWN_FLAGS = "facts.frameworks.jax.unknown_xla_flags"

# --xla_gpu_deterministic_ops=true --xla_dump_to=/tmp/dump --xla_cpu_enable_fast_math
# https://openxla.org/xla/flags_guidance
_FLAG = r"--?([A-Za-z]\w*)(?:=(\S*))?"
_QUIET = ("xla_dump_", "xla_gpu_dump_", "xla_hlo_profile", "xla_detailed_logging", "xla_log_")
"""Prefixes of flags that only write output."""
_OTHER_DEVICE = {"cpu": ("xla_gpu_", "xla_tpu_"), "gpu": ("xla_cpu_", "xla_tpu_")}
_HOST_DEVICES = "xla_force_host_platform_device_count"
_SAME = {"": "true", "1": "true", "True": "true", "0": "false", "False": "false"}


def flags_of(value: str | None) -> Flags:
    """Flag to value; the last one if a flag is repeated. Booleans have one spelling each.

    A value that does not begin with a dash names a file of flags, and counts as one flag.
    """
    text = (value or "").strip()
    if text and not text.startswith("-"):
        return {text: "file"}
    found = (re.fullmatch(_FLAG, word) for word in text.split())
    return {flag[1]: _plain(flag[1], flag[2] or "") for flag in found if flag}


def _plain(name: str, value: str) -> str:
    # A level is a number, not a boolean.
    return value if name.endswith(("_level", "_count")) else _SAME.get(value, value)


def _moved(comparison: Comparison, before: Flags, after: Flags, device: str) -> list[str]:
    """Flags that differ and that the device reads, with the value of each side."""
    names = [
        name
        for name in sorted(before.keys() | after.keys())
        if not name.startswith((*_QUIET, *_OTHER_DEVICE[device], _HOST_DEVICES, "tf_xla_"))
    ]
    sides = ((name, before.get(name), after.get(name)) for name in names)
    return [
        f"{name} was {value_text(was)}, is {value_text(now)}"
        for name, was, now in sides
        if was != now
        and (was or _default(name)) != (now or _default(name))
        and not (device == "cpu" and _is_idle(comparison, name))
    ]


def _default(name: str) -> str | None:
    """XLA's default for the flag."""
    found = knowledge.find("xla_flag_defaults", flag=name)
    return found["default"] if found else None


def _is_idle(comparison: Comparison, name: str) -> bool:
    """Whether the flag has no effect on a CPU with the jaxlib of either side."""
    found = knowledge.find("xla_flag_defaults", flag=name)
    if found is None or "idle_since" not in found:
        return False
    sides = (comparison.before, comparison.after)
    versions = [numbers(side.value(JAXLIB) or "") for side in sides]
    return all(version >= numbers(found["idle_since"]) for version in versions)


def _unknown(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    """Flags that this jaxlib does not have, each of which ends the program."""
    value = variables_of(now).get("XLA_FLAGS")
    if not value or not value.strip():
        return
    try:
        unknown = list(now.value(UNKNOWN_FLAGS) or ())
    except UnknownValueError as error:
        # A slip in a flag of the table is seen without the library.
        unknown = [name for name in flags_of(value) if _meant(name)]
        if not unknown:
            yield UnknownValue.of(error)
    for name in unknown:
        meant = _meant(name)
        hint = f"; {meant} was probably meant" if meant else ""
        yield Match(
            f"XLA_FLAGS contains {name[:80]}, which this XLA does not know{hint}",
            (variable("XLA_FLAGS"), f"{UNKNOWN_FLAGS}"),
            after=value,
            about=name,
        )


def _meant(name: str) -> str | None:
    """The flag of the table that a name nearly matches; None for a flag of the table itself."""
    from envprint.core.known_variables import is_near  # needed only for an unknown flag

    flags = [entry["flag"] for entry in knowledge.entries("xla_flag_defaults")]
    near = (flag for flag in flags if is_near(name.lower().replace("-", "_"), flag))
    return None if name in flags else next(near, None)


def _changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change(variable("XLA_FLAGS"))
    if change is None or not _compiles(comparison, workload):
        return
    sides = flags_of(change.before), flags_of(change.after)
    moved = _moved(comparison, *sides, workload.device)
    if moved:
        yield Match(
            f"XLA_FLAGS: {'; '.join(moved)}",
            (change.path, *trace(comparison, ("XLA_FLAGS",))),
            change.before,
            change.after,
        )


def _compiles(comparison: Comparison, workload: Workload) -> bool:
    """Whether the job compiles with XLA by default: TensorFlow does not on a CPU."""
    if "jax" in workload.frameworks or workload.device == "gpu":
        return True
    return any(_clustered(comparison, "cpu"))


def _clustered(comparison: Comparison, device: str) -> tuple[str | None, str | None]:
    """What enables auto-clustering on that device, for both sides; None if it is off."""
    is_reported = both_report(comparison, AUTO_JIT)
    before, after = (
        _clusters(side, device, reported(side, AUTO_JIT) if is_reported else None)
        for side in (comparison.before, comparison.after)
    )
    return before, after


# A level in TF_XLA_FLAGS takes precedence over the program's tf.config.optimizer.set_jit.
# https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/compiler/jit/xla_cluster_util.cc
def _clusters(side: Fingerprint, device: str, by_call: str | None) -> str | None:
    flags = flags_of(variables_of(side).get("TF_XLA_FLAGS"))
    level = flags.setdefault("tf_xla_auto_jit", "1" if by_call == "on" else "0")
    is_off = level in ("0", "-1", "false", "") or (
        device == "cpu" and flags.get("tf_xla_cpu_global_jit", "false") == "false"
    )
    if is_off:
        return None
    counting = (pair for pair in sorted(flags.items()) if pair[0] != "tf_xla_clustering_debug")
    return " ".join(f"{name}={value}" for name, value in counting)


def _clustering(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    was, now = _clustered(comparison, workload.device)
    change = comparison.change(variable("TF_XLA_FLAGS"))
    if was != now:
        yield Match(
            f"TensorFlow's clusters were compiled with {was or 'nothing'}, are with "
            f"{now or 'nothing'}",
            (
                *([change.path] if change else []),
                *trace(comparison, ("TF_XLA_FLAGS",)),
                *comparison.under(f"{SWITCHES}[{AUTO_JIT}]"),
            ),
            change.before if change else was,
            change.after if change else now,
        )


def _host_devices(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change(variable("XLA_FLAGS"))
    sides = (change.before, change.after) if change else (None, None)
    was, now = (flags_of(side).get(_HOST_DEVICES, "1") for side in sides)
    if change and was != now:
        yield Match(
            f"XLA showed the CPU as {was}, shows it as {now} devices",
            (change.path, *trace(comparison, ("XLA_FLAGS",))),
            was,
            now,
        )


RULES = (
    Rule(
        id="xla-flags-changed",
        title="XLA compiles with different flags",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax", "tensorflow"),
        watches=(variable("XLA_FLAGS"), variable("TF_XLA_FLAGS"), JAXLIB),
        why="The flags control how XLA compiles and which kernels it may use: fusion, precision, "
        "autotuning, deterministic operations. A flag unknown to XLA, such as one of a "
        "different version, ends the program.",
        not_when="The flags do not matter here: those that write dumps, those for another kind of "
        "device and those at their default are ignored. On a CPU, TensorFlow compiles "
        "with XLA only on request, so the flags count there with auto-clustering on; a "
        "function with jit_compile=True is not seen. A flag may also leave a job's own "
        "operations unchanged.",
        remedy="Give XLA_FLAGS the same value on both sides.",
        evidence=(
            Evidence(
                "XLA's flags for deterministic results",
                "https://github.com/openxla/xla/blob/main/docs/determinism.md",
            ),
            Evidence(
                "Each flag, its default and what it does",
                "https://github.com/openxla/xla/blob/main/xla/debug_options_flags.cc",
            ),
            Evidence("--xla_cpu_enable_fast_math on a CPU", measured="jax.fast-math"),
            Evidence("A flag for GPUs on a CPU", measured="jax.gpu-flag"),
        ),
        drift=_changed,
    ),
    Rule(
        id="xla-flag-unknown",
        title="XLA_FLAGS contains a flag that XLA does not know",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax"),
        watches=(variable("XLA_FLAGS"), UNKNOWN_FLAGS),
        why="XLA ends the process at a flag that it does not know, and at a value without a "
        "leading dash, which it takes as the name of a file that is missing.",
        not_when="The program sets XLA_FLAGS itself before JAX is used.",
        remedy=Command("unset XLA_FLAGS"),
        note="Then set the flags that this version of jaxlib has.",
        evidence=(
            Evidence(
                "What happens at an unknown flag",
                "https://github.com/openxla/xla/blob/main/xla/parse_flags_from_env.cc",
            ),
        ),
        state=_unknown,
    ),
    Rule(
        id="tensorflow-clustering-changed",
        title="TensorFlow compiles its graphs differently",
        impact=Impact.DIVERGES,
        confidence=Confidence.MEASURED,
        applies=uses("tensorflow"),
        watches=(variable("TF_XLA_FLAGS"), switch(AUTO_JIT)),
        why="With auto-clustering, XLA compiles parts of a graph. It fuses operations, adds in a "
        "different order than TensorFlow's own kernels, and draws the random numbers of "
        "layers such as Dropout differently (measured: first-epoch loss 5 % apart).",
        not_when="Nothing is clustered on this device: a CPU needs --tf_xla_cpu_global_jit in "
        "addition to --tf_xla_auto_jit, and without it nothing is reported.",
        remedy="Give TF_XLA_FLAGS and tf.config.optimizer.set_jit the same values on both sides.",
        evidence=(
            Evidence(
                "The flags in TF_XLA_FLAGS, and which of them the CPU needs",
                "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/jit/"
                "flags.cc",
            ),
            Evidence("A network with Dropout", measured="tf.xla-auto-jit"),
        ),
        drift=_clustering,
    ),
    Rule(
        id="jax-host-devices-changed",
        title="XLA shows the CPU as a different number of devices",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax") & on_cpu,
        watches=(variable("XLA_FLAGS"),),
        why="A program that spreads its batch over all devices splits it differently, and draws "
        "and adds separately for each part.",
        not_when="The program computes on one device, which is JAX's default: then the bits stay "
        "the same.",
        remedy="Give --xla_force_host_platform_device_count the same value on both sides.",
        evidence=(
            Evidence("No effect without a program that shards", measured="jax.devices"),
            Evidence(
                "What the flag does to the CPU",
                "https://github.com/openxla/xla/blob/main/xla/debug_options_flags.cc",
            ),
        ),
        drift=_host_devices,
        advice=True,
    ),
)
