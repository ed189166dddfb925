"""The frameworks section, on the texts of real wheels and on odd ones."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.collectors.frameworks import section
from envprint.collectors.frameworks.blas import Blas, blas_libraries, parse_config
from envprint.collectors.frameworks.section import MODULES
from envprint.collectors.frameworks.tensorflow import parse_build_info
from envprint.collectors.frameworks.version_files import assigned, parse_header
from envprint.core.fingerprint import FRAMEWORKS, Unknown
from envprint.machine.interpreter import FRAMEWORK_MODULES
from envprint.machine.recorded import RecordedHost
from tests.builders.support import host

SITE = "/env/lib/python3.11/site-packages"
FIELDS = ("numpy", "scipy", "scikit_learn", "tensorflow", "keras", "torch", "jax")

CONFIG = """
CONFIG = _cleanup(
    {
        "Build Dependencies": {
            "blas": {
                "name": "scipy-openblas",
                "found": bool("True".lower().replace("false", "")),
                "version": "0.3.31.188.0",
                "lib directory": r"/opt/lib",
            },
            "lapack": {"name": "another", "version": "1"},
        },
    }
)
"""
OLD_CONFIG = """
blas_mkl_info={}
openblas64__info={'libraries': ['openblas64_', 'openblas64_'], 'language': 'c'}
lapack_ilp64_opt_info={'libraries': ['lapack']}
"""
CUDA_BUILD = (
    "build_info = collections.OrderedDict([('cpu_compiler', 'clang'), "
    "('cuda_compute_capabilities', ['sm_60', 'sm_70', 'sm_80', 'sm_89', 'compute_90']), "
    "('cuda_version', '12.5.1'), ('cudnn_version', '9'), ('is_cuda_build', True), "
    "('is_rocm_build', False), ('is_tensorrt_build', False)])\n"
)
CPU_BUILD = (
    "build_info = collections.OrderedDict([('is_cuda_build', False), ('is_rocm_build', False), "
    "('is_tensorrt_build', False)])\n"
)
TORCH_CUDA = """from typing import Optional
__version__ = '2.15.0+cu132'
debug = False
cuda: Optional[str] = '13.2'
git_version = 'd0f2af8b66b20da4baa50644c0cd3f887a2eae2e'
hip: Optional[str] = None
"""
HEADER = "#define CUDNN_MAJOR 9\n#define CUDNN_MINOR 3\n#define CUDNN_PATCHLEVEL 0\n"


def machine(
    read: dict[str, Any] | None = None, imported: list[str] | None = None, **answers: Any
) -> RecordedHost:
    files = {
        name if name[0] == "/" else f"{SITE}/{name}": text for name, text in (read or {}).items()
    }
    answers.setdefault("identity", {"home": "/home/me"})
    answers.setdefault("system", {"machine": "x86_64"})
    answers.setdefault("environ", {})
    described = {"path": ["/nowhere", SITE], "prefix": "/env", "imported": imported or []}
    return host(read=files, interpreter=described, **answers)


def collected(read: dict[str, Any], **answers: Any) -> Any:
    return section.collect(machine(read, **answers))


def test_nothing_installed_is_known_to_be_absent() -> None:
    assert collected({}) == {**dict.fromkeys(FIELDS), "imported": []}


def test_a_denied_search_directory_makes_all_unknown() -> None:
    read = collected({}, names={SITE: {"error": "EACCES"}})
    assert read == {
        **dict.fromkeys(FIELDS, Unknown(f"{SITE}: Permission denied")),
        "imported": [],
    }


def test_imported_frameworks_are_named_as_in_options() -> None:
    read = section.collect(machine(imported=["jaxlib", "keras", "numpy", "scipy", "sklearn"]))
    assert read["imported"] == ["jax", "numpy", "scikit-learn"]


def test_numpy_with_the_blas_of_its_wheel() -> None:
    read = collected(
        {
            "numpy/version.py": 'version = "2.4.6"\nfull_version = version\n',
            "numpy/__config__.py": CONFIG,
            "numpy.libs/libgfortran-040039e1.so.5.0.0": "",
            "numpy.libs/libscipy_openblas64_-32a4b2a6.so": "",
        }
    )
    assert read["numpy"] == {
        "version": "2.4.6",
        "blas": {
            "name": "scipy-openblas",
            "version": "0.3.31.188.0",
            "library": "numpy.libs/libscipy_openblas64_-32a4b2a6.so",
        },
    }


def test_an_old_numpy_takes_its_version_from_its_dist_info() -> None:
    read = collected(
        {
            "numpy/version.py": 'version: str = vinfo["version"]\n',
            "numpy/__config__.py": OLD_CONFIG,
            "numpy-1.24.4.dist-info/INSTALLER": "pip",
        }
    )
    assert read["numpy"] == {
        "version": "1.24.4",
        "blas": {"name": "openblas64_", "version": None, "library": None},
    }


def test_a_version_file_without_version_is_unknown() -> None:
    reason = (
        "not understood: ValueError: no version in numpy/version.py or in a dist-info beside it"
    )
    assert collected({"numpy/version.py": "version = None\n"})["numpy"] == Unknown(reason)


def test_an_odd_configuration_costs_only_the_blas() -> None:
    read = collected({"scipy/version.py": 'version = "1.17.1"\n', "scipy/__config__.py": "?"})
    assert read["scipy"] == {
        "version": "1.17.1",
        "blas": Unknown("not understood: ValueError: no BLAS in the build configuration"),
    }


def test_a_distribution_that_only_a_hook_can_import_is_unknown_not_absent() -> None:
    read = collected({"torch-2.13.0.dist-info/METADATA": ""})
    assert read["torch"] == Unknown(
        "not understood: ValueError: installed, but no torch/version.py on the search path"
    )


def test_scikit_learn_tells_its_version() -> None:
    read = collected({"sklearn/__init__.py": 'import x\n__version__ = "1.9.1"\n'})
    assert read["scikit_learn"] == {"version": "1.9.1"}


def test_a_cuda_tensorflow_names_the_exact_cudnn_of_its_headers() -> None:
    read = collected(
        {
            "tensorflow/python/platform/build_info.py": CUDA_BUILD,
            "tensorflow-2.21.0.dist-info/METADATA": "",
            "tensorflow/include/external/cuda_cudnn/include/cudnn_version.h": HEADER,
        }
    )
    assert read["tensorflow"] == {
        "version": "2.21.0",
        "distribution": "tensorflow",
        "build": "cuda",
        "cuda_version": "12.5.1",
        "cudnn_version": "9.3.0",
        "compute_capabilities": ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"],
    }


def test_without_headers_cudnn_is_as_exact_as_the_build_info() -> None:
    read = collected(
        {
            "tensorflow/python/platform/build_info.py": CUDA_BUILD,
            "tensorflow-2.15.1.dist-info/METADATA": "",
        }
    )
    assert read["tensorflow"]["cudnn_version"] == "9"


def test_a_header_that_is_not_understood_makes_cudnn_unknown() -> None:
    read = collected(
        {
            "tensorflow/python/platform/build_info.py": CUDA_BUILD,
            "tensorflow-2.21.0.dist-info/METADATA": "",
            "tensorflow/include/third_party/gpus/cudnn/include/cudnn_version.h": "/* moved */",
        }
    )
    assert read["tensorflow"]["cudnn_version"] == Unknown(
        "not understood: ValueError: cudnn_version.h defines no version"
    )
    assert read["tensorflow"]["build"] == "cuda"


def test_a_cpu_tensorflow_has_no_cuda() -> None:
    read = collected(
        {
            "tensorflow/python/platform/build_info.py": CPU_BUILD,
            "tensorflow_cpu-2.21.0.dist-info/METADATA": "",
        }
    )
    assert read["tensorflow"] == {
        "version": "2.21.0",
        "distribution": "tensorflow-cpu",
        "build": "cpu",
        "cuda_version": None,
        "cudnn_version": None,
        "compute_capabilities": None,
    }


def test_build_info_of_another_form_is_not_understood() -> None:
    with pytest.raises(ValueError, match="is_cuda_build"):
        parse_build_info("build_info = {}")
    assert parse_build_info("('is_cuda_build', False), ('is_rocm_build', True)")["build"] == "rocm"


def test_a_cudnn_header_gives_three_numbers() -> None:
    header = HEADER + "#define CUDNN_MAX_SM_MAJOR_NUMBER 9\n"
    assert parse_header(header, "CUDNN") == "9.3.0"
    assert parse_header(header.replace("\n", " /* of the wheel */\n"), "CUDNN") == "9.3.0"


KERAS = {"keras/src/version.py": '__version__ = "3.15.1"\n'}


def test_keras_without_settings_has_its_defaults() -> None:
    assert collected(KERAS)["keras"] == {
        "version": "3.15.1",
        "backend": "tensorflow",
        "floatx": "float32",
        "epsilon": 1e-07,
        "image_data_format": "channels_last",
        "legacy_version": None,
    }


@pytest.mark.parametrize(
    ("variables", "file", "expected"),
    [
        ({}, "/home/me/.keras/keras.json", ("jax", "float16")),
        ({"KERAS_BACKEND": "torch"}, "/home/me/.keras/keras.json", ("torch", "float16")),
        ({"KERAS_BACKEND": ""}, "/home/me/.keras/keras.json", ("jax", "float16")),
        ({"KERAS_HOME": "/k"}, "/k/keras.json", ("jax", "float16")),
        ({"KERAS_HOME": "/k"}, "/home/me/.keras/keras.json", ("tensorflow", "float32")),
        ({"KERAS_HOME": "~/k"}, "/home/me/k/keras.json", ("jax", "float16")),
    ],
)
def test_keras_settings_follow_its_own_order(
    variables: dict[str, str], file: str, expected: tuple[str, str]
) -> None:
    settings = '{"floatx": "float16", "backend": "jax"}'
    keras = collected({**KERAS, file: settings}, environ=variables)["keras"]
    assert (keras["backend"], keras["floatx"]) == expected


def test_all_settings_of_keras_json_are_read_and_an_epsilon_that_is_no_number_is_unknown() -> None:
    settings = '{"epsilon": "1e-5", "image_data_format": "channels_first"}'
    keras = collected({**KERAS, "/home/me/.keras/keras.json": settings})["keras"]
    assert (keras["epsilon"], keras["image_data_format"]) == (1e-05, "channels_first")
    keras = collected({**KERAS, "/home/me/.keras/keras.json": '{"epsilon": []}'})["keras"]
    assert keras["epsilon"] == Unknown("epsilon in keras.json is no number: []")


def test_a_broken_keras_json_means_defaults_as_in_keras() -> None:
    assert collected({**KERAS, "/home/me/.keras/keras.json": "{"})["keras"]["floatx"] == "float32"


@pytest.mark.parametrize("content", ["[]", {"error": "EACCES"}])
def test_an_unreadable_keras_json_is_unknown_unless_a_variable_decides(content: Any) -> None:
    read = {**KERAS, "/home/me/.keras/keras.json": content}
    assert isinstance(collected(read)["keras"]["backend"], Unknown)
    keras = collected(read, environ={"KERAS_BACKEND": "jax"})["keras"]
    assert keras["backend"] == "jax"
    assert isinstance(keras["floatx"], Unknown)


def test_keras_2_and_the_legacy_package_tell_their_versions() -> None:
    read = collected(
        {
            "keras/__init__.py": '__version__ = "2.15.0"\n',
            "keras-2.15.0.dist-info/METADATA": "",
            "tf_keras/__init__.py": '__version__ = "2.15.1"\n',
        }
    )
    assert (read["keras"]["version"], read["keras"]["legacy_version"]) == ("2.15.0", "2.15.1")


def test_a_cuda_torch_names_the_cudnn_it_asks_for() -> None:
    read = collected(
        {
            "torch/version.py": TORCH_CUDA,
            "torch-2.15.0.dist-info/METADATA": "Name: torch\n"
            'Requires-Dist: nvidia-cudnn-cu13==9.26.0.51; platform_system == "Linux"\n',
        }
    )
    assert read["torch"] == {
        "version": "2.15.0+cu132",
        "build": "cuda",
        "cuda_version": "13.2",
        "cudnn_version": "9.26.0.51",
        "git_version": "d0f2af8b66b20da4baa50644c0cd3f887a2eae2e",
    }


def test_a_cuda_torch_that_asks_for_no_cudnn_has_it_unknown() -> None:
    read = collected({"torch/version.py": TORCH_CUDA})
    assert read["torch"]["cudnn_version"] == Unknown(
        "not understood: ValueError: the metadata of torch names no cuDNN"
    )


@pytest.mark.parametrize(
    ("line", "build"),
    [
        ("hip: Optional[str] = '6.2'", "rocm"),
        ("xpu: Optional[str] = '2025.1'", "xpu"),
        ("cuda: Optional[str] = None", "cpu"),
    ],
)
def test_other_builds_of_torch(line: str, build: str) -> None:
    torch = collected({"torch/version.py": f"__version__ = '2.13.0'\n{line}\n"})["torch"]
    assert (torch["build"], torch["cuda_version"], torch["cudnn_version"]) == (build, None, None)


def test_jax_with_its_plugins() -> None:
    read = collected(
        {
            "jax/version.py": "_version = \"0.10.3\"\n_release_version: str = '0.10.2'\n",
            "jaxlib/version.py": '_version = "0.10.2"\n_release_version: str | None = None\n',
            "jax_cuda12_plugin-0.10.2.dist-info/METADATA": "",
            "jax_cuda12_pjrt-0.10.1.dist-info/METADATA": "",
        }
    )
    assert read["jax"] == {
        "version": "0.10.2",
        "jaxlib_version": "0.10.2",
        "plugins": {"jax-cuda12-pjrt": "0.10.1", "jax-cuda12-plugin": "0.10.2"},
        "unknown_xla_flags": None,
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("--xla_cpu_ftz=true --xla_cpu_fzt=1", ["xla_cpu_fzt"]),
        ("-xla_cpu_ftz", ["-xla_cpu_ftz"]),
        ("--xla_cpu_ftz intra_op_parallelism_threads=1", []),
        ("intra_op_parallelism_threads=1", ["intra_op_parallelism_threads=1"]),
        (" ", None),
    ],
)
@pytest.mark.parametrize("library", ["libjax_common.so", "xla_extension.so"])
def test_flags_that_the_library_with_xla_does_not_contain_are_named(
    library: str, value: str, expected: list[str] | None
) -> None:
    files = {
        "jax/version.py": '__version__ = "0.10.2"\n',
        "jaxlib/version.py": '__version__ = "0.10.2"\n',
        f"jaxlib/{library}": "",
    }
    absent = {f"{SITE}/jaxlib/{library}": ["xla_cpu_fzt"]}
    jax = collected(files, environ={"XLA_FLAGS": value}, absent_texts=absent)["jax"]
    assert jax["unknown_xla_flags"] == expected


def test_flags_are_unknown_without_the_library_with_xla() -> None:
    files = {"jax/version.py": '__version__ = "0.10.2"\n'}
    reasons = []
    for more in ({}, {"jaxlib/version.py": '__version__ = "0.10.2"\n'}):
        jax = collected({**files, **more}, environ={"XLA_FLAGS": "--xla_cpu_ftz"})["jax"]
        reasons.append(jax["unknown_xla_flags"])
    assert reasons == [
        Unknown("no jaxlib was found"),
        Unknown("no library with XLA was found in jaxlib"),
    ]


def test_jax_without_jaxlib_says_so() -> None:
    jax = collected({"jax/version.py": '__version__ = "0.3.25"\n'})["jax"]
    nothing = {"jaxlib_version": None, "plugins": {}, "unknown_xla_flags": None}
    assert jax == {"version": "0.3.25", **nothing}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v = '1'", "1"),
        ('v: Final[str] = "1"', "1"),
        ("    v = '1'", None),
        ("v = w", None),
        ("v = '", None),
        ("w = '1'\nv = '2'", "2"),
        ("", None),
    ],
)
def test_an_assignment_is_found_at_the_left_margin_only(text: str, expected: str | None) -> None:
    assert assigned(text, ("v",)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CONFIG, ("scipy-openblas", "0.3.31.188.0")),
        (OLD_CONFIG, ("openblas64_", None)),
        ("blas_mkl_info={'libraries': ['mkl_rt', 'pthread']}", ("mkl_rt", None)),
        ('"blas": {"name": "accelerate", "version": "unknown"}', ("accelerate", None)),
    ],
)
def test_a_build_configuration_names_the_blas(text: str, expected: tuple[str, str | None]) -> None:
    assert parse_config(text) == expected


@pytest.mark.parametrize("text", ["", '"blas": {}', "blas_opt_info={}"])
def test_a_build_configuration_without_blas_is_not_understood(text: str) -> None:
    with pytest.raises(ValueError, match="no BLAS"):
        parse_config(text)


def test_conda_numpy_loads_what_its_links_end_at() -> None:
    answers = machine(
        {
            "numpy/__config__.py": '"blas": {"name": "blas", "version": "3.9.0"}',
            "/env/lib/libcblas.so.3": "",
        },
        real_path={"/env/lib/libcblas.so.3": "/env/lib/libopenblasp-r0.3.28.so"},
    )
    assert blas_libraries(answers) == [
        Blas("blas", "3.9.0", "lib/libopenblasp-r0.3.28.so", "numpy")
    ]


def test_a_distribution_package_loads_the_system_blas() -> None:
    link, target = "/usr/lib/x86_64-linux-gnu/libblas.so.3", "/usr/lib/x/openblas/libblas.so.3"
    answers = machine(
        {"numpy/__config__.py": '"blas": {"name": "blas"}', link: ""}, real_path={link: target}
    )
    assert blas_libraries(answers) == [Blas("blas", None, target, "numpy")]


def test_mkl_is_looked_for_by_its_own_name() -> None:
    answers = machine(
        {
            "numpy/__config__.py": '"blas": {"name": "mkl-sdl", "version": "2023.1"}',
            "/env/lib/libmkl_rt.so.2": "",
            "/env/lib/libcblas.so.3": "",
        }
    )
    assert blas_libraries(answers) == [Blas("mkl-sdl", "2023.1", "lib/libmkl_rt.so.2", "numpy")]


def test_other_wheels_that_carry_a_blas_are_listed_too() -> None:
    answers = machine(
        {
            "torch/lib/libopenblas.so.0": "",
            "torch/lib/libtorch.so": "",
            "faiss_cpu.libs/libopenblas-r0-1f.so": "",
            "faiss_cpu.libs/README-openblas.txt": "",
        }
    )
    assert blas_libraries(answers) == [
        Blas("openblas", None, "faiss_cpu.libs/libopenblas-r0-1f.so", "faiss_cpu"),
        Blas("openblas", None, "torch/lib/libopenblas.so.0", "torch"),
    ]


def test_the_interpreter_looks_for_the_modules_of_each_framework() -> None:
    # It runs as text in other interpreters, so its table cannot be taken from the model.
    assert {MODULES.get(name, name) for name in FRAMEWORK_MODULES} >= set(FRAMEWORKS)
    assert MODULES.keys() <= set(FRAMEWORK_MODULES)
