"""Rules about packages that are installed together and do not run together."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.judging.policy.model import Policy
from tests.builders.judged import judge_state
from tests.builders.support import Said, fingerprint, state, workload

DISTRIBUTIONS = "facts.packages.distributions"
UNMET = "facts.packages.unmet"
CONDA = "facts.packages.conda"
WHEEL = ["cp311-cp311-manylinux_2_28_x86_64"]
FRAMEWORKS = ("jax", "numpy", "scikit-learn", "tensorflow", "torch")


def having(*pins: str, **more: Any) -> Fingerprint:
    """What `pip install` of these pins leaves; `python` is the interpreter."""
    entries, values = {}, {}
    for pin in pins:
        name, _, version = pin.partition("==")
        if name == "python":
            values["facts.python.version"] = version
        else:
            entries[name] = {"version": version, "installer": "pip", "tags": WHEEL}
    values = {**values, DISTRIBUTIONS: entries, "facts.packages": {}, **more}
    values["facts.packages"] = {"distributions": entries, **values.pop("packages", {})}
    del values[DISTRIBUTIONS]
    return fingerprint(values)


def asks(package: str, requirement: str, installed: str | None, **more: Any) -> Fingerprint:
    """A package whose metadata asks for something else than is installed."""
    name, version = package.split("==")
    wanted, _, specifier = requirement.partition(" ")
    entries = {name: {"version": version, "installer": "pip", "tags": WHEEL, **more}}
    if installed:
        entries[wanted] = {"version": installed, "installer": "pip", "tags": WHEEL}
    missing = [{"name": wanted, "specifier": specifier, "installed": installed}]
    return fingerprint(
        {"facts.packages": {"distributions": entries, "unmet": {name: missing}, "conda": {}}}
    )


def pairs(now: Fingerprint, *frameworks: str) -> list[str]:
    findings, undecided = state("conflicts-pair", now, list(frameworks or FRAMEWORKS))
    assert undecided == []
    return [finding.message for finding in findings]


def test_a_pair_names_both_versions_what_fails_and_a_command() -> None:
    now = having("pandas==2.1.4", "numpy==2.0.2")
    findings, undecided = state("conflicts-pair", now, ["numpy"])
    (found,) = findings
    assert found.message == (
        "pandas 2.1.4 does not run with numpy 2.0.2 (the import fails: it is built for NumPy 1)"
    )
    assert (found.impact, found.confidence) == (Impact.BREAKS, Confidence.MEASURED)
    assert found.paths == (f"{DISTRIBUTIONS}[pandas].version", f"{DISTRIBUTIONS}[numpy].version")
    assert found.remedy == "pip install 'pandas>=2.2.2'"
    assert found.note == "Or install numpy<2."
    assert found.evidence == ("Installed and run with Python 3.11 on x86-64 Linux",)
    assert undecided == []


FAILING = [
    ("pandas==2.2.1", "numpy==2.0.0"),
    ("matplotlib==3.8.3", "numpy==2.4.6"),
    ("h5py==3.10.0", "numpy==2.0.2"),
    ("pyarrow==15.0.2", "numpy==2.0.2"),
    ("opencv-python==4.9.0.80", "numpy==2.1.0"),
    ("opencv-python-headless==4.10.0.82", "numpy==2.1.0"),
    ("opencv-contrib-python==4.8.1.78", "numpy==2.0.2"),
    ("scikit-image==0.22.0", "numpy==2.0.2"),
    ("scikit-learn==1.4.1", "numpy==2.0.0"),
    ("scipy==1.12.0", "numpy==2.0.0"),
    ("shapely==2.0.3", "numpy==2.0.0"),
    ("gensim==4.3.3", "numpy==2.0.0"),
    ("faiss-cpu==1.8.0.post1", "numpy==2.0.0"),
    ("scs==3.2.4.post1", "numpy==2.0.0"),
    ("torch==2.2.2+cu121", "numpy==2.0.0"),
    ("tensorflow==2.17.1", "numpy==2.0.2"),
    ("tensorflow-cpu==2.17.1", "numpy==2.0.2"),
    ("jaxlib==0.4.25", "numpy==2.0.2"),
    ("jax==0.10.2", "numpy==1.26.4"),
    ("jax==0.10.2", "ml-dtypes==0.4.1"),
    ("jax==0.10.2", "jaxlib==0.9.0"),
    ("numba==0.59.1", "numpy==2.0.2"),
    ("numba==0.61.0", "numpy==2.2.0"),
    ("numba==0.61.2", "llvmlite==0.43.0"),
    ("tensorflow==2.9.0", "protobuf==4.21.0"),
    ("tensorflow==2.11.1", "protobuf==4.25.3"),
    ("tensorflow==2.21.0", "protobuf==5.29.6"),
    ("tensorflow==2.15.1", "keras==3.0.5"),
    ("tensorflow==2.16.1", "keras==2.15.0"),
    ("tensorflow-addons==0.23.0", "tensorflow==2.16.1"),
    ("tensorflow-text==2.18.1", "tensorflow==2.20.0"),
    ("tensorflow-hub==0.16.1", "setuptools==82.0.0"),
    ("transformers==4.30.2", "tokenizers==0.22.1"),
    ("transformers==4.57.1", "huggingface-hub==1.1.5"),
    ("transformers==5.23.0", "safetensors==0.7.0"),
    ("transformers==5.23.0", "accelerate==0.34.2"),
    ("peft==0.17.1", "transformers==5.0.0"),
    ("diffusers==0.25.0", "huggingface-hub==0.26.0"),
    ("datasets==2.14.5", "pyarrow==21.0.0"),
    ("torchvision==0.20.1", "torch==2.6.0"),
    ("torchvision==0.15.2", "torch==2.1.2"),
    ("torchaudio==2.5.1", "torch==2.6.0"),
    ("torchtext==0.18.0", "torch==2.4.1"),
    ("torchcodec==0.2.1", "torch==2.7.1"),
    ("torch==2.4.1", "nvidia-cudnn-cu12==8.9.2.26"),
    ("torch==2.2.2", "nvidia-nccl-cu12==2.18.1"),
    ("torch==2.13.0", "typing-extensions==4.9.0"),
    ("pytorch-lightning==1.7.7", "torchmetrics==1.0.0"),
    ("flax==0.8.5", "jax==0.10.2"),
    ("lightgbm==4.5.0", "scikit-learn==1.9.1"),
    ("umap-learn==0.5.7", "scikit-learn==1.8.0"),
    ("imbalanced-learn==0.13.0", "scikit-learn==1.7.2"),
    ("statsmodels==0.14.4", "scipy==1.16.3"),
    ("spacy==3.7.5", "thinc==8.3.0"),
    ("pydantic==2.10.6", "pydantic-core==2.41.5"),
    ("jinja2==2.11.3", "markupsafe==2.1.5"),
    ("pydub==0.25.1", "python==3.13.1"),
    ("fastparquet==2024.2.0", "numpy==2.2.6"),
    ("osqp==0.6.7", "numpy==2.2.6"),
    ("pyamg==5.1.0", "numpy==2.2.6"),
    ("networkx==2.4", "numpy==1.26.4"),
    ("tsfresh==0.20.3", "scipy==1.15.3"),
    ("tsfresh==0.20.3", "setuptools==82.0.0"),
    ("lifelines==0.28.0", "scipy==1.14.1"),
    ("healpy==1.16.6", "scipy==1.15.3"),
    ("imbalanced-learn==0.12.2", "scikit-learn==1.6.1"),
    ("imbalanced-learn==0.12.2", "scikit-learn==1.5.2"),
    ("autograd==1.6.2", "numpy==2.2.6"),
    ("dipy==1.9.0", "numpy==2.2.6"),
    ("mdtraj==1.10.1", "numpy==2.2.6"),
    ("hyperopt==0.2.7", "setuptools==82.0.0"),
    ("lightning==2.0.9", "setuptools==82.0.0"),
    ("mdanalysis==2.7.0", "numpy==2.2.6"),
    ("speechrecognition==3.11.0", "python==3.13.0"),
    ("antlr4-python3-runtime==4.8", "python==3.13.0"),
    ("gplearn==0.4.2", "scikit-learn==1.7.0"),
    ("optax==0.1.4", "jax==0.10.2"),
    ("equinox==0.13.0", "jax==0.10.2"),
    ("orbax-checkpoint==0.11.10", "jax==0.10.2"),
    ("segmentation-models==1.0.1", "keras==3.11.0"),
    ("tensorflow-model-optimization==0.8.0", "keras==3.11.0"),
]


@pytest.mark.parametrize("pins", FAILING, ids=" ".join)
def test_a_known_pair_breaks(pins: tuple[str, str]) -> None:
    now = having(*pins)
    device = "gpu" if "nvidia" in pins[1] else "cpu"
    findings, undecided = state("conflicts-pair", now, list(FRAMEWORKS), device)
    assert [finding.impact for finding in findings] == [Impact.BREAKS]
    assert findings[0].message.startswith(pins[0].replace("==", " "))
    assert findings[0].remedy.startswith(("pip install ", "Install versions"))
    assert undecided == []


# Images that were published with these versions, in which the main packages import.
RAN_TOGETHER = [
    "torch==1.13.0 torchvision==0.14.0 torchaudio==0.13.0 torchtext==0.14.0 tensorflow==2.9.2 "
    "keras==2.9.0 protobuf==3.19.6 jax==0.3.25 jaxlib==0.3.25 numpy==1.21.6 pandas==1.3.5 "
    "scipy==1.7.3 scikit-learn==1.0.2 numba==0.56.4",
    "torch==2.0.1 torchvision==0.15.2 torchaudio==2.0.2 torchtext==0.15.2 tensorflow==2.12.0 "
    "keras==2.12.0 protobuf==3.20.3 jax==0.4.10 jaxlib==0.4.10 flax==0.6.9 optax==0.1.5 "
    "numpy==1.22.4 pandas==1.5.3 scipy==1.10.1 scikit-learn==1.2.2 numba==0.56.4",
    "torch==2.1.0 torchvision==0.16.0 torchaudio==2.1.0 torchtext==0.16.0 tensorflow==2.15.0 "
    "keras==2.15.0 protobuf==3.20.3 jax==0.4.23 jaxlib==0.4.23 flax==0.7.5 transformers==4.35.2 "
    "tokenizers==0.15.0 huggingface-hub==0.20.1 numpy==1.23.5 pandas==1.5.3 scipy==1.11.4 "
    "scikit-learn==1.2.2 numba==0.58.1",
    "torch==2.3.0 torchvision==0.18.0 torchaudio==2.3.0 torchtext==0.18.0 tensorflow==2.15.0 "
    "keras==2.15.0 tf-keras==2.15.1 protobuf==3.20.3 jax==0.4.26 jaxlib==0.4.26 flax==0.8.4 "
    "transformers==4.41.1 tokenizers==0.19.1 huggingface-hub==0.23.0 numpy==1.25.2 "
    "pandas==2.0.3 scipy==1.11.4 scikit-learn==1.2.2 numba==0.58.1",
    "torch==2.5.1 torchvision==0.20.1 torchaudio==2.5.1 tensorflow==2.17.1 keras==3.5.0 "
    "tf-keras==2.17.0 protobuf==4.25.5 jax==0.4.33 jaxlib==0.4.33 flax==0.8.5 "
    "transformers==4.46.2 tokenizers==0.20.3 huggingface-hub==0.26.2 peft==0.13.2 numpy==1.26.4 "
    "pandas==2.2.2 scipy==1.13.1 scikit-learn==1.5.2 numba==0.60.0",
    "torch==2.6.0 torchvision==0.21.0 torchaudio==2.6.0 tensorflow==2.18.0 keras==3.8.0 "
    "tf-keras==2.18.0 protobuf==5.29.4 jax==0.5.2 jaxlib==0.5.1 flax==0.10.4 "
    "transformers==4.50.0 tokenizers==0.21.1 huggingface-hub==0.29.3 peft==0.14.0 numpy==2.0.2 "
    "pandas==2.2.2 scipy==1.14.1 scikit-learn==1.6.1 numba==0.60.0",
    "torch==2.8.0 torchvision==0.23.0 torchaudio==2.8.0 tensorflow==2.19.0 keras==3.10.0 "
    "tf-keras==2.19.0 protobuf==5.29.5 jax==0.5.3 jaxlib==0.5.3 flax==0.10.6 "
    "transformers==4.55.2 tokenizers==0.21.4 huggingface-hub==0.34.4 peft==0.17.0 numpy==2.0.2 "
    "pandas==2.2.2 scipy==1.16.1 scikit-learn==1.6.1 numba==0.60.0",
    "torch==2.10.0 torchvision==0.25.0 torchaudio==2.10.0 torchcodec==0.10.0 tensorflow==2.19.0 "
    "keras==3.10.0 tf-keras==2.19.0 protobuf==5.29.6 jax==0.7.2 jaxlib==0.7.2 flax==0.11.2 "
    "transformers==5.0.0 tokenizers==0.22.2 huggingface-hub==1.4.1 peft==0.18.1 numpy==2.0.2 "
    "pandas==2.2.2 scipy==1.16.3 scikit-learn==1.6.1 numba==0.60.0",
    "torch==2.11.0 torchvision==0.26.0 torchaudio==2.11.0 torchcodec==0.11.0 tensorflow==2.20.0 "
    "keras==3.13.2 tf-keras==2.20.1 protobuf==5.29.6 jax==0.7.2 jaxlib==0.7.2 flax==0.11.2 "
    "transformers==5.15.0 tokenizers==0.22.2 huggingface-hub==1.27.0 peft==0.20.0 numpy==2.1.3 "
    "pandas==2.2.3 scipy==1.16.3 scikit-learn==1.6.1 numba==0.61.2",
]


@pytest.mark.parametrize("image", RAN_TOGETHER, ids=lambda image: image.split()[0])
def test_what_was_published_together_is_quiet(image: str) -> None:
    assert pairs(having(*image.split())) == []


@pytest.mark.parametrize(
    "pins",
    [
        ("pandas==2.2.2", "numpy==2.0.0"),
        ("pandas==2.1.4", "numpy==1.26.4"),
        ("pandas==2.1.4",),
        ("xgboost==2.0.3", "numpy==2.0.2"),
        ("scipy==1.17.1", "numpy==1.26.4"),
        ("tensorflow==2.18.0", "numpy==2.4.6"),
        ("tensorflow==2.18.0", "protobuf==7.35.0"),
        ("tf-keras==2.16.0", "tensorflow==2.21.0"),
        ("tensorflow-probability==0.25.0", "tensorflow==2.16.1", "tf-keras==2.16.0"),
        ("pydub==0.25.1", "audioop-lts==0.2", "python==3.13.1"),
        ("xgboost==2.1.3", "scikit-learn==1.6.1"),
        ("fastparquet==2024.5.0", "numpy==2.2.6"),
        ("osqp==0.6.7.post3", "numpy==2.2.6"),
        ("rasterio==1.3.10", "numpy==2.2.6"),
        ("scikit-misc==0.4.0", "numpy==2.2.6"),
        ("rdkit==2023.9.6", "numpy==2.2.6"),
        ("biopython==1.83", "numpy==2.2.6"),
        ("boost-histogram==1.4.0", "numpy==2.2.6"),
        ("networkx==2.5.1", "numpy==1.26.4"),
        ("openpyxl==3.0.5", "numpy==1.26.4"),
        ("tsfresh==0.21.0", "scipy==1.15.3"),
        ("lifelines==0.29.0", "scipy==1.14.1"),
        ("autograd==1.7.0", "numpy==2.2.6"),
        ("pyerfa==2.0.1.3", "numpy==2.2.6"),
        ("hyperopt==0.2.7", "setuptools==81.0.0"),
        ("lightning==2.5.5", "setuptools==82.0.0"),
        ("lapx==0.5.11", "numpy==2.2.6"),
        ("jax==0.4.23", "scipy==1.13.1"),
        ("antlr4-python3-runtime==4.9.3", "python==3.13.0"),
        ("imbalanced-learn==0.12.3", "scikit-learn==1.6.1"),
        ("optax==0.1.5", "jax==0.10.2"),
        ("equinox==0.13.2", "jax==0.10.2"),
        ("orbax-checkpoint==0.11.20", "jax==0.10.2"),
        ("flax==0.11.2", "jax==0.10.2"),
        ("efficientnet==1.1.1", "keras==3.11.0"),
        ("tensorflow-model-optimization==0.8.0", "keras==3.11.0", "tf-keras==2.19.0"),
    ],
    ids=" ".join,
)
def test_pairs_that_run_are_quiet(pins: tuple[str, ...]) -> None:
    assert pairs(having(*pins)) == []


def test_a_package_of_another_framework_is_none_of_the_jobs_business() -> None:
    now = having("flax==0.8.5", "jax==0.10.2", "torch==2.13.0")
    assert pairs(now, "torch") == []
    assert len(pairs(now, "jax")) == 1
    # JAX was measured to run with a SciPy that NumPy code cannot import.
    assert pairs(having("scipy==1.11.4", "numpy==2.4.6"), "jax") == []


def test_a_pair_whose_version_is_unknown_is_undecided() -> None:
    lost = {f"{DISTRIBUTIONS}[pandas].version": "denied"}
    entries = {"pandas": {"installer": "pip"}, "numpy": {"version": "2.0.0"}}
    now = fingerprint({"facts.packages": {"distributions": entries}}, lost)
    findings, undecided = state("conflicts-pair", now, ["numpy"])
    assert (findings, [one.reason for one in undecided]) == ([], ["denied"])


def test_a_failure_in_some_uses_is_advice() -> None:
    now = having("xgboost==2.1.3", "scikit-learn==1.6.1")
    findings, undecided = state("conflicts-in-some-use", now, ["numpy"])
    assert [(one.advice, one.message) for one in findings] == [
        (
            True,
            "xgboost 2.1.3 fails if cross-validation, a search or a pipeline uses it, with "
            "scikit-learn 1.6.1 (no __sklearn_tags__)",
        )
    ]
    assert undecided == []
    fixed = having("xgboost==2.1.4", "scikit-learn==1.6.1")
    assert state("conflicts-in-some-use", fixed, ["numpy"]) == ([], [])
    unknown = fingerprint(unknown={DISTRIBUTIONS: "denied"})
    assert len(state("conflicts-in-some-use", unknown, ["numpy"])[1]) == 1


def test_pytorch_of_conda_and_a_later_mkl_break_in_conda_only() -> None:
    def conda(mkl: str, torch: str = "2.0.1") -> Said:
        found = {"pytorch": {"version": torch}, "mkl": {"version": mkl}}
        now = fingerprint({"facts.packages": {"distributions": {}, "conda": found}})
        return state("conflicts-pair", now, ["torch"])

    findings, _ = conda("2024.1.0")
    assert [(one.impact, one.remedy) for one in findings] == [
        (Impact.BREAKS, "conda install --yes 'mkl<2024.1'")
    ]
    assert conda("2024.0.0") == conda("2024.1.0", "2.5.1") == ([], [])
    assert pairs(having("torch==2.0.1", "mkl==2024.1.0")) == []


@pytest.mark.parametrize(
    "now",
    [
        asks("torchvision==0.20.1", "torch ==2.5.1", "2.5.0"),
        asks("spconv==2.3", "numpy <2,>=1.22", "2.0.2"),
        asks("tensorstore==1.0", "ml-dtypes >=0.4,<0.5", "0.6.0"),
        asks("accelerate==1.0", "huggingface-hub >=1.5", "0.36.0", tags=["py3-none-any"]),
        asks("accelerate==1.0", "safetensors ", None, tags=["py3-none-any"]),
        asks("torch==2.14.0", "nvidia-cudnn-cu13 ==9.20.0.1", "9.10.2.21"),
    ],
)
def test_a_requirement_that_leaves_no_room_breaks(now: Fingerprint) -> None:
    findings, undecided = state("conflicts-requirement", now, ["torch", "numpy"], "gpu")
    assert [finding.impact for finding in findings] == [Impact.BREAKS]
    assert findings[0].remedy.startswith("pip install ")
    assert undecided == []
    assert state("conflicts-requirement-open", now, ["torch", "numpy"], "gpu") == ([], [])


@pytest.mark.parametrize(
    "now",
    [
        asks("peft==0.30.0", "accelerate >=1.20", "1.15.0", tags=["py3-none-any"]),
        asks("statsmodels==0.20", "pandas <4", "4.0.1"),
        asks("pandas==3.1.1", "numpy >=2.0.2", "1.26.4"),
        asks("albumentations==3.0", "albucore ==0.1.0", "0.1.1", tags=["py3-none-any"]),
        asks("torch==2.14.0", "nvidia-cudnn-cu13 ==9.20.0.1", "9.21.0.3"),
        asks("scipy==1.20", "numpy <2.5,>=2.4", "2.6.0"),
        asks("torch==2.20.0", "triton ==4.0.0", "4.1.0", installer="conda"),
        asks("torch==2.20.0", "wheel ", None),
    ],
)
def test_any_other_unmet_requirement_is_advice(now: Fingerprint) -> None:
    findings, undecided = state("conflicts-requirement-open", now, ["torch", "numpy"], "gpu")
    assert [finding.advice for finding in findings] == [True]
    assert undecided == []
    assert state("conflicts-requirement", now, ["torch", "numpy"], "gpu") == ([], [])


@pytest.mark.parametrize(
    "now",
    [
        having("torch==2.13.0"),
        asks("wandb==0.20", "click >=99", "8.0", tags=["py3-none-any"]),
        asks("flax==0.20", "jax >=1", "0.10.2", tags=["py3-none-any"]),
        asks("tensorflow==2.18.0", "numpy <2.1.0,>=1.26.0", "2.4.6"),
        asks("tensorflow==2.20.0", "libclang ", None),
        asks("pandas==2.1.4", "numpy <2,>=1.22", "2.0.2"),
        asks("torch==2.5.1", "filelock ", None, installer="conda"),
    ],
)
def test_requirements_of_others_or_judged_elsewhere_are_quiet(now: Fingerprint) -> None:
    for rule in ("conflicts-requirement", "conflicts-requirement-open"):
        assert state(rule, now, ["numpy", "torch"]) == ([], [])


def torch_without(requirement: str, **cuda: str | None) -> Fingerprint:
    now = asks("torch==2.13.0", requirement, None)
    found = {name: {"installed": cuda.get(name), "loaded": None} for name in ("cudnn", "runtime")}
    return now._replace(facts={**now.facts, "cuda": found})


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize(
    "requirement",
    ["nvidia-cudnn-cu13 ==9.20.0.48", "nvidia-cuda-runtime-cu12 ==12.8.90", "cuda-toolkit ==13.0"],
)
def test_a_cuda_build_of_pytorch_without_its_libraries_does_not_start_on_any_device(
    requirement: str, device: str
) -> None:
    now = torch_without(requirement)
    (found,), undecided = state("conflicts-requirement", now, ["torch"], device)
    name = requirement.partition(" ")[0]
    assert found.message.startswith(f"torch 2.13.0 requires {name}")
    assert undecided == []


@pytest.mark.parametrize(
    "now",
    [
        torch_without("nvidia-cudnn-cu13 ==9.20.0.48", cudnn="9.19.0"),  # in the loader's place
        torch_without("nvidia-nvtx-cu12 ==12.8.90"),
        torch_without("triton ==3.7.1"),
    ],
)
def test_pytorch_starts_without_what_only_a_gpu_uses(now: Fingerprint) -> None:
    assert state("conflicts-requirement", now, ["torch"], "cpu") == ([], [])


@pytest.mark.parametrize("rule", ["conflicts-requirement", "conflicts-requirement-open"])
def test_unknown_requirements_are_undecided(rule: str) -> None:
    one = fingerprint({}, {f"{UNMET}[torch]": "denied", f"{UNMET}[wandb]": "denied"})
    assert [undecided.path for undecided in state(rule, one, ["torch"])[1]] == [f"{UNMET}[torch]"]
    everything = fingerprint({}, {UNMET: "denied"})
    assert len(state(rule, everything, ["torch"])[1]) == 1


@pytest.mark.parametrize(
    ("torch", "companion", "said"),
    [
        ("2.13.0+cpu", "torchvision==0.28.0", 1),
        ("2.13.0+cpu", "torchvision==0.28.0+cu130", 1),
        ("2.13.0+cu126", "torchvision==0.28.0+cu130", 1),
        ("2.8.0+cpu", "torchaudio==2.8.0", 1),
        ("2.13.0+cpu", "torchvision==0.28.0+cpu", 0),
        ("2.13.0+cu130", "torchvision==0.28.0", 0),
        ("2.13.0", "torchvision==0.28.0", 0),
        ("2.11.0+cpu", "torchaudio==2.11.0", 0),
        ("2.13.0+cu128", "torchvision==0.28.0+cu126", 0),
    ],
)
def test_a_companion_of_another_build_than_pytorch_breaks(
    torch: str, companion: str, said: int
) -> None:
    now = having(f"torch=={torch}", companion)
    findings, undecided = state("conflicts-torch-builds", now, ["torch"])
    assert [finding.impact for finding in findings] == [Impact.BREAKS] * said
    assert undecided == []


def test_a_companion_of_unknown_version_is_undecided() -> None:
    lost = {f"{DISTRIBUTIONS}[torchvision].version": "denied"}
    entries = {"torchvision": {"installer": "pip"}, "torch": {"version": "2.13.0+cpu"}}
    now = fingerprint({"facts.packages": {"distributions": entries}}, lost)
    assert len(state("conflicts-torch-builds", now, ["torch"])[1]) == 1


def test_the_right_build_of_a_companion_is_the_remedy() -> None:
    now = having("torch==2.13.0+cpu", "torchvision==0.28.0")
    findings, _ = state("conflicts-torch-builds", now, ["torch"])
    assert findings[0].remedy == ("pip install --force-reinstall --no-deps torchvision==0.28.0+cpu")


def test_an_import_that_works_refutes_the_forecast_that_it_fails() -> None:
    pins = ("pandas==2.1.4", "numpy==2.0.2")
    ((finding,), _) = state("conflicts-pair", having(*pins), ["numpy"])
    assert finding.impact == Impact.BREAKS
    imported = {"pandas": {"module": "pandas", "version": "2.1.4", "ok": True, "error": None}}
    seen = having(*pins, **{"facts.probes.imports": imported})
    ((finding,), _) = state("conflicts-pair", seen, ["numpy"])
    assert finding.impact == Impact.NONE
    assert finding.probed_equal == "breaks was expected, but here pandas 2.1.4 can be imported"
    other = having(
        *pins, **{"facts.probes.imports": {"pandas": {**imported["pandas"], "version": "2.1.3"}}}
    )
    ((finding,), _) = state("conflicts-pair", other, ["numpy"])
    assert finding.impact == Impact.BREAKS


def test_what_fails_in_another_library_that_trains_is_advice_where_the_job_names_its_own() -> None:
    packages = {"numpyro": "0.13.2", "flax": "0.10.7", "jax": "0.7.2", "jaxlib": "0.7.2"}
    places = {f"{DISTRIBUTIONS}[{name}].version": one for name, one in packages.items()}
    broken = {"module": "numpyro", "version": "0.13.2", "ok": False, "error": "ImportError: no"}
    now = fingerprint({**places, "facts.probes.imports": {"numpyro": broken}})
    rule = "probe-import-fails"
    for library, is_finding in (("numpyro", True), ("flax", False)):
        job = workload(["jax"], libraries=(library,))
        report = judge_state(now, None, job, Policy())
        assert (rule in [one.rule for one in report.findings]) is is_finding
        assert (rule in [one.rule for one in report.advice]) is not is_finding


def test_a_library_that_fails_beside_what_the_job_names_is_advice() -> None:
    broken = {"module": "pandas", "version": "3.1.1", "ok": False, "error": "ImportError: no"}
    place = f"{DISTRIBUTIONS}[pandas].version"
    now = fingerprint({place: "3.1.1", "facts.probes.imports": {"pandas": broken}})
    for named, is_finding in (((), True), (("scikit-learn",), False), (("pandas",), True)):
        report = judge_state(now, None, workload(["scikit-learn"], named=named), Policy())
        assert ("probe-import-fails" in [one.rule for one in report.findings]) is is_finding
