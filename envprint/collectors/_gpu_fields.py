"""The fields about GPUs: stable facts and live values."""

from __future__ import annotations

from envprint.core.fields import FLAG, INTEGER, NUMBER, TEXT, Field, ListOf, MapOf, record

_FOR_PEOPLE = "identifies card and driver for people; no result depends on it"
_SPEED = "affects speed only; live.gpu has what slows a GPU down now"

_SLICE = record(
    Field("uuid", TEXT, "UUID of the MIG device."),
    Field("name", TEXT, "Name with its profile, such as `NVIDIA A100-SXM4-40GB MIG 1g.5gb`."),
    Field("sm_count", INTEGER, "Streaming multiprocessors of the MIG device."),
    Field("memory_total_bytes", INTEGER, "Memory of the MIG device."),
    Field("gpu_instance", INTEGER, "Number of its GPU instance."),
    Field("compute_instance", INTEGER, "Number of its compute instance."),
)

_DEVICE = record(
    Field("uuid", TEXT, "UUID of the card; identifies it, no effect on results."),
    Field("bus_id", TEXT, "PCI address; locates the card, no effect on results."),
    Field("name", TEXT, "Product name."),
    Field("architecture", TEXT, "Generation, such as Turing, by compute capability."),
    Field("compute_capability", TEXT, "Such as `7.5`."),
    Field("sm_count", INTEGER, "Streaming multiprocessors of the whole card."),
    Field("memory_total_bytes", INTEGER, "All memory, including the driver's reserve."),
    Field(
        "shares_system_memory", FLAG, "Whether it has no memory of its own and uses the system's."
    ),
    Field("mig_mode", TEXT, "`on` or `off`; null if the card cannot be divided."),
    Field("mig_mode_pending", TEXT, "The mode after the next reset."),
    Field("mig_devices", ListOf(_SLICE), "MIG devices in NVML's order."),
    Field("ecc_mode", TEXT, "`on` or `off`; null if the memory has no ECC."),
    Field("ecc_mode_pending", TEXT, "The mode after the next reboot."),
    Field("persistence_mode", FLAG, "Whether the driver stays loaded when idle."),
    Field("compute_mode", TEXT, "default, prohibited or exclusive-process."),
    Field("driver_model", TEXT, "WDDM, WDM or MCDM; null if there is none, as on Linux."),
    Field("addressing_mode", TEXT, "none, HMM or ATS; null if the driver does not report it."),
    Field("virtualization_mode", TEXT, "none, passthrough, vGPU, host-vGPU or host-vSGA."),
    Field("power_limit_w", NUMBER, "Power limit of the card.", _SPEED),
    Field("clock_sm_max_mhz", INTEGER, "Highest clock of the multiprocessors.", _SPEED),
    Field("clock_memory_max_mhz", INTEGER, "Highest clock of the memory.", _SPEED),
)

FACTS = (
    Field("status", TEXT, "`ok`, or why there is no GPU that answers."),
    Field("count", INTEGER, "GPUs that the driver counts, including those that do not answer."),
    Field("devices", MapOf(_DEVICE, "NVML index"), "GPUs; empty if there is none."),
    Field(
        "visible",
        ListOf(TEXT),
        "UUIDs of the GPUs or MIG devices that CUDA shows to a program under these variables; in "
        "CUDA's order if that is known. Unknown if a number may mean one of several unlike GPUs.",
        unwatched="follows from the variables and the devices, which rules cover",
    ),
    Field("driver_version", TEXT, "Driver version as NVML reports it."),
    Field(
        "nvml_version",
        TEXT,
        "NVML's own version; readable even if the driver does not answer.",
        unwatched="belongs to the driver, whose version is compared with what it must reach",
    ),
    Field(
        "library_path",
        TEXT,
        "Real path of the NVML library that answered.",
        unwatched="for people: distinguishes a simulated or sliced GPU from a real one",
    ),
)

_PROCESS = record(
    Field("pid", INTEGER, "Process id as the driver reports it."),
    Field("name", TEXT, "Name of the process; left out if unknown."),
    Field("program", TEXT, "Base name of its executable; left out if unknown."),
    Field("name_unknown", TEXT, "Why the name is unknown; null if it is known."),
    Field("exists", FLAG, "Whether the process exists; left out if unknown."),
    Field(
        "still_listed",
        FLAG,
        "Listed again after it was found to be gone; otherwise left out.",
    ),
    Field("kind", TEXT, "compute, graphics or both."),
    Field(
        "memory_bytes", INTEGER, "GPU memory it holds; left out if the driver does not report it."
    ),
    Field("own", FLAG, "This process or a child of it; left out if unknown."),
    Field("same_user", FLAG, "Whether it belongs to the user who captured; left out if unknown."),
)

_USE = (
    Field("memory_used_bytes", INTEGER, "In use; with v1, including the reserve."),
    Field("memory_free_bytes", INTEGER, "Free for any process."),
    Field("memory_reserved_bytes", INTEGER, "Kept by the driver; null with v1."),
    Field("memory_interface", TEXT, "v2 or v1 of nvmlDeviceGetMemoryInfo."),
    Field("unattributed_bytes", INTEGER, "In use, but held by no listed process."),
    Field(
        "unattributed_reason",
        TEXT,
        "What can hold it: pid-namespace, driver-model, not-reported, driver-reserve, numa-pages, "
        "managed-or-ended or not-known; null if nothing is unattributed.",
    ),
    Field("processes", ListOf(_PROCESS), "Processes on the GPU, by pid."),
    Field(
        "lists_missing",
        MapOf(TEXT, "list"),
        "The process lists (compute, graphics, mps) that could not be read, and why; empty if all "
        "were.",
    ),
    Field("process_interface", TEXT, "v3, v2 or v1 of the process lists."),
)

_ERRORS = record(
    Field("corrected", INTEGER, "ECC errors corrected since the driver was loaded."),
    Field("uncorrected", INTEGER, "ECC errors not corrected since the driver was loaded."),
    Field("corrected_ever", INTEGER, "ECC errors corrected in the card's lifetime."),
    Field("uncorrected_ever", INTEGER, "ECC errors not corrected in the card's lifetime."),
    Field("pages_retired_corrected", INTEGER, "Pages retired for corrected errors."),
    Field("pages_retired_uncorrected", INTEGER, "Pages retired for an uncorrected error."),
    Field("retirement_pending", FLAG, "Whether pages are retired at the next reset."),
    Field("rows_remapped", INTEGER, "Memory rows replaced by spare ones."),
    Field("remap_pending", FLAG, "Whether rows are remapped at the next reset."),
    Field("remap_failed", FLAG, "Whether a remapping has failed."),
    Field(
        "recovery_action",
        TEXT,
        "What the driver asks for: none, reset, reboot, drain-peers or drain-and-reset; null if "
        "it does not report it.",
    ),
)

LIVE = (
    Field(
        "devices",
        MapOf(
            record(
                *_USE,
                Field("display_active", FLAG, "Whether a display is driven by this GPU."),
                Field("mig_devices", MapOf(record(*_USE), "UUID"), "The same for each MIG device."),
                Field("errors", _ERRORS, "Memory faults; null if the card cannot report them."),
                Field("temperature_c", INTEGER, "Temperature of the GPU itself.", _SPEED),
                Field("clock_sm_mhz", INTEGER, "Clock of the multiprocessors now.", _SPEED),
                Field("clock_memory_mhz", INTEGER, "Clock of the memory now.", _SPEED),
                Field("clock_reasons", ListOf(TEXT), "Why the clocks have these values."),
            ),
            "NVML index",
        ),
        "Memory, processes and health of each GPU that answers.",
    ),
    Field(
        "answer",
        TEXT,
        "What the driver did: ok, it answered; late, it took more than 10 s for all answers; "
        "none, a call did not return. null if there is no driver to query.",
    ),
    Field(
        "silence",
        record(
            Field("call", TEXT, "The call that did not return."),
            Field("gpu", TEXT, "NVML index of the GPU it concerns; null if it concerns none."),
            Field("hung_s", NUMBER, "How long it had not returned, in seconds."),
            Field("waited_s", NUMBER, "How long envprint waited for the whole answer, in seconds."),
        ),
        "Where the driver stopped answering; null unless the answer is none.",
    ),
    Field("lost", ListOf(TEXT), "NVML indices of GPUs that do not answer."),
    Field(
        "pids_are_ours",
        FLAG,
        "Whether the driver's pids are those of this pid namespace, so that names are known.",
    ),
    Field(
        "control_device_error",
        TEXT,
        "Why /dev/nvidiactl cannot be opened, such as EPERM; checked if the driver answers with "
        "error 999, otherwise null.",
        unwatched="facts.gpu.status explains it, with facts.container.kind",
    ),
    Field("init_ms", NUMBER, "How long NVML took to start; seconds if no client keeps it loaded."),
)
