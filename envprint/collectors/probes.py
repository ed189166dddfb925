"""What small experiments computed here: digests that machines can be compared by.

They are run only on request (`envprint probe`, `capture --probe`, `check --imports`), each in a
process of its own.
The digest over all facts leaves them out: it is of the environment, which has the same digest
whether it was probed or not.
"""

from __future__ import annotations

from collections.abc import Mapping

from envprint.core.fields import FLAG, INTEGER, NUMBER, TEXT, Field, ListOf, MapOf, record
from envprint.core.fingerprint import NOT_IMPORTED, NOT_MEASURED, NOT_TRAINED, Unknown
from envprint.core.typed import Any
from envprint.machine.host import Host

REVISION = Field(
    "revision", TEXT, "Digest of the probe's program; results of a different one are not compared."
)
FACTS = (
    Field(
        "numeric",
        MapOf(
            record(
                REVISION,
                Field("version", TEXT, "Version of the library that computed."),
                Field("device", TEXT, "cpu, or the name of the GPU."),
                Field(
                    "settings",
                    MapOf(TEXT, "setting"),
                    "Threads, instruction set, switches and other conditions of the digests.",
                ),
                Field("runs", INTEGER, "In how many fresh processes each operation was run."),
                Field(
                    "digests",
                    MapOf(TEXT, "operation"),
                    "First 128 bits of the SHA-256 of each result; unknown if runs differ.",
                ),
                Field(
                    "varying",
                    ListOf(TEXT),
                    "Operations that gave different results in different runs, sorted.",
                ),
            ),
            "probe",
        ),
        "Digests of operations by class, operation and type, such as `matmul/large float32`; of "
        "each installed framework, on the CPU and, on request, on each GPU.",
    ),
    Field(
        "training",
        MapOf(
            record(
                REVISION,
                Field("version", TEXT, "Version of the framework."),
                Field(
                    "settings",
                    MapOf(TEXT, "setting"),
                    "Requested seeds, switches, threads, device and size; `off` and `left` are "
                    "seeds and switches left to chance and to the framework.",
                ),
                Field(
                    "in_force",
                    MapOf(TEXT, "setting"),
                    "Actual threads, switch and device of the processes; Keras's version.",
                ),
                Field(
                    "runs",
                    ListOf(
                        record(
                            Field(
                                "loss",
                                NUMBER,
                                "Training loss of the last epoch; null, like the other numbers "
                                "here, if it is NaN or infinite.",
                            ),
                            Field("accuracy", NUMBER, "Training accuracy of the last epoch."),
                            Field("val_loss", NUMBER, "Validation loss at the end."),
                            Field("val_accuracy", NUMBER, "Validation accuracy at the end."),
                            Field("first_epoch_loss", NUMBER, "Training loss of the first epoch."),
                            Field("weights", TEXT, "Digest of the weights at the end."),
                        )
                    ),
                    "One network trained repeatedly from the start, each time in a fresh process.",
                ),
                Field(
                    "repeats", FLAG, "Whether all runs ended with the same weights, bit for bit."
                ),
                Field(
                    "parted_at_step",
                    INTEGER,
                    "First step after which weights differed, 0 for their start; null if none.",
                ),
            ),
            "framework",
        ),
        "A small network trained several times; known after `envprint probe training` only.",
    ),
    Field(
        "imports",
        MapOf(
            record(
                Field("module", TEXT, "What was imported; null when it has nothing to import."),
                Field("version", TEXT, "Version of the distribution."),
                Field(
                    "ok",
                    FLAG,
                    "Whether it was imported, and used where `used` is not null; null when there "
                    "was nothing to import.",
                ),
                Field(
                    "used",
                    FLAG,
                    "Whether a first small use of it worked; null where none is known, or its "
                    "import failed.",
                ),
                Field("error", TEXT, "How it failed, in one line; null when it did not."),
            ),
            "distribution",
        ),
        "Installed libraries that take part in training, each imported in a process of its own; "
        "one that took too long is unknown.",
    ),
)


def collect(host: Host) -> Mapping[str, Any]:
    """The results of probes that ran before the capture, if any."""
    probes = host.interpreter().get("probes", {})
    numeric: Any = Unknown(NOT_MEASURED)
    if "numeric" in probes:
        numeric = {key: _reported(report) for key, report in probes["numeric"].items()}
    training: Any = Unknown(NOT_TRAINED)
    if "training" in probes:
        training = {key: _runs(report) for key, report in probes["training"].items()}
    imports: Any = Unknown(NOT_IMPORTED)
    if "imports" in probes:
        imports = {name: _imported(report) for name, report in probes["imports"].items()}
    return {"numeric": numeric, "training": training, "imports": imports}


def _reported(report: Mapping[str, Any]) -> Any:
    if "refused" in report:
        return Unknown(report["refused"])
    varying = [
        name
        for name, different in report["digests"].items()
        if len(different) > 1 or name in report["errors"]
    ]
    digests: dict[str, Any] = {name: found[0] for name, found in report["digests"].items()}
    digests.update((name, Unknown("it does not repeat itself here")) for name in varying)
    digests.update((name, Unknown(why)) for name, why in report["errors"].items())
    kept = {name: report[name] for name in ("revision", "version", "device", "settings", "runs")}
    return {**kept, "digests": digests, "varying": sorted(varying)}


def _runs(report: Mapping[str, Any]) -> Any:
    return Unknown(report["refused"]) if "refused" in report else dict(report)


def _imported(report: Mapping[str, Any]) -> Any:
    """The outcome without its duration, which is another each time."""
    if "refused" in report:
        return Unknown(report["refused"])
    return {name: report[name] for name in ("module", "version", "ok", "used", "error")}
