"""PyTorch: what its wheel was built with, which need not be what it loads."""

from __future__ import annotations

import re
from collections.abc import Mapping

from envprint.collectors.frameworks.version_files import Environment, Package, assigned, locate
from envprint.core.typed import Any
from envprint.machine.attempt import attempt

TORCH = Package("torch/version.py", ("__version__",), ("torch",))


def torch(where: Environment) -> Mapping[str, Any] | None:
    """Version and build of PyTorch, None if it is not installed; raises like `locate`."""
    found = locate(where, TORCH)
    if found is None:
        return None
    cuda = assigned(found.text, ("cuda",))
    return {
        "version": found.version,
        "build": _build(found.text),
        "cuda_version": cuda,
        "cudnn_version": attempt(lambda: _cudnn(where, found.directory)) if cuda else None,
        "git_version": assigned(found.text, ("git_version",)),
    }


# cuda: Optional[str] = '13.2'
# hip: Optional[str] = None
# https://github.com/pytorch/pytorch/blob/main/tools/generate_torch_version.py
def _build(text: str) -> str:
    builds = (("cuda", "cuda"), ("hip", "rocm"), ("xpu", "xpu"))
    return next((build for name, build in builds if assigned(text, (name,))), "cpu")


# Requires-Dist: nvidia-cudnn-cu13==9.26.0.51; platform_system == "Linux"
_CUDNN = r"(?m)^Requires-Dist: *nvidia[-_.]cudnn[-_.]cu\d+ *\(?== *([\w.]+)"


def _cudnn(where: Environment, directory: str) -> str:
    """The cuDNN version that this build requires. Raises `ValueError` if it names none."""
    installed = where.distribution(directory, TORCH.distributions)
    pin = installed and re.search(
        _CUDNN, where.host.read_text(f"{directory}/{installed.entry}/METADATA")
    )
    if not pin:
        raise ValueError("the metadata of torch names no cuDNN")
    return pin[1]
