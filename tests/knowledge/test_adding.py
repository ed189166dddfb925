"""A line of data is enough: each table gets one in a temporary copy, and the answer changes."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from envprint import knowledge
from envprint.collectors import cpu, gpu, random
from envprint.collectors.environ import world_size
from envprint.core.fingerprint import Unknown
from envprint.core.workload import Workload
from envprint.fleet.alike import Likeness, places
from envprint.fleet.place import is_chief
from envprint.importers._conda import Row, packages_of_conda
from envprint.judging.policy.model import Policy
from envprint.knowledge.engines import set_by
from envprint.knowledge.indexes import index_of
from envprint.run.command_interpreter import follow
from tests.builders.cpu import GRAVITON
from tests.builders.cpu import machine as processor
from tests.builders.cpus import AVX512
from tests.builders.cpus import cpu as flags
from tests.builders.cuda import DRIVER, libraries, machine
from tests.builders.gpu_memory import HELD, in_use
from tests.builders.judged import judge_drift
from tests.builders.nvml_readings import NOT_SUPPORTED, changed
from tests.builders.nvml_readings import machine as reading
from tests.builders.support import drift, fingerprint, host, state
from tests.builders.tables import TABLES, validator
from tests.builders.tensorflow import cuda

Add = Callable[[str, dict[str, Any]], None]
VARIABLE = "facts.environ.variables"
FRAMEWORK = "facts.frameworks"


NEWER = Unknown("compute capability 14.0 is not in envprint's table")


class Case(NamedTuple):
    """A line for a table, and a question with its answers before and after."""

    table: str
    entry: dict[str, Any]
    ask: Callable[[], Any]
    before: Any
    after: Any


def with_source(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {"source": "https://example.org/notes", "date": "2026-11-28"}


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Add]:
    """A function that adds one line to a table in a copy, which is used until the test ends."""
    copy = tmp_path / "knowledge"
    shutil.copytree(knowledge.FOLDER, copy)
    monkeypatch.setattr(knowledge, "FOLDER", str(copy))
    knowledge.forget()

    def added(table: str, entry: dict[str, Any]) -> None:
        insert(copy / f"{table}.json", entry)
        knowledge.forget()

    yield added
    knowledge.forget()


def insert(path: Path, entry: dict[str, Any]) -> None:
    """Add one line at the head of a table."""
    lines = path.read_text("utf-8").splitlines()
    at = lines.index('  "entries": [') + 1
    path.write_text("\n".join([*lines[:at], f"    {json.dumps(entry)},", *lines[at:]]), "utf-8")


def messages(said: Any) -> list[str]:
    findings, undecided = said
    return [finding.message for finding in findings] + [entry.reason for entry in undecided]


def arm(field: str) -> Any:
    text = GRAVITON.replace("0xd40", "0xdff").replace("0x41", "0x7f")
    return cpu.collect(processor(text, "aarch64"))[field]


def card(**changes: Any) -> dict[str, Any]:
    facts = gpu.collect(reading(changed(**changes)))
    found: dict[str, Any] = facts["devices"]["0"]
    return found


def described(*fields: str) -> tuple[Any, ...]:
    found = card(compute_capability=[14, 0])
    return tuple(found[field] for field in fields)


def shares_memory() -> Any:
    without = {"memory": NOT_SUPPORTED, "compute_capability": [14, 0]}
    return card(name="NVIDIA Newton", **without)["shares_system_memory"]


def driver(rule: str, cuda: str, version: str = "605.10.01") -> list[str]:
    now = machine({DRIVER: version, **libraries("runtime", torch=cuda)}, "12.0")
    return messages(state(rule, now, ["torch"], "gpu"))


def drawn_by(*modules: str) -> Any:
    state = {"state": "a", "seeded": None, "seed": None}
    answer = {"generators": {"python": state}, "modules": [*modules]}
    return random.sample(host(interpreter=answer))["drawn_by"]


def built(rule: str, cuda: str, capability: str) -> list[str]:
    now = machine({f"{FRAMEWORK}.torch.version": "3.1.0", **libraries("runtime", torch=cuda)})
    now.facts["gpu"]["devices"]["0"]["compute_capability"] = capability
    return messages(state(rule, now, ["torch"], "gpu"))


def wheel() -> list[str]:
    now = machine({f"{FRAMEWORK}.torch.version": "3.0.1+cu140"}, "6.1")
    return messages(state("cuda-gpu-not-in-build", now, ["torch"], "gpu"))


def random_numbers() -> list[str]:
    sides = (machine({"facts.gpu.devices[0].sm_count": count}, "14.0") for count in (100, 120))
    return messages(drift("gpu-random-numbers-changed", *sides, ["torch"], "gpu"))


def tensorflow_python() -> list[str]:
    found = {f"{FRAMEWORK}.tensorflow.version": "2.99.0", "facts.python.version": "3.11.2"}
    return messages(state("tensorflow-python-unsupported", fingerprint(found), ["tensorflow"]))


def tensorflow_cuda() -> list[str]:
    now = cuda("2.99.0", None, "13.0.48")
    return messages(state("tensorflow-cuda-of-another-major", now, ["tensorflow"], "gpu"))


def numpy_generator() -> list[str]:
    sides = [fingerprint({"facts.frameworks.numpy.version": v}) for v in ("3.0.0", "3.1.0")]
    return messages(drift("numpy-generator-changed", *sides, ["numpy"]))


def scikit_learn() -> list[str]:
    sides = (fingerprint({f"{FRAMEWORK}.scikit_learn.version": v}) for v in ("2.0.0", "2.1.0"))
    return messages(drift("scikit-learn-version-changed", *sides, ["scikit-learn"]))


def conflict() -> list[str]:
    found = {"version": "9.0", "location": "/lib"}
    now = fingerprint({"facts.packages.distributions": {"torch": found, "numpy": found}})
    return messages(state("conflicts-pair", now, ["torch"]))


def limited(rule: str, version: str = "2.4.6", **variables: str) -> list[str]:
    sides = flags(AVX512, version), flags(AVX512, version, **variables)
    return messages(drift(rule, *sides, ["numpy"]))


def desktop() -> list[str]:
    browser = {"pid": 5, "name": "lynx-gl", "memory_bytes": 900, "own": False}
    found = messages(state(HELD, in_use(14000, browser), ["torch"], "gpu"))
    return [text.partition(":")[0] for text in found]


def duplicates() -> list[str]:
    copies = [{"version": version, "location": "/lib"} for version in ("1", "2")]
    now = fingerprint({"facts.packages.duplicates[torchtext]": copies})
    return messages(state("packages-duplicate-copies", now, ["torch"]))


def shared() -> list[str]:
    installed = {"pillow": {"version": "9.0.0"}, "pillow-fast": {"version": "9.0.1"}}
    now = fingerprint({"facts.packages.distributions": installed})
    return messages(state("packages-share-files", now))


def unrepeatable() -> list[str]:
    now = fingerprint({"facts.packages.distributions[liger-kernel].version": "0.5"})
    return messages(state("gpu-kernels-not-repeatable", now, ["torch"], "gpu"))


def microcode() -> list[str]:
    names = {"vendor": "GenuineIntel", "model": "Intel(R) Core(TM) i9-99999K"}
    now = fingerprint({"facts.cpu": {**names, "microcode": "0x1ff"}})
    return messages(state("cpu-microcode-known-bad", now))


def broken() -> list[str]:
    sides = [
        fingerprint({"facts.packages.distributions[timm].version": version})
        for version in ("2.0.0", "2.1.0")
    ]
    return messages(drift("behaviour-changed", *sides))


def xla() -> list[str]:
    sides = fingerprint({}), fingerprint({f"{VARIABLE}[XLA_FLAGS]": "--xla_new_flag=7"})
    return messages(drift("xla-flags-changed", *sides, ["jax"]))


def not_judged(name: str, *versions: str) -> list[str]:
    path = f"facts.packages.distributions[{name}].version"
    report = judge_drift(
        *(fingerprint({path: version}) for version in versions), Workload(), Policy()
    )
    return [f"{entry.message} ({entry.role})" for entry in report.unjudged]


def new_variable(name: str) -> list[str]:
    sides = fingerprint({VARIABLE: {}}), fingerprint({VARIABLE: {name: "7"}})
    report = judge_drift(*sides, Workload(frameworks=("torch",)), Policy())
    return [f"{entry.message} ({entry.role})" for entry in report.unjudged]


def newer(name: str, *versions: str) -> Any:
    path = f"facts.packages.distributions[{name}].version"
    sides = (fingerprint({path: version}) for version in versions)
    known = judge_drift(*sides, Workload(), Policy()).knowledge
    return known and known.newer


CASES = [
    Case(
        "newest_releases",
        {"distribution": "acme-nets", "version": "1.1"},
        lambda: newer("acme-nets", "1.0", "1.2"),
        (),
        ("acme-nets 1.2",),
    ),
    Case(
        "roles",
        {"distribution": "acme-nets", "roles": ["trains"]},
        lambda: not_judged("acme-nets", "1.0", "1.1"),
        ["acme-nets 1.0 → 1.1 (unknown)"],
        ["acme-nets 1.0 → 1.1 (trains)"],
    ),
    Case(
        "measured_equal",
        {"distribution": "timm", "first": "1.0.1", "last": "1.0.9", "measured": "timm.1"},
        lambda: not_judged("timm", "1.0.2", "1.0.8"),
        ["timm 1.0.2 → 1.0.8 (trains)"],
        [],
    ),
    Case(
        "arm_parts",
        {"implementer": "0x7f", "part": "0xdff", "name": "Newton-N1"},
        lambda: arm("model"),
        "implementer 0x7f part 0xdff",
        "Newton-N1",
    ),
    Case(
        "arm_implementers",
        {"implementer": "0x7f", "name": "Newton"},
        lambda: arm("vendor"),
        "0x7f",
        "Newton",
    ),
    Case(
        "compute_capabilities",
        {"capability": "14.0", "architecture": "Newton", "cores_per_sm": 64, "integrated": False},
        lambda: tuple(
            card(compute_capability=[14, 0])[name] for name in ("architecture", "sm_count")
        ),
        (NEWER, NEWER),
        ("Newton", 68),
    ),
    Case(
        "compute_capabilities",
        {"capability": "14.0", "threads_per_sm": 1024, "integrated": False},
        random_numbers,
        ["threads per SM of 14.0 are not in envprint's table"],
        [
            "GPU 0: PyTorch draws different random numbers on this GPU for tensors of more than "
            "102,400 elements"
        ],
    ),
    Case(
        "drawing_libraries",
        {"module": "fastai", "generators": ["python"]},
        lambda: drawn_by("fastai"),
        {},
        {"python": ["fastai"]},
    ),
    Case(
        "integrated_gpu_names",
        {"name": "Newton"},
        shares_memory,
        Unknown("NVML reports no memory for this GPU, which may share the system's"),
        True,
    ),
    Case(
        "cuda_driver_floors",
        {"cuda": "14", "driver": "700.10.01"},
        lambda: driver("cuda-driver-below-floor", "14.0"),
        [],
        ["torch was built with CUDA 14.0, which needs driver 700.10.01; 605.10.01 is installed"],
    ),
    Case(
        "cuda_releases",
        {"cuda": "13.9", "driver": "610.10.01"},
        lambda: driver("cuda-driver-older-than-toolkit", "13.9"),
        [],
        ["torch was built with CUDA 13.9 of driver 610.10.01; 605.10.01 runs it with limits"],
    ),
    Case(
        "cuda_lowest_capabilities",
        {"cuda": "14", "capability": "9.0"},
        lambda: built("cuda-gpu-dropped", "14.0", "8.0"),
        [],
        [
            "torch was built with CUDA 14.0, which supports GPUs from compute capability 9.0 on; "
            "GPU 0 has 8.0"
        ],
    ),
    Case(
        "cuda_first_toolkits",
        {"capability": "14", "cuda": "14.0"},
        lambda: built("cuda-gpu-newer-than-toolkit", "12.6", "14.0"),
        [],
        [
            "torch was built with CUDA 12.6, which has no machine code for compute "
            "capability 14.0 of GPU 0"
        ],
    ),
    Case(
        "torch_wheels",
        {
            "machine": "x86_64",
            "first": "3.0",
            "last": "3.1",
            "cuda": "14.0",
            "code": ["8.0", "9.0"],
        },
        wheel,
        [],
        ["torch 3.0.1+cu140 has no kernels for compute capability 6.1 of GPU 0"],
    ),
    Case(
        "tensorflow_pythons",
        {"first": "2.98", "last": "2.99", "lowest_python": "3.12", "highest_python": "3.15"},
        tensorflow_python,
        [],
        ["TensorFlow 2.99.0 is for Python 3.12 to 3.15, Python is 3.11.2"],
    ),
    Case(
        "tensorflow_cuda",
        {"first": "2.99", "last": "2.99", "cuda": "14.1", "cudnn": "10.2"},
        tensorflow_cuda,
        [],
        ["TensorFlow 2.99.0 was built with CUDA 14.1, and 13.0.48 is here"],
    ),
    Case(
        "scikit_learn_changes",
        {"release": "2.1", "models": ["Ridge"], "far": False},
        scikit_learn,
        ["scikit-learn was 2.0.0, is 2.1.0"],
        ["scikit-learn was 2.0.0, is 2.1.0: clearly different models from Ridge"],
    ),
    Case(
        "package_conflicts",
        {
            "package": "torch",
            "versions": ">=9",
            "other": "numpy",
            "with": ">=8,<10",
            "fails": "the import fails",
            "known": "reported",
        },
        conflict,
        [],
        ["torch 9.0 does not run with numpy 9.0 (the import fails)"],
    ),
    Case(
        "numpy_generator_changes",
        {"release": "3.1", "methods": ["gamma"]},
        numpy_generator,
        [],
        ["NumPy 3.1 changed what gamma() of a Generator draws"],
    ),
    Case(
        "numpy_loops",
        {"first": "9.0", "loops": "avx512", "level": "avx512", "needs": ["X86_V3"]},
        lambda: limited("numpy-cpu-features-limited", "9.1.0", NPY_DISABLE_CPU_FEATURES="X86_V4"),
        [
            "NPY_DISABLE_CPU_FEATURES was unset, is X86_V4: the instruction set of NumPy's "
            "loops was avx512, is avx2"
        ],
        [],
    ),
    Case(
        "engines",
        {"engine": "newrun", "sets": ["OMP_NUM_THREADS"]},
        lambda: list(set_by("newrun")),
        [],
        ["OMP_NUM_THREADS"],
    ),
    Case(
        "launchers",
        {"launcher": "newrun", "rank": "NEWRUN_RANK", "sizes": ["NEWRUN_SIZE"]},
        lambda: [is_chief({"NEWRUN_RANK": "1"}), world_size({"NEWRUN_SIZE": "4"})],
        [True, None],
        [False, {"processes": 4, "variable": "NEWRUN_SIZE"}],
    ),
    Case(
        "meant_to_differ",
        {
            "path": f"{VARIABLE}[NEWRUN_PLACE]",
            "kept": "nothing",
            "reason": "the place of the process",
        },
        lambda: Likeness(places()).normal("environ", {"variables": {"NEWRUN_PLACE": "7"}}),
        {"variables": {"NEWRUN_PLACE": "7"}},
        {"variables": {}},
    ),
    Case(
        "openblas_cores",
        {"core": "Zen9", "level": "avx2"},
        lambda: limited("openblas-core-changed", OPENBLAS_CORETYPE="zen9"),
        [],
        [
            "OPENBLAS_CORETYPE was unset, is zen9: the instruction set of NumPy's OpenBLAS "
            "was avx512, is avx2"
        ],
    ),
    Case(
        "desktop_programs",
        {"program": "lynx-gl"},
        desktop,
        ["900 MiB of 16.0 GiB (5 %) of GPU 0 are held by programs that compute"],
        ["900 MiB of 16.0 GiB (5 %) of GPU 0 are held by the desktop"],
    ),
    Case(
        "computing_distributions",
        {"distribution": "torchtext", "framework": "torch"},
        duplicates,
        [],
        ["torchtext 1 hides 2"],
    ),
    Case(
        "known_bad_microcode",
        {
            "vendor": "GenuineIntel",
            "model": "i9-99999K",
            "first": "0x100",
            "fixed": "0x200",
            "does": "computes wrongly",
        },
        microcode,
        [],
        ["microcode 0x1ff of this i9-99999K computes wrongly; 0x200 no longer does"],
    ),
    Case(
        "known_breaks",
        {
            "package": "timm",
            "since": "2.1.0",
            "impact": "numeric",
            "what": "layers are fused",
            "only_if": "any model",
            "known": "documented",
        },
        broken,
        [],
        ["timm was 2.0.0, is 2.1.0: from 2.1.0 on, layers are fused (concerns any model)"],
    ),
    Case(
        "unrepeatable_kernels",
        {
            "distribution": "liger-kernel",
            "what": "sums change",
            "only_if": "any kernel",
            "restore": "repeat=True",
        },
        unrepeatable,
        [],
        ["liger-kernel 0.5: sums change"],
    ),
    Case(
        "package_owners",
        {"distribution": "pillow-fast", "package": "PIL"},
        shared,
        [],
        ["pillow 9.0.0 and pillow-fast 9.0.1 both install PIL"],
    ),
    Case(
        "local_versions",
        {"distribution": "acme", "local": r"v\d", "index": "https://example.org/{local}/simple"},
        lambda: index_of("acme", "1.0+v7"),
        None,
        "https://example.org/v7/simple",
    ),
    Case(
        "conda_names",
        {"distribution": "acme", "conda": "acme-core"},
        lambda: sorted(
            packages_of_conda([Row("acme-core", "1", "py311_0")]).facts["packages"]["distributions"]
        ),
        [],
        ["acme"],
    ),
    Case(
        "command_wrappers",
        {"programs": ["true"], "starts": "command", "options": "-q"},
        lambda: follow(["/bin/true", "-q", sys.executable], {}, "/").python,
        None,
        sys.executable,
    ),
    Case(
        "variables",
        {"variable": "NEWTON_SPEED", "libraries": ["torch"]},
        lambda: new_variable("NEWTON_SPEED"),
        [],
        ["NEWTON_SPEED unset → 7 (framework)"],
    ),
    Case(
        "xla_flag_defaults",
        {"flag": "xla_new_flag", "default": "7"},
        xla,
        ["XLA_FLAGS: xla_new_flag was unset, is 7"],
        [],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.table)
def test_one_line_in_a_table_changes_the_answer(case: Case, add: Add) -> None:
    assert case.ask() == case.before
    add(case.table, with_source(case.entry))
    assert case.ask() == case.after
    whole = {"$schema": f"schemas/{case.table}.json", "entries": [*knowledge.entries(case.table)]}
    assert [error.message for error in validator(case.table).iter_errors(whole)] == []


def test_a_line_was_tried_in_every_table() -> None:
    assert sorted({case.table for case in CASES}) == TABLES
