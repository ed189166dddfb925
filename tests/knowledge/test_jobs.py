"""What a job may be named after, and what it computes with."""

from __future__ import annotations

import pytest

from envprint import knowledge
from envprint.core.fingerprint import FRAMEWORKS
from envprint.knowledge import roles
from envprint.knowledge.jobs import imported_as, job_named, with_all, workload_of


@pytest.mark.parametrize(
    ("name", "job"),
    [
        ("torch", "torch"),
        ("sklearn", "scikit-learn"),
        ("xgboost", "xgboost"),
        ("PIL", "pillow"),
        ("umap", "umap-learn"),
        ("sentence_transformers", "sentence-transformers"),
        ("librosa", "librosa"),
    ],
)
def test_a_job_is_named_after_a_framework_or_a_library(name: str, job: str) -> None:
    assert job_named(name) == job


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Transformers", "no framework or library 'Transformers'; did you mean transformers?"),
        ("xgbost", "no framework or library 'xgbost'; did you mean xgboost?"),
        ("caffe", "no framework or library 'caffe'; name what trains: jax, numpy"),
        ("wandb", "wandb takes no part in a training result; name what trains: jax"),
        ("torch-*", "no framework or library 'torch-*'"),
        ("", "no framework or library ''"),
    ],
)
def test_other_names_are_refused_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        job_named(name)
    assert str(refused.value).startswith(message)


def test_every_library_that_takes_part_is_a_name_of_a_job() -> None:
    for entry in knowledge.entries("roles"):
        name = entry["distribution"]
        if roles.takes_part(entry) and "*" not in name and name not in ("keras", "scikit-learn"):
            assert job_named(name) == name


def test_what_a_library_computes_with_is_followed_to_the_end() -> None:
    assert {"peft", "transformers", "accelerate", "torch"} <= set(with_all(["peft"]))
    assert with_all(["xgboost"]) == ("xgboost",)
    assert with_all(["tensorflow-cpu"]) == ("tensorflow", "tensorflow-cpu")


def test_what_a_library_computes_with_is_in_the_table() -> None:
    listed = {entry["distribution"] for entry in knowledge.entries("roles")}
    named = {one for e in knowledge.entries("roles") for one in e.get("computes_with", ())}
    assert named <= listed


def test_a_workload_has_the_frameworks_of_its_libraries() -> None:
    job = workload_of(["statsmodels", "jax"], "cpu")
    assert job.frameworks == ("jax", "numpy")
    assert job.libraries == ("scipy", "statsmodels")


def test_imported_modules_tell_the_libraries() -> None:
    modules = {"umap", "PIL", "torch", "numpy", "json", "wandb", "sentence_transformers"}
    found = set(imported_as(modules))
    assert {"umap-learn", "pillow", "sentence-transformers"} <= found
    assert found.isdisjoint({*FRAMEWORKS, "wandb"})
