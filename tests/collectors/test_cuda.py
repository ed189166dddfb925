"""The cuda section: the driver's halves, toolkits, and libraries under their three labels."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.collectors import cuda as section
from envprint.collectors._cuda_libraries import (
    parse_driver_library,
    parse_maps,
    parse_requirements,
    parse_version_json,
    parse_version_txt,
)
from envprint.collectors.frameworks.version_files import parse_header
from envprint.core.fields import Record, require
from envprint.core.fingerprint import Unknown
from envprint.machine.recorded import RecordedHost
from tests.builders.nvml_readings import DESKTOP, failing
from tests.builders.support import host

KEYS = (
    *("runtime", "cudnn", "cublas", "nccl"),
    *("cusparse", "cufft", "cusolver", "nvjitlink", "nvrtc"),
)
SITE = "/venv/lib/python3.12/site-packages"
TORCH = f"{SITE}/torch-2.6.0.dist-info"
TORCH_FILES = {
    f"{TORCH}/METADATA": (
        "Metadata-Version: 2.1\n"
        'Requires-Dist: nvidia-cuda-runtime-cu12==12.4.127; platform_system == "Linux"\n'
        'Requires-Dist: nvidia-cudnn-cu12 (==9.1.0.70) ; platform_system == "Linux"\n'
        'Requires-Dist: nvidia-nccl-cu12==2.21.5; platform_system == "Linux"\n'
    ),
    f"{SITE}/torch/version.py": "__version__ = '2.6.0+cu124'\ncuda: Optional[str] = '12.4'\n",
    f"{SITE}/nvidia_cudnn_cu12-9.1.0.70.dist-info/METADATA": "",
    f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9": "",
    f"{SITE}/nvidia_cublas-13.1.0.3.dist-info/METADATA": "",
}


def machine(**answers: Any) -> RecordedHost:
    answers.setdefault("interpreter", {"pid": 7, "path": [SITE], "imported": [], "prefix": "/venv"})
    return host(**answers)


def test_a_machine_without_nvidia_has_none_of_it() -> None:
    nothing: dict[str, Any] = {"built": {}, "installed": [], "loaded": []}
    assert section.collect(machine()) == {
        "driver_library": None,
        "kernel_module_version": None,
        "supported_version": None,
        "toolkits": {},
        "uvm_device": None,
        "fabric_manager": None,
        "iommu": None,
        **dict.fromkeys(KEYS, nothing),
        "shadowed": [],
        "shadowed_for": {},
    }


def test_the_driver_library_is_the_one_the_loader_finds_first() -> None:
    answers = machine(
        read={
            "/etc/ld.so.conf": "# first\ninclude /etc/ld.so.conf.d/*.conf\n",
            "/etc/ld.so.conf.d/000_cuda.conf": "/usr/local/cuda/compat\n",
            "/etc/ld.so.conf.d/README": "/nowhere\n",
            "/usr/local/cuda/compat/libcuda.so.1": "",
            "/usr/lib/x86_64-linux-gnu/libcuda.so.1": "",
        },
        real_path={
            "/usr/local/cuda/compat/libcuda.so.1": "/usr/local/cuda/compat/libcuda.so.560.35.05"
        },
    )
    assert section.collect(answers)["driver_library"] == {
        "path": "/usr/local/cuda/compat/libcuda.so.560.35.05",
        "directory": "/usr/local/cuda/compat",
        "version": "560.35.05",
        "compat": True,
    }


def test_ld_library_path_comes_before_the_configuration() -> None:
    answers = machine(
        environ={"LD_LIBRARY_PATH": "/nowhere::/opt/driver"},
        read={"/opt/driver/libcuda.so.1": "", "/usr/lib/wsl/lib/libcuda.so.1": ""},
    )
    found = section.collect(answers)["driver_library"]
    assert (found["directory"], found["compat"]) == ("/opt/driver", False)


def test_a_denied_loader_configuration_is_unknown() -> None:
    answers = machine(read={"/etc/ld.so.conf": {"error": "EACCES"}})
    found = section.collect(answers)
    assert found["driver_library"] == Unknown("/etc/ld.so.conf: Permission denied")
    assert found["toolkits"] == {}


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/usr/lib64/libcuda.so.550.90.07", "550.90.07"),
        ("/usr/lib/tegra/libcuda.so.1.1", Unknown("libcuda.so.1.1 does not contain its version")),
        ("/usr/lib64/libcuda.so.1", Unknown("libcuda.so.1 does not contain its version")),
    ],
)
def test_a_driver_librarys_name_says_its_version_or_not(path: str, version: object) -> None:
    assert parse_driver_library(path) == version


def test_the_supported_version_is_the_drivers() -> None:
    assert section.collect(machine(gpu=DESKTOP))["supported_version"] == "12.4"
    missing = DESKTOP | {"cuda_driver_version": {"error": 12, "name": "Not Found"}}
    unknown = section.collect(machine(gpu=missing))["supported_version"]
    assert unknown == Unknown("the driver library cannot be loaded (NVML error 12, Not Found)")
    odd = section.collect(machine(gpu=DESKTOP | {"cuda_driver_version": 0}))["supported_version"]
    assert odd == Unknown("NVML reports 0, which is no version of CUDA")


def test_a_driver_that_refuses_leaves_the_supported_version_unknown() -> None:
    refused = failing(init={"error": 9, "name": "Driver Not Loaded"})
    module = {"/sys/module/nvidia/version": "550.90.07\n"}
    answers = machine(gpu=refused, read=module)
    assert isinstance(section.collect(answers)["supported_version"], Unknown)


def test_toolkits_are_found_under_usr_local_and_through_variables() -> None:
    answers = machine(
        environ={"CUDA_HOME": "/opt/cuda"},
        read={
            "/opt/cuda/version.json": '{"cuda": {"name": "CUDA SDK", "version": "12.4.1"}, '
            '"cuda_cudart": {"version": "12.4.127"}, "libcublas": {"version": "12.4.5.8"}}',
            "/usr/local/cuda-13.0/include/cuda.h": "",
            "/usr/local/cuda-10.2/version.txt": "CUDA Version 10.2.89\n",
            "/usr/local/cuda-9.0/leftover": "",
        },
        kind={"/usr/local/cuda": "directory"},
        real_path={"/usr/local/cuda": "/usr/local/cuda-13.0"},
    )
    found = section.collect(answers)
    assert found["toolkits"] == {
        "12.4.1": {"path": "/opt/cuda"},
        "13.0": {"path": "/usr/local/cuda-13.0"},
        "10.2.89": {"path": "/usr/local/cuda-10.2"},
    }
    runtime = found["runtime"]["installed"]
    assert [(copy["version"], copy["source"]) for copy in runtime] == [
        ("12.4.127", "toolkit"),
        ("13.0", "toolkit"),
        ("10.2.89", "toolkit"),
    ]
    assert found["cublas"]["installed"] == [
        {"version": "12.4.5.8", "path": "/opt/cuda", "source": "toolkit"}
    ]


def test_a_broken_version_json_leaves_the_toolkits_unknown_and_the_wheels_known() -> None:
    answers = machine(read={"/usr/local/cuda-12.4/version.json": "{", **TORCH_FILES})
    found = section.collect(answers)
    assert isinstance(found["toolkits"], Unknown)
    assert found["cudnn"]["installed"][0]["version"] == "9.1.0.70"


@pytest.mark.parametrize("text", ["[]", "3", "null"])
def test_a_version_json_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected an object"):
        parse_version_json(text)


def test_a_component_without_a_version_is_left_out() -> None:
    assert parse_version_json('{"cuda": {"name": "x"}, "nvcc": "12"}') == {}
    assert parse_version_txt("something else") is None


def test_torch_is_built_with_what_its_own_files_say() -> None:
    libraries = section.collect(machine(read=TORCH_FILES))
    assert {key: libraries[key]["built"] for key in KEYS} == {
        "runtime": {"torch": "12.4"},
        "cudnn": {"torch": "9.1.0.70"},
        "cublas": {},
        "nccl": {"torch": "2.21.5"},
        **{key: {} for key in KEYS[4:]},
    }
    assert libraries["cudnn"]["installed"] == [
        {
            "version": "9.1.0.70",
            "path": f"{SITE}/nvidia_cudnn_cu12-9.1.0.70.dist-info",
            "source": "wheel",
        }
    ]
    assert libraries["cublas"]["installed"][0]["version"] == "13.1.0.3"
    assert libraries["cudnn"]["loaded"] == []


def test_tensorflow_is_built_with_its_build_info_and_the_lowest_cudnn_it_accepts() -> None:
    files = {
        f"{SITE}/tensorflow-2.21.0.dist-info/METADATA": "Requires-Dist: "
        'nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"\n'
        'Requires-Dist: nvidia-cuda-runtime-cu12<13.0,>=12.5.82; extra == "and-cuda"\n',
        f"{SITE}/tensorflow/python/platform/build_info.py": "build_info = collections.OrderedDict("
        "[('cuda_version', '12.5.1'), ('cudnn_version', '9'), ('is_cuda_build', True)])\n",
    }
    libraries = section.collect(machine(read=files))
    assert libraries["cudnn"]["built"] == {"tensorflow": "9.3.0.75"}
    assert libraries["runtime"]["built"] == {"tensorflow": "12.5.1"}


def test_a_cpu_build_is_built_with_no_cuda_whatever_its_extras_name() -> None:
    files = {
        f"{SITE}/tensorflow-2.21.0.dist-info/METADATA": "Requires-Dist: "
        'nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"\n',
        f"{SITE}/tensorflow/python/platform/build_info.py": "build_info = "
        "collections.OrderedDict([('is_cuda_build', False)])\n",
        f"{TORCH}/METADATA": "Name: torch\n",
        f"{SITE}/torch/version.py": "__version__ = '2.13.0'\ncuda: Optional[str] = None\n",
    }
    libraries = section.collect(machine(read=files))
    assert [libraries[key]["built"] for key in KEYS] == [{}] * len(KEYS)


def test_a_build_that_is_not_understood_is_unknown_and_not_without_cuda() -> None:
    files = {
        f"{SITE}/tensorflow-2.21.0.dist-info/METADATA": "",
        f"{SITE}/tensorflow/python/platform/build_info.py": "build_info = {}\n",
    }
    built = section.collect(machine(read=files))["cudnn"]["built"]
    assert "does not contain is_cuda_build" in built["tensorflow"].reason


def test_jax_is_built_with_what_its_plugin_asks_for() -> None:
    files = {
        f"{SITE}/jax_cuda12_plugin-0.10.2.dist-info/METADATA": "Requires-Dist: "
        'nvidia-cudnn-cu12<10.0,>=9.8; extra == "with-cuda"\n'
    }
    libraries = section.collect(machine(read=files))
    assert libraries["cudnn"]["built"] == {"jax": "9.8"}


def test_headers_and_conda_packages_are_installed_copies_too() -> None:
    answers = machine(
        read={
            "/usr/include/cudnn_version.h": "#define CUDNN_MAJOR 8\n#define CUDNN_MINOR 9\n"
            "#define CUDNN_PATCHLEVEL 7\n#define CUDNN_VERSION (CUDNN_MAJOR * 1000)\n",
            "/usr/include/nccl.h": "#define NCCL_MAJOR 2\n#define NCCL_MINOR 21\n"
            '#define NCCL_PATCH 5\n#define NCCL_SUFFIX ""\n',
            "/venv/conda-meta/cudnn-9.3.0.75-hc149ed5_0.json": "",
            "/venv/conda-meta/cudnn-jit-9.3.0-0.json": "",
        }
    )
    libraries = section.collect(answers)
    assert [(c["version"], c["source"]) for c in libraries["cudnn"]["installed"]] == [
        ("9.3.0.75", "conda"),
        ("8.9.7", "header"),
    ]
    assert libraries["nccl"]["installed"][0]["version"] == "2.21.5"


def test_a_file_of_the_loader_counts_where_nothing_else_names_a_version() -> None:
    folder = "/usr/lib/x86_64-linux-gnu"
    files = {f"{folder}/libcudnn.so.8": "file", f"{folder}/libcudnn.so.8.9.7": "file"}
    real = {f"{folder}/libcudnn.so.8": f"{folder}/libcudnn.so.8.9.7"}
    found = section.collect(machine(kind=files, real_path=real))
    assert found["cudnn"]["installed"] == [
        {"version": "8.9.7", "path": f"{folder}/libcudnn.so.8", "source": "file"}
    ]
    numbers = "#define CUDNN_MAJOR 8\n#define CUDNN_MINOR 9\n#define CUDNN_PATCHLEVEL 7\n"
    header = {"/usr/include/cudnn_version.h": numbers}
    found = section.collect(machine(kind=files, real_path=real, read=header))
    assert [copy["source"] for copy in found["cudnn"]["installed"]] == ["header"]


def test_a_file_without_a_version_in_its_name_is_no_copy() -> None:
    files = {"/usr/lib/x86_64-linux-gnu/libcudnn.so.8": "file"}
    assert section.collect(machine(kind=files))["cudnn"]["installed"] == []


def test_condas_build_of_pytorch_names_the_cudnn_inside() -> None:
    meta = "/venv/conda-meta/pytorch-2.0.1-py3.10_cuda11.8_cudnn8.7.0_0.json"
    found = section.collect(machine(read={meta: "{}"}))
    assert found["cudnn"]["installed"] == [{"version": "8.7.0", "path": meta, "source": "conda"}]


@pytest.mark.parametrize(
    ("files", "device"),
    [
        ((), None),
        (("/dev/nvidiactl",), "missing"),
        (("/dev/nvidiactl", "/dev/nvidia-uvm"), "present"),
        (("/dev/nvidiactl", "/usr/bin/nvidia-modprobe"), "on-demand"),
        (("/dev/nvidia-uvm",), None),
    ],
)
def test_the_device_file_for_unified_memory(files: tuple[str, ...], device: str | None) -> None:
    found = section.collect(machine(kind=dict.fromkeys(files, "other")))
    assert found["uvm_device"] == device


def test_a_header_without_numbers_has_no_version() -> None:
    assert parse_header("#define CUDNN_MAJOR 9\n", "CUDNN") is None
    assert parse_header("", "CUDNN") is None


def test_what_a_process_has_loaded_is_read_only_where_a_framework_is_imported() -> None:
    maps = (
        f"7f00-7f01 r-xp 00000000 08:01 1 {SITE}/nvidia/cudnn/lib/libcudnn.so.9\n"
        f"7f01-7f02 r--p 00000000 08:01 1 {SITE}/nvidia/cudnn/lib/libcudnn.so.9\n"
        "7f02-7f03 r-xp 00000000 08:01 2 /usr/local/cuda/lib64/libcublas.so.12\n"
        "7f03-7f04 r-xp 00000000 08:01 3 /opt/libnccl.so.2\n"
        "7fff-8000 rw-p 00000000 00:00 0 [stack]\n"
    )
    interpreter = {"pid": 7, "path": [SITE], "imported": ["torch"], "prefix": "/venv"}
    answers = machine(
        interpreter=interpreter,
        read={**TORCH_FILES, "/proc/self/maps": maps},
        real_path={"/usr/local/cuda/lib64/libcublas.so.12": "/usr/lib/libcublas.so.12.4.5.8"},
    )
    libraries = section.collect(answers)
    assert libraries["cudnn"]["loaded"] == [
        {"path": f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9", "version": "9.1.0.70"}
    ]
    assert libraries["cublas"]["loaded"] == [
        {"path": "/usr/local/cuda/lib64/libcublas.so.12", "version": "12.4.5.8"}
    ]
    assert libraries["nccl"]["loaded"] == [{"path": "/opt/libnccl.so.2"}]


def test_unreadable_maps_leave_only_the_loaded_copies_unknown() -> None:
    interpreter = {"pid": 7, "path": [SITE], "imported": ["torch"], "prefix": "/venv"}
    libraries = section.collect(machine(interpreter=interpreter, read=TORCH_FILES))
    assert libraries["cudnn"]["loaded"] == Unknown("/proc/self/maps: No such file or directory")
    assert libraries["cudnn"]["built"] == {"torch": "9.1.0.70"}


def test_ld_library_path_shadows_a_wheel_only_by_the_same_file_name() -> None:
    folder = "/usr/local/cuda/lib64"
    answers = machine(
        environ={"LD_LIBRARY_PATH": f"{folder}:/nowhere"},
        read={
            **TORCH_FILES,
            f"{folder}/libcudnn.so.9": "",
            f"{folder}/libcudnn.so.8": "",
            f"{folder}/libnccl.so.2": "",
        },
    )
    assert section.collect(answers)["shadowed"] == [f"{folder}/libcudnn.so.9"]


def test_the_wheels_own_folder_in_ld_library_path_shadows_nothing() -> None:
    answers = machine(environ={"LD_LIBRARY_PATH": f"{SITE}/nvidia/cudnn/lib"}, read=TORCH_FILES)
    assert section.collect(answers)["shadowed"] == []


SWITCH = {"/proc/driver/nvidia-nvswitch/devices/0000:07:00.0/information": ""}
PROCESSES = {"/proc/1/comm": "systemd\n", "/proc/88/comm": "bash\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        (PROCESSES, None),
        (SWITCH | PROCESSES, "missing"),
        (SWITCH | PROCESSES | {"/proc/90/comm": "nv-fabricmanage\n"}, "running"),
        (SWITCH | {"/run/nvidia-fabricmanager/nv-fabricmanager.pid": "90"}, "running"),
        (SWITCH, Unknown("not every process of the machine is visible here")),
        (
            SWITCH | PROCESSES | {"/.dockerenv": ""},
            Unknown("not every process of the machine is visible here"),
        ),
    ],
)
def test_the_fabric_manager_is_a_process_of_the_whole_machine(
    files: dict[str, str], expected: object
) -> None:
    system = {"system": "Linux", "release": "6.8.0", "version": "1", "machine": "x86_64"}
    found = section.collect(machine(read=files, system=system))
    assert found["fabric_manager"] == expected


def gpus_behind(*kinds: str | None) -> dict[str, Any]:
    """A GPU for each type of IOMMU group; None for a GPU in no group."""
    files = {}
    for number, kind in enumerate(kinds):
        files[f"/proc/driver/nvidia/gpus/0000:0{number}:00.0/information"] = ""
        files[f"/sys/bus/pci/devices/0000:0{number}:00.0/vendor"] = "0x10de\n"
        if kind is not None:
            files[f"/sys/bus/pci/devices/0000:0{number}:00.0/iommu_group/type"] = kind
    return files


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((), None),
        ((None, None), "off"),
        (("identity\n", "identity\n"), "passed-through"),
        (("identity\n", "DMA-FQ\n"), "translated"),
        (("DMA\n",), "translated"),
        (("",), Unknown("/sys/bus/pci/devices/0000:00:00.0/iommu_group does not say its type")),
    ],
)
def test_the_iommu_is_known_from_the_groups_of_the_gpus(
    kinds: tuple[str | None, ...], expected: object
) -> None:
    assert section.collect(machine(read=gpus_behind(*kinds)))["iommu"] == expected


def test_a_gpu_that_the_bus_does_not_show_leaves_the_iommu_unknown() -> None:
    files = {"/proc/driver/nvidia/gpus/0000:01:00.0/information": ""}
    found = section.collect(machine(read=files))["iommu"]
    assert found == Unknown("/sys/bus/pci/devices/0000:01:00.0 does not exist")


IN_FRONT = "/opt/cuda/lib"
NVIDIA = {
    f"{SITE}/nvidia_{name}_cu12-12.3.1.170.dist-info/METADATA": ""
    for name in ("cusparse", "cufft", "cusolver", "nvjitlink", "cuda_nvrtc")
} | {
    f"{SITE}/nvidia/{folder}/lib/{file}": ""
    for folder, file in (
        ("cudnn", "libcudnn_ops.so.9"),
        ("cusparse", "libcusparse.so.12"),
        ("cufft", "libcufft.so.11"),
        ("cusolver", "libcusolver.so.11"),
        ("nvjitlink", "libnvJitLink.so.12"),
        ("cuda_nvrtc", "libnvrtc.so.12"),
    )
}
DECOYS = (
    *("libcudnn.so.9", "libcudnn_ops.so.9", "libcusparse.so.12", "libcufft.so.11"),
    *("libcusolver.so.11", "libnvJitLink.so.12", "libnvrtc.so.12"),
)


def with_decoys(more: dict[str, Any], **answers: Any) -> dict[str, Any]:
    """The cuda section where LD_LIBRARY_PATH has all of these libraries."""
    decoys = {f"{IN_FRONT}/{name}": "" for name in DECOYS}
    environ = {"LD_LIBRARY_PATH": IN_FRONT}
    return dict(section.collect(machine(environ=environ, read=NVIDIA | decoys | more, **answers)))


def in_front(*names: str) -> list[str]:
    return [f"{IN_FRONT}/{name}" for name in names]


def test_pytorchs_wheels_are_shadowed_only_where_nvidias_own_libraries_load() -> None:
    found = with_decoys(TORCH_FILES)
    assert found["shadowed"] == sorted(in_front(*DECOYS))
    assert found["shadowed_for"] == {"torch": in_front("libcudnn_ops.so.9", "libnvJitLink.so.12")}


def test_tensorflow_and_jax_take_every_library_from_ld_library_path() -> None:
    wheels = {
        f"{SITE}/tensorflow-2.21.0.dist-info/METADATA": "",
        f"{SITE}/jax_cuda12_plugin-0.5.0.dist-info/METADATA": "",
        f"{SITE}/nvidia_cudnn_cu12-9.1.0.70.dist-info/METADATA": "",
        f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9": "",
    }
    found = with_decoys(wheels)["shadowed_for"]
    every = sorted(in_front(*DECOYS))
    assert found == {"jax": every, "tensorflow": every}


@pytest.mark.parametrize(
    ("linking", "taken"),
    [
        ({"needed": [], "rpath": None, "runpath": "$ORIGIN"}, DECOYS),
        ({"needed": [], "rpath": "$ORIGIN", "runpath": "$ORIGIN"}, DECOYS),
        ({"needed": [], "rpath": None, "runpath": None}, DECOYS),
        ({"needed": [], "rpath": "$ORIGIN", "runpath": None}, (DECOYS[1], DECOYS[5])),
        ({"needed": [DECOYS[5]], "rpath": "$ORIGIN", "runpath": None}, (DECOYS[1],)),
    ],
)
def test_the_file_that_loads_a_library_decides(
    linking: dict[str, Any], taken: tuple[str, ...]
) -> None:
    file = f"{SITE}/torch/lib/libtorch_cuda.so"
    found = with_decoys(TORCH_FILES, linking={file: linking})
    assert found["shadowed_for"] == {"torch": sorted(in_front(*taken))}


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        ("libcudart.so", (DECOYS[1],)),
        ("nvidia/nvjitlink/lib/libcudart.so", (DECOYS[1],)),
        ("nvidia/cuda_runtime/lib/libcudart.so", (DECOYS[1], DECOYS[5])),
    ],
)
def test_what_pytorch_loads_by_its_path_is_not_shadowed(
    condition: str, taken: tuple[str, ...]
) -> None:
    """PyTorch 2.6 and later load nvJitLink first, if CUDA's runtime is where they look for it."""
    text = f'            if "{condition}" not in _maps:\n                return\n'
    found = with_decoys(TORCH_FILES | {f"{SITE}/torch/__init__.py": text})
    assert found["shadowed_for"] == {"torch": sorted(in_front(*taken))}


def test_what_jax_loads_by_its_path_is_not_shadowed() -> None:
    text = '  _load("nvjitlink", ["libnvJitLink.so.12"])\n  _load("cufft", ["libcufft.so.11"])\n'
    plugin = {
        f"{SITE}/jax_cuda12_plugin-0.6.2.dist-info/METADATA": "",
        f"{SITE}/jax_plugins/xla_cuda12/__init__.py": text,
    }
    taken = ("libcusolver.so.11", "libcusparse.so.12", "libnvrtc.so.12")
    assert with_decoys(plugin)["shadowed_for"] == {"jax": in_front(*taken)}


def test_without_a_file_in_front_no_library_is_opened() -> None:
    answers = machine(read=TORCH_FILES)
    answers.linking = pytest.fail  # type: ignore[method-assign]
    assert section.collect(answers)["shadowed_for"] == {}


def test_a_toolkits_file_says_the_version_of_each_library() -> None:
    versions = '{"cuda": {"version": "12.4.1"}, "libcufft": {"version": "11.2.1.3"}}'
    found = section.collect(machine(read={"/usr/local/cuda-12.4/version.json": versions}))
    assert [copy["version"] for copy in found["cufft"]["installed"]] == ["11.2.1.3"]
    assert found["cusparse"]["installed"] == []


def test_values_have_the_declared_shapes() -> None:
    require(Record(section.FACTS), section.collect(machine(read=TORCH_FILES, gpu=DESKTOP)))


@pytest.mark.parametrize("text", ["", "garbage\n\n", "Requires-Dist: numpy==2.0\n"])
def test_odd_texts_hold_no_versions(text: str) -> None:
    assert parse_requirements(text) == {}
    assert parse_maps(text) == []
