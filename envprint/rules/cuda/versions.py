"""Which version of one of CUDA's libraries a workload uses, as far as a fingerprint shows."""

from typing import Any, NamedTuple

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.rule import Match
from envprint.core.workload import Workload

NAMES = {"runtime": "the CUDA runtime", "cudnn": "cuDNN", "cublas": "cuBLAS", "nccl": "NCCL"}
_BUNDLED = ("wheel", "conda")


SHADOWED = "facts.cuda.shadowed"


class Found(NamedTuple):
    """A library's version, and the path where it is recorded."""

    version: str
    path: str


def place(library: str) -> str:
    """The path of a library's record."""
    return f"facts.cuda.{library}"


def in_use(now: Fingerprint, library: str, workload: Workload) -> Found | None:
    """The loaded copy, else the one that would be loaded; None if no copy is relevant.

    PyTorch's and JAX's wheels include their libraries, so a copy outside wheels and conda is
    relevant to TensorFlow only. Raises `Undetermined`.
    """
    for path in (f"{place(library)}.loaded", f"{place(library)}.installed"):
        copies: list[dict[str, Any]] = now.value(path) or []
        for copy in copies:
            counts = "source" not in copy or copy["source"] in _BUNDLED
            if copy.get("version") and (counts or "tensorflow" in workload.frameworks):
                return Found(copy["version"], path)
    return None


def cudnn_in_front(now: Fingerprint) -> Found | None:
    """The cuDNN that LD_LIBRARY_PATH puts before a wheel's, if its version is known.

    Its file name has no version, but the header beside it does. If none is beside it, for example
    because its directory is a link, the version is that of the other headers, if they agree. None
    if a copy is loaded, because that one is used. Raises `Undetermined`.
    """
    files = [file for file in now.value(SHADOWED) or [] if "/libcudnn.so" in file]
    if not files or now.value(f"{place('cudnn')}.loaded"):
        return None
    copies: list[dict[str, Any]] = now.value(f"{place('cudnn')}.installed") or []
    headers = [copy for copy in copies if copy.get("source") == "header"]
    beside = [copy for copy in headers if any(_is_beside(copy.get("path"), f) for f in files)]
    versions = {copy.get("version") for copy in beside or headers}
    version = versions.pop() if len(versions) == 1 else None
    return Found(version, SHADOWED) if version else None


def _is_beside(header: str | None, file: str) -> bool:
    """Whether both are in one tree: /opt/cuda/include/… and /opt/cuda/lib64/…."""
    root = (header or "").rpartition("/include/")[0]
    return file.startswith((f"{root}/lib", f"{root}/targets/"))


def changed(comparison: Comparison, library: str, workload: Workload) -> list[Match]:
    """The match for a library whose version differs between the sides; empty if it does not."""
    before = in_use(comparison.before, library, workload)
    after = in_use(comparison.after, library, workload)
    if before is None or after is None or before.version == after.version:
        return []
    text = f"{NAMES[library]} was {before.version}, is {after.version}"
    paths = comparison.under(place(library)) or (after.path,)
    return [Match(text, paths, before.version, after.version)]


def built_with(now: Fingerprint, library: str, workload: Workload) -> dict[str, str]:
    """The version by framework, for the frameworks of the workload. Raises `Undetermined`."""
    versions: dict[str, str | None] = now.value(f"{place(library)}.built") or {}
    return {
        name: version
        for name, version in sorted(versions.items())
        if version is not None and name in workload.frameworks
    }
