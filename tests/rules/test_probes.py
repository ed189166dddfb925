"""Rules about what both sides were seen to compute."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import NOT_IMPORTED, NOT_MEASURED, NOT_TRAINED, Fingerprint
from envprint.core.impact import Impact
from tests.builders.support import drift, fingerprint, state

NUMERIC = "facts.probes.numeric"
TRAINING = "facts.probes.training"
ARITHMETIC, RANDOM = "probe-arithmetic-differs", "probe-random-differs"


def probed(key: str = "numpy", varying: tuple[str, ...] = (), **digests: str) -> Fingerprint:
    """A fingerprint whose probe gave these digests; `matmul_large` stands for `matmul/large`."""
    reported = {
        "revision": "r",
        "version": "2.4.6",
        "device": "cpu",
        "settings": {},
        "runs": 3,
        "digests": {name.replace("_", "/", 1).replace("_", " "): d for name, d in digests.items()},
        "varying": list(varying),
    }
    return fingerprint({f"{NUMERIC}[{key}]": reported})


NOT_PROBED = fingerprint(unknown={NUMERIC: NOT_MEASURED, TRAINING: NOT_TRAINED})


def test_operations_that_differ_are_named_by_class_and_type() -> None:
    before = probed(matmul_large_float32="a", matmul_large_float64="b", libm_exp_float32="c")
    after = probed(matmul_large_float32="x", matmul_large_float64="b", libm_exp_float32="c")
    findings, undecided = drift(ARITHMETIC, before, after, ["numpy"])
    assert [(f.impact, f.message, f.paths) for f in findings] == [
        (
            Impact.NUMERIC,
            "numpy on the CPU: matmul (1 of 2: large float32) differs; libm agrees",
            (f"{NUMERIC}[numpy].digests[matmul/large float32]",),
        )
    ]
    assert undecided == []
    assert drift(RANDOM, before, after, ["numpy"]) == ([], [])
    assert drift(ARITHMETIC, after, after, ["numpy"]) == ([], [])


def test_a_class_that_differs_as_a_whole_is_named_alone() -> None:
    before = probed(matmul_a_float32="1", fft_b_float32="2", libm_c_float32="3", random_d="4")
    after = probed(matmul_a_float32="5", fft_b_float32="6", libm_c_float32="3", random_d="4")
    (finding,), _ = drift(ARITHMETIC, before, after, ["numpy"])
    assert finding.message == "numpy on the CPU: fft and matmul differ; libm and random agree"


def test_of_many_operations_some_are_named() -> None:
    before = probed(**{f"libm_f{number}_float32": "a" for number in range(9)}, libm_same="s")
    after = probed(**{f"libm_f{number}_float32": "b" for number in range(9)}, libm_same="s")
    (finding,), _ = drift(ARITHMETIC, before, after, ["numpy"])
    assert "libm (9 of 10: f0 float32; f1 float32; f2 float32; f3 float32; 5 more) differ" in (
        finding.message
    )
    assert "nothing else agrees fully" in finding.message


def test_other_random_numbers_are_another_run() -> None:
    before = probed(random_normal="a", matmul_large_float32="m")
    after = probed(random_normal="b", matmul_large_float32="m")
    findings, undecided = drift(RANDOM, before, after, ["numpy"])
    assert [(f.impact, f.message) for f in findings] == [
        (Impact.DIVERGES, "numpy on the CPU: random differs; matmul agrees")
    ]
    assert undecided == []
    assert drift(ARITHMETIC, before, after, ["numpy"]) == ([], [])


def test_random_numbers_that_differ_in_their_last_digits_are_rounding() -> None:
    before = probed(random_normal_float64="a", random_normal_float64_coarse="c", random_bits="r")
    after = probed(random_normal_float64="b", random_normal_float64_coarse="c", random_bits="r")
    (finding,), undecided = drift(RANDOM, before, after, ["numpy"])
    assert (finding.impact, undecided) == (Impact.NUMERIC, [])
    assert finding.message == (
        "numpy on the CPU: random (1 of 2: normal float64) differs, in the last digits only; "
        "nothing else agrees fully"
    )
    others = probed(random_normal_float64="b", random_normal_float64_coarse="d", random_bits="r")
    (finding,), _ = drift(RANDOM, before, others, ["numpy"])
    assert finding.impact is Impact.DIVERGES


def test_the_settings_that_differ_are_part_of_the_finding() -> None:
    before, after = probed(matmul_large="a"), probed(matmul_large="b")
    for side, threads in ((before, "1"), (after, "2")):
        side.facts["probes"]["numeric"]["numpy"]["settings"]["threads"] = threads
    (finding,), _ = drift(ARITHMETIC, before, after, ["numpy"])
    assert f"{NUMERIC}[numpy].settings[threads]" in finding.paths


@pytest.mark.parametrize("rule", [ARITHMETIC, RANDOM])
def test_where_one_side_was_not_probed_nothing_is_said_and_nothing_doubted(rule: str) -> None:
    measured = probed(matmul_large="a", random_normal="b")
    assert drift(rule, NOT_PROBED, measured, ["numpy"]) == ([], [])
    assert drift(rule, measured, NOT_PROBED, ["numpy"]) == ([], [])
    assert drift(rule, fingerprint(), measured, ["numpy"]) == ([], [])


def test_an_operation_that_could_not_be_computed_is_a_doubt_and_the_others_count() -> None:
    place = f"{NUMERIC}[numpy].digests[matmul/small float32]"
    before = probed(matmul_large_float32="a", matmul_small_float32="b")
    after = probed(matmul_large_float32="x")._replace(unknown={place: "it crashed"})
    findings, undecided = drift(ARITHMETIC, before, after, ["numpy"])
    assert [f.message for f in findings] == [
        "numpy on the CPU: matmul differs; nothing else agrees fully"
    ]
    assert [(d.path, d.reason) for d in undecided] == [(place, "it crashed")]
    assert drift(RANDOM, before, after, ["numpy"]) == ([], [])


def test_every_operation_and_every_probe_that_is_unknown_is_listed() -> None:
    paths = [f"{NUMERIC}[numpy].digests[matmul/{name}]" for name in ("a", "b")]
    paths.append(f"{NUMERIC}[torch]")
    before = probed(matmul_a="1", matmul_b="2", matmul_c="3")
    before.facts["probes"]["numeric"]["torch"] = probed("torch").facts["probes"]["numeric"]["torch"]
    after = probed(matmul_c="4")._replace(unknown=dict.fromkeys(paths, "it crashed"))
    findings, undecided = drift(ARITHMETIC, before, after, ["numpy", "torch"])
    assert len(findings) == 1
    assert [entry.path for entry in undecided] == paths


@pytest.mark.parametrize("rule", [ARITHMETIC, RANDOM])
def test_results_of_other_programs_are_a_doubt_and_no_difference(rule: str) -> None:
    before, after = (probed(matmul_large=d, random_bits=d) for d in "ab")
    after.facts["probes"]["numeric"]["numpy"]["revision"] = "another"
    findings, undecided = drift(rule, before, after, ["numpy"])
    assert findings == []
    assert [(d.path, d.reason) for d in undecided] == [
        (f"{NUMERIC}[numpy]", "measured by different programs on the two sides")
    ]


def test_a_probe_of_one_side_only_says_nothing() -> None:
    both = probed("torch", matmul_large="a"), probed("jax", matmul_large="b")
    assert drift(ARITHMETIC, *both, ["torch", "jax"]) == ([], [])


@pytest.mark.parametrize(
    ("key", "frameworks", "device", "said"),
    [
        ("torch", ["torch"], "cpu", 1),
        ("torch", ["torch"], "gpu", 1),
        ("torch", ["tensorflow"], "cpu", 0),
        ("torch", [], "cpu", 1),
        ("python", ["tensorflow"], "cpu", 1),
        ("torch on gpu:0", ["torch"], "gpu", 1),
        ("torch on gpu:0", ["torch"], "cpu", 0),
    ],
)
def test_a_probe_speaks_for_the_frameworks_and_the_device_of_the_job(
    key: str, frameworks: list[str], device: str, said: int
) -> None:
    sides = probed(key, matmul_large="a"), probed(key, matmul_large="b")
    assert len(drift(ARITHMETIC, *sides, frameworks, device)[0]) == said


def test_a_machine_that_does_not_repeat_itself_is_told() -> None:
    rule = "probe-does-not-repeat"
    now = probed(varying=("matmul/large float32",), libm_exp="a")
    findings, undecided = state(rule, now, ["numpy"])
    assert [(f.impact, f.message) for f in findings] == [
        (
            Impact.NUMERIC,
            "numpy on the CPU: matmul/large float32 gave different results in 3 runs",
        )
    ]
    assert undecided == []
    assert state(rule, probed(libm_exp="a"), ["numpy"]) == ([], [])
    assert state(rule, NOT_PROBED, ["numpy"]) == ([], [])


def trained(
    weights: str = "w",
    loss: float | None = 2.0,
    settings: dict[str, str] | None = None,
    parted_at_step: int | None = None,
) -> Fingerprint:
    """A fingerprint with two runs of the training probe."""
    run: dict[str, Any] = {"loss": 1.0, "first_epoch_loss": loss, "weights": weights}
    reported = {
        "revision": "r",
        "version": "2.21.0",
        "settings": {"framework_seed": "1"} if settings is None else settings,
        "runs": [run, run],
        "repeats": parted_at_step is None,
        "parted_at_step": parted_at_step,
    }
    return fingerprint({f"{TRAINING}[tensorflow]": reported})


@pytest.mark.parametrize(
    ("loss", "impact"), [(2.001, Impact.NUMERIC), (2.1, Impact.DIVERGES), (1.0, Impact.DIVERGES)]
)
def test_other_weights_count_by_how_far_the_first_losses_are_apart(
    loss: float, impact: Impact
) -> None:
    rule = "probe-training-differs"
    findings, undecided = drift(rule, trained(), trained("x", loss), ["tensorflow"])
    assert [(f.impact, f.before, f.after) for f in findings] == [(impact, 2.0, loss)]
    assert undecided == []
    assert "tensorflow: different weights; losses after the first epoch are" in findings[0].message


@pytest.mark.parametrize(
    ("before", "after", "impact", "words"),
    [
        (None, None, Impact.NUMERIC, "are not finite"),
        (2.0, None, Impact.DIVERGES, "are finite on one side only"),
        (None, 2.0, Impact.DIVERGES, "are finite on one side only"),
    ],
)
def test_other_weights_count_also_where_a_loss_is_not_a_number(
    before: float | None, after: float | None, impact: Impact, words: str
) -> None:
    (finding,), _ = drift(
        "probe-training-differs", trained(loss=before), trained("x", after), ["tensorflow"]
    )
    assert (finding.impact, finding.before, finding.after) == (impact, before, after)
    assert finding.message.endswith(words)


def test_trainings_are_compared_only_when_set_alike_and_repeating_themselves() -> None:
    rule = "probe-training-differs"
    assert drift(rule, trained(), trained(loss=9.0), ["tensorflow"]) == ([], [])
    other = trained("x", settings={"framework_seed": "2"})
    assert drift(rule, trained(), other, ["tensorflow"]) == ([], [])
    assert drift(rule, trained(), trained("x", parted_at_step=3), ["tensorflow"]) == ([], [])
    assert drift(rule, NOT_PROBED, trained("x"), ["tensorflow"]) == ([], [])
    assert drift(rule, trained(), trained("x"), ["torch"]) == ([], [])


def test_a_training_that_does_not_repeat_itself_is_told_unless_a_seed_was_left_off() -> None:
    rule = "probe-training-does-not-repeat"
    findings, undecided = state(rule, trained(parted_at_step=7), ["tensorflow"])
    assert [(f.impact, f.message) for f in findings] == [
        (Impact.NUMERIC, "tensorflow: weights diverged after step 7")
    ]
    assert undecided == []
    seedless = trained(parted_at_step=0, settings={"framework_seed": "off"})
    assert state(rule, seedless, ["tensorflow"]) == ([], [])
    assert state(rule, trained(), ["tensorflow"]) == ([], [])


IMPORTS = "facts.probes.imports"
FAILS = "probe-import-fails"


def imported(unknown: dict[str, str] | None = None, **errors: str | None) -> Fingerprint:
    """A fingerprint in which libraries were imported, each with its error or None."""
    found = {
        name.replace("_", "-"): {"module": name, "version": "1", "ok": not error, "error": error}
        for name, error in errors.items()
    }
    reasons = {f"{IMPORTS}[{name}]": reason for name, reason in (unknown or {}).items()}
    return fingerprint({IMPORTS: found}, unknown=reasons)


def test_a_library_that_cannot_be_imported_breaks_the_job() -> None:
    now = imported(pandas="ValueError: numpy.dtype size changed", numpy=None)
    (finding,), undecided = state(FAILS, now, ["numpy"])
    assert (finding.impact, finding.paths) == (Impact.BREAKS, (f"{IMPORTS}[pandas]",))
    assert finding.message == (
        "import pandas fails (pandas 1): ValueError: numpy.dtype size changed"
    )
    assert undecided == []
    assert state(FAILS, imported(pandas=None, numpy=None), ["numpy"]) == ([], [])


def test_a_library_whose_first_use_fails_breaks_the_job() -> None:
    one = {"module": "flax.linen", "version": "0.8.5", "ok": False, "used": False, "error": "x"}
    (finding,), _ = state(FAILS, fingerprint({IMPORTS: {"flax": one}}), ["jax"])
    assert finding.impact is Impact.BREAKS
    assert finding.message == "the first use of flax.linen fails (flax 0.8.5): x"


def test_an_import_that_took_too_long_is_undecided_and_others_are_judged() -> None:
    now = imported({"numba": "importing it took longer than 120 s"}, scipy="ImportError: x")
    findings, undecided = state(FAILS, now, ["numpy"])
    assert [finding.paths for finding in findings] == [(f"{IMPORTS}[scipy]",)]
    assert [(one.path, one.reason) for one in undecided] == [
        (f"{IMPORTS}[numba]", "importing it took longer than 120 s")
    ]


def test_a_library_of_another_framework_or_of_no_part_is_not_judged() -> None:
    now = imported(flax="ImportError: x", pytest="ImportError: x")
    assert state(FAILS, now, ["torch"]) == ([], [])
    assert len(state(FAILS, now, ["jax"])[0]) == 1


def test_a_diff_tells_what_no_longer_starts() -> None:
    works, fails = imported(pandas=None), imported(pandas="ImportError: x")
    assert len(drift(FAILS, works, fails, ["numpy"])[0]) == 1
    assert drift(FAILS, fails, fails, ["numpy"]) == ([], [])
    assert drift(FAILS, fails, works, ["numpy"]) == ([], [])


def test_imports_that_nobody_asked_for_are_no_question() -> None:
    nothing = fingerprint(unknown={IMPORTS: NOT_IMPORTED})
    assert state(FAILS, nothing, ["numpy"]) == ([], [])
    assert drift(FAILS, imported(pandas=None), nothing, ["numpy"]) == ([], [])


def test_an_import_of_which_a_document_holds_little_is_judged_by_what_it_holds() -> None:
    now = fingerprint({IMPORTS: {"pandas": {"ok": False}, "numpy": {}}})
    assert len(state(FAILS, now, ["numpy"])[0]) == 1
