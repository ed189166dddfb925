"""CUDA's libraries in three lists that are never merged: built with, installed, loaded.

They answer different questions: what a framework was built for, what a program would probably find,
and what this process really uses. Only directories and small files are read: loading CUDA's
libraries takes tens of milliseconds and tens of megabytes, and starting the driver can break later
forks.
"""

import re
from collections.abc import Iterable, Iterator

from envprint.collectors._conda import parse_file_name
from envprint.collectors._dist_info import distributions
from envprint.collectors.frameworks.version_files import Environment, environment, parse_header
from envprint.core.fingerprint import Unknown
from envprint.core.json_text import loads
from envprint.core.typed import Any, NamedTuple
from envprint.machine.attempt import attempt, names_or_empty, text_or_none
from envprint.machine.host import Host
from envprint.machine.os_calls import LOADER_FOLDERS

# Where CUDA is installed: the driver's library and toolkits.

DRIVER_LIBRARY = "libcuda.so.1"
_VARIABLES = ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT")


class Toolkit(NamedTuple):
    """An installed CUDA toolkit."""

    version: str
    path: str
    """Real path of its directory."""
    components: dict[str, str]
    """Version by component, such as `libcublas`; empty without a version.json."""


def library_path(host: Host) -> list[str]:
    """The directories of LD_LIBRARY_PATH, in order."""
    return [d for d in host.environ().get("LD_LIBRARY_PATH", "").split(":") if d]


def loader_directories(host: Host) -> Iterator[str]:
    """Where the dynamic loader searches, in order. Raises `OSError` if a file is not readable.

    https://man7.org/linux/man-pages/man8/ld.so.8.html
    """
    yield from library_path(host)
    yield from _configured(host, "/etc/ld.so.conf")
    yield from LOADER_FOLDERS


# include /etc/ld.so.conf.d/*.conf
# /usr/local/cuda/compat
# https://man7.org/linux/man-pages/man8/ldconfig.8.html
def _configured(host: Host, path: str) -> Iterator[str]:
    for line in (text_or_none(host, path) or "").splitlines():
        entry = line.partition("#")[0].strip()
        words = entry.split()
        if len(words) == 2 and words[0] == "include" and words[1].endswith("/*.conf"):
            folder = words[1].removesuffix("/*.conf")
            for name in names_or_empty(host, folder):
                if name.endswith(".conf"):
                    yield from _configured(host, f"{folder}/{name}")
        elif entry.startswith("/"):
            yield entry


def driver_library(host: Host) -> dict[str, Any] | None:
    """The CUDA driver library that a program would load; None if there is none."""
    for directory in loader_directories(host):
        path = f"{directory}/{DRIVER_LIBRARY}"
        if host.file_type(path) == "file":
            real = host.real_path(path)
            return {
                "path": real,
                "directory": directory,
                "version": parse_driver_library(real),
                "compat": "/compat" in real or "/compat" in directory,
            }
    return None


# /usr/lib/x86_64-linux-gnu/libcuda.so.550.90.07   (Jetson: …/tegra/libcuda.so.1.1)
def parse_driver_library(path: str) -> str | Unknown:
    """The driver version in the file's name."""
    found = re.search(r"libcuda\.so\.(\d{3,}(?:\.\d+)+)$", path)
    return found[1] if found else Unknown(f"{path.rpartition('/')[2]} does not contain its version")


def toolkits(host: Host) -> list[Toolkit]:
    """Installed toolkits: first those that variables name, then /usr/local/cuda*."""
    named = [host.environ()[name] for name in _VARIABLES if host.environ().get(name)]
    local = [f"/usr/local/{n}" for n in names_or_empty(host, "/usr/local") if n.startswith("cuda")]
    found = (_toolkit(host, path) for path in dict.fromkeys(map(host.real_path, named + local)))
    return [toolkit for toolkit in found if toolkit]


def _toolkit(host: Host, path: str) -> Toolkit | None:
    components = parse_version_json(text_or_none(host, f"{path}/version.json") or "{}")
    version = components.get("cuda") or parse_version_txt(
        text_or_none(host, f"{path}/version.txt") or ""
    )
    if version is None and host.file_type(f"{path}/include") == "directory":
        in_name = re.search(r"/cuda-(\d+\.\d+)$", path)
        version = in_name[1] if in_name else None
    return Toolkit(version, path, components) if version else None


# {"cuda": {"name": "CUDA SDK", "version": "11.8.0"}, "libcublas": {"version": "11.11.3.6"}}
# Seen in toolkits 11.1 to 13.3; packages of single components have none.
def parse_version_json(text: str) -> dict[str, str]:
    """Version by component. Raises `ValueError` if the text is not a JSON object."""
    document = loads(text)
    if not isinstance(document, dict):
        raise ValueError(f"expected an object, found {type(document).__name__}")
    return {
        name: str(part["version"])
        for name, part in document.items()
        if isinstance(part, dict) and "version" in part
    }


# CUDA Version 10.2.89
def parse_version_txt(text: str) -> str | None:
    """The version in version.txt, which exists up to CUDA 11.0."""
    found = re.match(r"CUDA Version (\d+(?:\.\d+)+)", text) if text else None
    return found[1] if found else None


class Library(NamedTuple):
    """One of CUDA's libraries and its names."""

    key: str
    wheel: str
    """Distribution name without `nvidia-` and the likes of `-cu12`."""
    file: str
    conda: tuple[str, ...]
    component: str | None
    """Name in version.json; None if it is not part of the toolkit."""


LIBRARIES = (
    Library("runtime", "cuda-runtime", "libcudart.so", ("cuda-cudart",), "cuda_cudart"),
    Library("cudnn", "cudnn", "libcudnn.so", ("cudnn", "libcudnn"), None),
    Library("cublas", "cublas", "libcublas.so", ("libcublas",), "libcublas"),
    Library("nccl", "nccl", "libnccl.so", ("nccl",), None),
    Library("cusparse", "cusparse", "libcusparse.so", ("libcusparse",), "libcusparse"),
    Library("cufft", "cufft", "libcufft.so", ("libcufft",), "libcufft"),
    Library("cusolver", "cusolver", "libcusolver.so", ("libcusolver",), "libcusolver"),
    Library("nvjitlink", "nvjitlink", "libnvJitLink.so", ("libnvjitlink",), "libnvjitlink"),
    Library("nvrtc", "cuda-nvrtc", "libnvrtc.so", ("cuda-nvrtc",), "cuda_nvrtc"),
)
_BY_WHEEL = {library.wheel: library for library in LIBRARIES}
_STEMS = ("libcu", "libnv", "libnccl")
_BY_FILE = {library.file.removesuffix(".so"): library for library in LIBRARIES}
_HEADERS = {
    "cudnn": ("cudnn_version.h", "CUDNN"),
    "nccl": ("nccl.h", "NCCL"),
}

FRAMEWORKS = {
    "tensorflow": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tf-nightly": "tensorflow",
    "torch": "torch",
    "jax-cuda12-plugin": "jax",
    "jax-cuda13-plugin": "jax",
}
"""Distribution to its framework."""


class Copy(NamedTuple):
    """An installed copy of a library."""

    key: str
    version: str | Unknown | None
    path: str
    source: str
    """wheel, conda, toolkit, header or file."""


Built = dict[str, dict[str, "str | Unknown"]]


def built(host: Host) -> Built:
    """Library key to framework to version: from its own files if exact there, else its metadata.

    Raises `OSError` if the search path cannot be listed.
    """
    found: Built = {library.key: {} for library in LIBRARIES}
    where = environment(host)
    for distribution in reversed(where.installed):
        framework = FRAMEWORKS.get(distribution.name)
        own = _own(where, framework) if framework else None
        if isinstance(own, Unknown):
            found = {key: {**versions, str(framework): own} for key, versions in found.items()}
        elif framework and own is not None:
            metadata = f"{distribution.directory}/{distribution.entry}/METADATA"
            needed = parse_requirements(text_or_none(host, metadata) or "")
            for key, version in {**needed, **own}.items():
                found[key][framework] = version
    return found


def _own(where: Environment, framework: str) -> dict[str, str] | Unknown | None:
    """The versions in the framework's own files; None for a build without CUDA."""
    from envprint.collectors.frameworks import tensorflow, torch

    if framework == "jax":  # the plugin's name implies CUDA, its metadata has the rest
        return {}
    read = torch.torch if framework == "torch" else tensorflow.tensorflow
    record = attempt(lambda: read(where))
    if record is None or isinstance(record, Unknown):
        return record
    if record["build"] != "cuda":
        return None
    versions = {"runtime": record["cuda_version"], "cudnn": record["cudnn_version"]}
    return {
        key: value for key, value in versions.items() if isinstance(value, str) and "." in value
    }


# Requires-Dist: nvidia-cudnn-cu12 (==9.1.0.70) ; platform_system == "Linux"
# Requires-Dist: nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"
# https://packaging.python.org/en/latest/specifications/dependency-specifiers/
_REQUIREMENT = (
    r"(?m)^Requires-Dist: nvidia-([a-z-]+?)(?:-cu\d+)?(?![\w-])[^;\n]*?[=>]=\s*(\d[\d.]*)"
)


def parse_requirements(metadata: str) -> dict[str, str]:
    """The exact or the lowest version of each library that METADATA requires."""
    return {
        _BY_WHEEL[wheel].key: version
        for wheel, version in re.findall(_REQUIREMENT, metadata)
        if wheel in _BY_WHEEL
    }


def installed(host: Host, toolkits: Iterable[Toolkit]) -> list[Copy]:
    """Wheels in search path order, then conda packages, toolkits, headers, the loader's files.

    A file counts only for a library of which nothing else names a version: it says the least.
    """
    named = [*_wheels(host), *_conda(host), *_of_toolkits(host, toolkits)]
    known = {copy.key for copy in named}
    return named + list(_files(host, known))


# libcudnn.so.8 -> libcudnn.so.8.9.7, as in NVIDIA's runtime images, Debian packages and JetPack
def _files(host: Host, found: set[str]) -> Iterator[Copy]:
    """The files that the loader would find, each with the version in its real name.

    Those of libraries in `found` are left out.
    """
    # /lib is often a link to /usr/lib, and one of these has thousands of files.
    places = {host.real_path(place): place for place in reversed([*loader_directories(host)])}
    for folder in reversed(places.values()):
        for name in names_or_empty(host, folder):
            library = _BY_FILE.get(name.partition(".so.")[0]) if name.startswith(_STEMS) else None
            if library and library.key not in found:
                path = f"{folder}/{name}"
                version = re.search(r"\.so\.(\d+(?:\.\d+)+)$", host.real_path(path))
                if version:
                    found.add(library.key)
                    yield Copy(library.key, version[1], path, "file")


def _wheels(host: Host) -> Iterator[Copy]:
    for distribution in distributions(host):
        # nvidia-cudnn-cu12, or nvidia-cudnn
        vendor, _, name = distribution.name.partition("-")
        wheel, _, version = name.rpartition("-cu")
        library = _BY_WHEEL.get(wheel if version.isdecimal() else name)
        if library and vendor == "nvidia":
            path = f"{distribution.directory}/{distribution.entry}"
            yield Copy(library.key, distribution.version, path, "wheel")


def _conda(host: Host) -> Iterator[Copy]:
    folder = f"{host.interpreter()['prefix']}/conda-meta"
    keys = {name: library.key for library in LIBRARIES for name in library.conda}
    for entry in names_or_empty(host, folder):
        name, version, build = parse_file_name(entry) or ("", "", "")
        if name in keys:
            yield Copy(keys[name], version, f"{folder}/{entry}", "conda")
        # pytorch-2.0.1-py3.10_cuda11.8_cudnn8.7.0_0: cuDNN is inside, and only the build says it.
        inside = re.search(r"_cudnn(\d+(?:\.\d+)+)_", build) if name == "pytorch" else None
        if inside:
            yield Copy("cudnn", inside[1], f"{folder}/{entry}", "conda")


def _of_toolkits(host: Host, toolkits: Iterable[Toolkit]) -> Iterator[Copy]:
    folders = ["/usr/include", "/usr/include/x86_64-linux-gnu", "/usr/include/aarch64-linux-gnu"]
    for toolkit in toolkits:
        folders.append(f"{toolkit.path}/include")
        yield Copy(
            "runtime",
            toolkit.components.get("cuda_cudart", toolkit.version),
            toolkit.path,
            "toolkit",
        )
        for library in LIBRARIES:
            version = toolkit.components.get(library.component or "")
            if version and library.key != "runtime":
                yield Copy(library.key, version, toolkit.path, "toolkit")
    for folder in dict.fromkeys(folders):
        for key, (file, prefix) in _HEADERS.items():
            text = text_or_none(host, f"{folder}/{file}")
            if text is not None:
                yield Copy(key, parse_header(text, prefix), f"{folder}/{file}", "header")


def loaded(host: Host, copies: Iterable[Copy]) -> dict[str, list[dict[str, str]]]:
    """The libraries this process has mapped, by key; empty unless a framework is imported."""
    found: dict[str, list[dict[str, str]]] = {library.key: [] for library in LIBRARIES}
    if host.interpreter()["imported"]:
        wheels = [copy for copy in copies if copy.source == "wheel"]
        for key, path in parse_maps(host.read_text("/proc/self/maps")):
            version = _version_of(path, host.real_path(path), [w for w in wheels if w.key == key])
            found[key].append({"path": path} | ({"version": version} if version else {}))
    return found


def parse_maps(text: str) -> list[tuple[str, str]]:
    """Library key and path of each of CUDA's libraries, sorted, each file once."""
    from envprint.machine.procfs import mapped_files

    return sorted(
        (library.key, path)
        for path in mapped_files(text.splitlines())
        for library in LIBRARIES
        if path.rpartition("/")[2].startswith(library.file)
    )


def _version_of(path: str, real_path: str, wheels: list[Copy]) -> str | None:
    """The version in the file's name, or of the wheel in that directory; None without either."""
    in_name = re.search(r"\.so\.(\d+\.[\d.]+)$", real_path)
    for wheel in wheels:
        folder = wheel.path.rpartition("/")[0]
        if path.startswith(f"{folder}/nvidia/") and isinstance(wheel.version, str):
            return wheel.version
    return in_name[1] if in_name else None
