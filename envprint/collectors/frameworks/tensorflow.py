"""TensorFlow: what its wheel was built with, which need not be what it loads."""

from __future__ import annotations

import re
from collections.abc import Mapping

from envprint.collectors.frameworks.version_files import Environment, Package, locate, parse_header
from envprint.core.typed import Any
from envprint.machine.attempt import attempt, text_or_none
from envprint.machine.host import Host

TENSORFLOW = Package(
    "tensorflow/python/platform/build_info.py",
    (),
    (
        "tensorflow",
        "tensorflow-cpu",
        "tensorflow-gpu",
        "tensorflow-rocm",
        "tensorflow-intel",
        "intel-tensorflow",
        "tensorflow-macos",
        "tf-nightly",
        "tf-nightly-cpu",
    ),
)
CUDNN_HEADERS = (
    "tensorflow/include/external/cuda_cudnn/include/cudnn_version.h",
    "tensorflow/include/third_party/gpus/cudnn/include/cudnn_version.h",
)


def tensorflow(where: Environment) -> Mapping[str, Any] | None:
    """Version and build of TensorFlow, None if it is not installed; raises like `locate`."""
    found = locate(where, TENSORFLOW)
    if found is None:
        return None
    installed = where.distribution(found.directory, TENSORFLOW.distributions)
    build = parse_build_info(found.text)
    return {
        "version": found.version,
        "distribution": installed.name if installed else None,
        **build,
        "cudnn_version": attempt(lambda: _cudnn(where.host, found.directory))
        or build["cudnn_version"],
    }


# build_info = collections.OrderedDict([('cuda_compute_capabilities', ['sm_60', 'compute_90']),
# ('cuda_version', '12.5.1'), ('cudnn_version', '9'), ('is_cuda_build', True), …])
# https://github.com/tensorflow/tensorflow/blob/master/tensorflow/tools/build_info/gen_build_info.py
def parse_build_info(text: str) -> dict[str, Any]:
    """Build, CUDA and cuDNN (as precise as in the file) and compute capabilities.

    Raises `ValueError` if it does not state whether this is a CUDA build.
    """
    flags = dict(re.findall(r"'is_(cuda|rocm)_build', (True|False)", text))
    if "cuda" not in flags:
        raise ValueError("build_info.py does not contain is_cuda_build")
    build = next((name for name in ("cuda", "rocm") if flags.get(name) == "True"), "cpu")
    versions = dict(re.findall(r"'(cuda|cudnn)_version', '([^']*)'", text))
    capabilities = re.search(r"'cuda_compute_capabilities', \[([^\]]*)\]", text)
    return {
        "build": build,
        "cuda_version": versions.get("cuda") or None,
        "cudnn_version": versions.get("cudnn") or None,
        "compute_capabilities": re.findall(r"'([^']+)'", capabilities[1]) if capabilities else None,
    }


def _cudnn(host: Host, directory: str) -> str | None:
    """The version in the wheel's cuDNN header; None if it has none."""
    for header in CUDNN_HEADERS:
        text = text_or_none(host, f"{directory}/{header}")
        if text is not None:
            version = parse_header(text, "CUDNN")
            if version is None:
                raise ValueError("cudnn_version.h defines no version")
            return version
    return None
