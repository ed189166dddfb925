"""What a distribution is imported by: from its RECORD, its top_level.txt, else its name."""

from __future__ import annotations

import pytest

from envprint.collectors._dist_info import Installed
from envprint.collectors._import_names import ImportNames, import_names
from tests.builders.support import host

INFO = "/site/made-1.0.dist-info"


def named(name: str, record: str | None = None, top: str | None = None) -> ImportNames:
    files = {f"{INFO}/RECORD": record, f"{INFO}/top_level.txt": top}
    recorded = host(
        file_type={INFO: "directory"},
        read={path: text for path, text in files.items() if text is not None},
    )
    return import_names(recorded, Installed(name, "1.0", "/site", "made-1.0.dist-info"))


@pytest.mark.parametrize(
    ("name", "files", "module"),
    [
        ("opencv-python", "cv2/__init__.py cv2/cv2.abi3.so opencv_python.libs/libx.so", "cv2"),
        ("scikit-learn", "sklearn/__init__.py sklearn/svm/__init__.py", "sklearn"),
        ("pillow", "PIL/__init__.py PIL/Image.py pillow.libs/libjpeg.so", "PIL"),
        ("six", "six.py __pycache__/six.cpython-311.pyc", "six"),
        ("torch", "functorch/__init__.py torch/__init__.py torchgen/__init__.py", "torch"),
        ("lap", "_lap.cpython-311-x86_64-linux-gnu.so lap/__init__.py", "lap"),
        ("annoy-like", "annoylib.cpython-311-x86_64-linux-gnu.so", "annoylib"),
        ("umap-learn", "tests/__init__.py tests/a.py tests/b.py umap/__init__.py", "umap"),
        ("pytorch-ignite", "docs/__init__.py ignite/__init__.py ignite/x.py a.py", "ignite"),
        ("simpleitk", "SimpleITK/__init__.py SimpleITK/_SimpleITK.abi3.so", "SimpleITK"),
    ],
)
def test_the_main_module_of_a_wheel(name: str, files: str, module: str) -> None:
    record = "\n".join(f"{file},sha256=abc,1" for file in files.split())
    assert named(name, record) == ImportNames((module,))


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("nvidia-cublas-cu12", "nvidia/cublas/lib/libcublas.so.12 nvidia/cublas/__init__.py"),
        ("google-cloud-bigquery", "google/cloud/bigquery/__init__.py"),
        ("intel-openmp", "intel_openmp-1.dist-info/METADATA intel_openmp.data/libiomp5.txt"),
        ("types-psutil", "psutil-stubs/__init__.pyi"),
        ("polars-runtime-32", "_polars_runtime_32/__init__.py"),
    ],
)
def test_parts_of_namespaces_data_and_stubs_have_no_module(name: str, files: str) -> None:
    record = "\n".join(f"{file},sha256=abc,1" for file in files.split())
    assert named(name, record) == ImportNames(())


def test_an_editable_installation_is_imported_by_its_top_level_or_its_name() -> None:
    record = "__editable___made_1_0_finder.py,sha256=a,1\nmade-1.0.dist-info/METADATA,sha256=a,1"
    assert named("made", record, top="madelib\n") == ImportNames(("madelib",))
    assert named("my-made", record) == ImportNames(("my_made",), is_guess=True)
    pointer = "made.pth,sha256=a,1\n../../../bin/made,sha256=a,1"
    assert named("made", pointer) == ImportNames(("made",), is_guess=True)


def test_without_any_list_the_name_is_a_guess() -> None:
    assert named("my-made") == ImportNames(("my_made",), is_guess=True)
