"""The catalogue audits itself: every rule is founded and tested, every field is looked at or not.

A rule that nobody tested, a watched path that no collector declares, or a reason for not watching
that is no longer true fails here, and not at a user's.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from envprint import rules
from envprint.core import measurements
from envprint.core.discovery import load_parts, module_names
from envprint.core.fields import Field, MapOf, Record
from envprint.core.impact import Confidence, Impact
from envprint.core.report import DEVICES
from envprint.core.rule import Rule
from envprint.core.workload import FRAMEWORKS, Workload
from envprint.rules import ONLY_ON_GPU, applying, catalogue
from tests.benchmarks.accuracy.pair import HERE, Pair, Side, load
from tests.builders.declared import DECLARED
from tests.builders.golden_files import Golden

REQUIREMENTS = HERE / "requirements"
RULES = catalogue()
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def pattern(path: str) -> str:
    """A watched path with its map entries made general."""
    return re.sub(r"\[[^\]]*\]", "[*]", path)


def is_within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((outer + ".", outer + "["))


WATCHED = {pattern(path) for rule in RULES for path in rule.watches}


def places() -> set[str]:
    """Declared fields, and the entries of those that are maps."""
    entries = {
        f"{path}[*]" for path, (field, _) in DECLARED.items() if isinstance(field.shape, MapOf)
    }
    return set(DECLARED) | entries


def test_modules_left_out_on_the_cpu_have_nothing_to_say_there() -> None:
    everything = Workload(FRAMEWORKS, "cpu", machine="x86_64", batch_size=3, replicas=2)
    for name in ONLY_ON_GPU:
        modules = load_parts(f"envprint.rules.{name}")
        rules = [rule for module in modules for rule in getattr(module, "RULES", ())]
        assert [rule.id for rule in rules if rule.applies.holds(everything)] == []
    ids = {rule.id for rule in RULES if rule.applies.holds(everything)}
    assert {rule.id for rule in applying(everything)} == ids
    on_gpu = everything._replace(device="gpu")
    assert [r.id for r in applying(on_gpu)] == [r.id for r in RULES if r.applies.holds(on_gpu)]


def test_ids_are_unique_and_well_formed() -> None:
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name)] == []


OTHER_NAMES = {
    "batch_split.py": {"batch-not-divisible"},
    "cpu.py": {"numpy-cpu-features-limited", "onednn-isa-limited", "torch-cpu-capability-limited"},
    "cuda/settings.py": {
        "cublas-emulation-changed", "gpu-allocator-changed", "tensorflow-cudnn-workspace-changed",
        "torch-rocm-subnormals-changed",
    },
    "determinism.py": {
        "cublas-workspace-changed", "jax-determinism-off",
        "tensorflow-autotune-defeats-determinism", "tensorflow-convolutions-vary",
        "tensorflow-cudnn-determinism-changed", "tensorflow-determinism-variable-stale",
        "tensorflow-deterministic-ops-changed", "tensorflow-op-determinism-off",
        "threads-left-to-machine", "torch-determinism-off",
    },
    "framework_switches.py": {
        "onednn-precision-changed", "openmp-threads-vary", "tensorflow-gpu-kernels-switched",
        "tensorflow-onednn-switched", "tf32-override-changed",
    },
    "frameworks/jax.py": {"jaxlib-newer-than-jax"},
    "frameworks/numpy.py": {"scikit-learn-version-changed", "scipy-version-changed"},
    "frameworks/xla.py": {"jax-host-devices-changed", "tensorflow-clustering-changed"},
    "math.py": {
        "glibc-double-functions-changed", "glibc-hwcaps-changed", "jax-lapack-kernel-changed",
        "openblas-core-changed",
    },
    "packages.py": {
        "boosting-version-changed", "opencv-changed", "pandas-version-changed",
        "pillow-decoder-changed",
    },
    "random.py": {"generator-state-differs", "tensorflow-seed-unset"},
    "ranks.py": {"horovod-fusion-changed", "world-size-changed"},
    "thread_pools.py": {"math-thread-pools-changed"},
}  # fmt: skip
"""Rule files to ids that are older than the file's name; people have them in their policies.

The table only ever gets shorter: a new rule has a name that leads to its file."""
MAX_OTHER_NAMES = 41


def file_of(module: str) -> str:
    return module.removeprefix("envprint.rules.").replace(".", "/") + ".py"


def rule_files() -> dict[str, list[str]]:
    """The ids of the rules in each file."""
    modules = [m for name in module_names(rules) for m in load_parts(f"{rules.__name__}.{name}")]
    return {
        file_of(module.__name__): [rule.id for rule in getattr(module, "RULES", ())]
        for module in modules
    }


def begins_with_its_file(rule: str, file: str) -> bool:
    """Whether an id begins with its file's name or its package's; the singular counts as well."""
    names = file.removesuffix(".py").replace("_", "-").split("/")
    singular = [name.removesuffix("s") for name in names]
    return rule.startswith(tuple(f"{name}-" for name in (*names, *singular)))


def test_the_id_of_a_rule_begins_with_the_name_of_its_file_or_is_an_old_one() -> None:
    files = rule_files()
    assert {rule for ids in files.values() for rule in ids} == {rule.id for rule in RULES}
    others = {
        file: {rule for rule in ids if not begins_with_its_file(rule, file)}
        for file, ids in files.items()
    }
    assert {file: ids for file, ids in others.items() if ids} == OTHER_NAMES, (
        "begin a new rule's id with the name of its file, or move it to another file; "
        "take an id that has gone out of OTHER_NAMES"
    )
    assert sum(map(len, OTHER_NAMES.values())) <= MAX_OTHER_NAMES


@each_rule
def test_every_rule_says_why_when_not_and_what_to_do(rule: Rule) -> None:
    for text in (rule.why, rule.not_when):
        assert text.endswith("."), text
    assert rule.remedy
    assert rule.title
    assert not rule.title.endswith(".")


@each_rule
def test_every_rule_has_evidence(rule: Rule) -> None:
    assert rule.evidence
    for evidence in rule.evidence:
        assert evidence.what
        sources = bool(evidence.measured) + bool(evidence.url)
        assert sources == (0 if rule.id in BY_POLICY else 1), evidence


BY_POLICY = {
    "required-gpus-missing",
    "required-package-differs",
    "required-switch-off",
    "required-variable-differs",
}
"""Rules that say what the team itself has written down."""


PRIMARY = {
    *("developer.nvidia.com", "docs.nvidia.com", "docs.amd.com", "rocm.docs.amd.com"),
    *("www.intel.com", "community.intel.com", "uxlfoundation.github.io", "oneapi-src.github.io"),
    *("keras.io", "www.tensorflow.org", "docs.pytorch.org", "pytorch.org", "docs.jax.dev"),
    *("openxla.org", "numpy.org", "docs.scipy.org", "scikit-learn.org", "pandas.pydata.org"),
    *("pillow.readthedocs.io", "docs.opencv.org", "numba.readthedocs.io", "numexpr.readthedocs.io"),
    *("horovod.readthedocs.io", "xgboost.readthedocs.io", "lightgbm.readthedocs.io"),
    *("joblib.readthedocs.io", "docs.python.org", "peps.python.org", "packaging.python.org"),
    *("doc.pypy.org", "docs.conda.io", "git-scm.com", "go.dev", "docs.docker.com"),
    *("kubernetes.io", "slurm.schedmd.com", "research.google.com", "documentation.ubuntu.com"),
    *("docs.kernel.org", "man7.org", "sourceware.org", "www.gnu.org", "github.com", "arxiv.org"),
}
"""Where vendors, projects and authors speak for themselves. Blogs, forums' copies and aggregators
are no evidence; on GitHub it is the project's own repository, issues included."""


@each_rule
def test_evidence_is_from_whoever_made_the_thing(rule: Rule) -> None:
    for evidence in rule.evidence:
        if evidence.url:
            address = urlsplit(evidence.url)
            assert (address.scheme, address.query) == ("https", "")
            assert address.hostname in PRIMARY


@each_rule
def test_what_is_inferred_is_at_most_numeric(rule: Rule) -> None:
    if rule.confidence is Confidence.INFERRED:
        assert rule.impact <= Impact.NUMERIC


@each_rule
def test_what_is_called_measured_names_the_measurement(rule: Rule) -> None:
    if rule.confidence is Confidence.MEASURED:
        assert any(evidence.measured for evidence in rule.evidence) or rule.id in MEASURED_ELSEWHERE


MEASURED_ELSEWHERE = {"probe-import-fails", "tensorflow-onednn-switched"}
"""Measured by others, outside the recorded pairs or each time; the evidence says where."""


@each_rule
def test_a_difference_is_advice_only_where_equal_bits_were_measured(rule: Rule) -> None:
    """Quiet advice about what was measured to change a result would contradict its own page."""
    if rule.advice and not rule.state and rule.id not in SHOWS_ELSEWHERE:
        outcomes = {pair.measured for pair in cited_pairs() if pair.id in measured_by(rule)}
        assert "none" in outcomes, rule.id


def measured_by(rule: Rule) -> set[str | None]:
    return {evidence.measured for evidence in rule.evidence}


SHOWS_ELSEWHERE = {
    "packages-declared-only": "says what a side is, and not what differs",
    "code-changed": "the project's own code is no part of the environment",
    "code-file-system-changed": "matters to code that lists files and does not sort them",
    "container-changed": "what the image brings is compared on its own",
    "container-memory-limit-lowered": "a limit changes no bit of what fits",
    "environ-library-path-changed": "the libraries that are loaded are compared on their own",
    "math-openmp-changed": "thread counts and kernels are compared on their own",
    "python-startup-hooks-changed": "what a hook sets is compared on its own",
    "random-generator-may-differ": "whether it differs is not known",
    "random-generator-unseeded": "no difference: it is so at each start of one environment",
}
"""Differences that cannot have a measurement of their own, and why they are advice."""


@each_rule
def test_a_rule_looks_at_a_comparison_or_a_state_and_not_both(rule: Rule) -> None:
    assert not (rule.drift and rule.state) or rule.id in WEIGHS_A_NEW_STATE
    assert not (rule.probed and rule.state)
    assert rule.watches


WEIGHS_A_NEW_STATE = {"environ-name-misspelt": "a name that nobody reads makes no difference"}
"""Rules for which a state that is new since the baseline counts less than one of a check."""


@each_rule
def test_a_rule_yields_to_rules_that_exist(rule: Rule) -> None:
    assert set(rule.yields_to) <= {other.id for other in RULES} - {rule.id}


@each_rule
def test_every_watched_path_is_declared(rule: Rule) -> None:
    assert {pattern(path) for path in rule.watches} - places() == set()


def test_every_field_is_watched_or_says_why_not() -> None:
    silent = []
    for path, (field, around) in DECLARED.items():
        if isinstance(field.shape, Record) or _has_records(field):
            continue
        covered = any(is_within(path, w) or is_within(w, path) for w in WATCHED)
        if not covered and not any(outer.unwatched for outer in (*around, field)):
            silent.append(path)
    assert silent == []


def _has_records(field: Field) -> bool:
    """Whether the fields inside are judged one by one."""
    return isinstance(field.shape, MapOf) and isinstance(field.shape.item, Record)


def test_no_reason_for_not_watching_is_stale() -> None:
    stale = [
        path
        for path, (field, _) in DECLARED.items()
        if field.unwatched and any(is_within(watched, path) for watched in WATCHED)
    ]
    assert stale == [], "a rule looks at these fields now: take `unwatched` off them"


def cited_pairs() -> list[Pair]:
    """The measured pairs that rules name as evidence, by id."""
    cited = {evidence.measured for rule in RULES for evidence in rule.evidence} - {None}
    return sorted((p for p in load() if p.id in cited and p.measured), key=lambda pair: pair.id)


def test_every_measurement_that_is_cited_is_in_the_project() -> None:
    cited = {evidence.measured for rule in RULES for evidence in rule.evidence} - {None}
    assert cited == {pair.id for pair in cited_pairs()}


def test_what_the_cited_measurements_gave_is_shipped(golden: Golden) -> None:
    """The data is not installed with envprint, so what `explain` says of it is made from it."""
    entries = "".join(f'    "{pair.id}": "{outcome(pair)}",\n' for pair in cited_pairs())
    text = f"{MEASUREMENTS_HEAD}OUTCOMES: dict[str, str] = {{\n{entries}}}\n"
    golden(Path(measurements.__file__), text)


MEASUREMENTS_HEAD = '"""What the measurements that rules cite gave: id of the pair to a few words.'
MEASUREMENTS_HEAD += """

Made from tests/benchmarks/accuracy/pairs/ by
`pytest tests/judging/test_catalogue.py --update-golden`.
\"\"\"

from __future__ import annotations

"""


def outcome(pair: Pair) -> str:
    """Such as `numeric with numpy 2.4.6 → 2.3.5 on the CPU`."""
    versions = [version_of(pair.framework, side) for side in (pair.before, pair.after)]
    shown = " → ".join(dict.fromkeys(filter(None, versions)))
    what = f"{pair.framework} {shown}".rstrip()
    return f"{pair.measured} with {what} on {DEVICES[pair.device]}"


def version_of(framework: str, side: Side) -> str:
    """The framework's version among the requirements of a side; empty when it has none."""
    pins = (REQUIREMENTS / side.requirements).read_text(encoding="utf-8")
    found = re.search(rf"(?m)^{framework}(?:-cpu)?==([^+\s]+)", pins)
    return found[1] if found else ""
