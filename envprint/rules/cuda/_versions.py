"""Which version of one of CUDA's libraries a workload gets, as far as a fingerprint tells."""

from envprint import knowledge
from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.rule import Match
from envprint.core.typed import Any, NamedTuple
from envprint.core.versions import numbers
from envprint.core.workload import Workload

NAMES = {
    "runtime": "the CUDA runtime",
    "cudnn": "cuDNN",
    "cublas": "cuBLAS",
    "nccl": "NCCL",
    "cusparse": "cuSPARSE",
    "cufft": "cuFFT",
    "cusolver": "cuSOLVER",
    "nvjitlink": "nvJitLink",
    "nvrtc": "NVRTC",
}
_BUNDLED = ("wheel", "conda")


SHADOWED = "facts.cuda.shadowed"
SHADOWED_FOR = "facts.cuda.shadowed_for"


class LibraryVersion(NamedTuple):
    """A library's version and the path that says it."""

    version: str
    path: str


def place(library: str) -> str:
    """The path of a library's record."""
    return f"facts.cuda.{library}"


def in_use(now: Fingerprint, library: str, workload: Workload) -> LibraryVersion | None:
    """The loaded copy, else the one that would be loaded; None when there is none that counts.

    PyTorch's and JAX's wheels bring their libraries along, so that a copy outside wheels and
    conda counts for TensorFlow only. Raises `UnknownValueError`.
    """
    for path in (f"{place(library)}.loaded", f"{place(library)}.installed"):
        copies: list[dict[str, Any]] = now.value(path) or []
        for copy in copies:
            counts = "source" not in copy or copy["source"] in _BUNDLED
            if copy.get("version") and (counts or "tensorflow" in workload.frameworks):
                return LibraryVersion(copy["version"], path)
    return None


def in_front(now: Fingerprint, workload: Workload) -> list[str]:
    """The files that LD_LIBRARY_PATH puts before a wheel's for a framework of the workload.

    Raises `UnknownValueError`.
    """
    files: list[str] = now.value(SHADOWED) or []
    taken: dict[str, list[str]] = (now.value(SHADOWED_FOR) or {}) if files else {}
    wanted = {file for name in workload.frameworks for file in taken.get(name, ())}
    return [file for file in files if file in wanted]


def cudnn_in_front(now: Fingerprint, workload: Workload) -> LibraryVersion | None:
    """The cuDNN that LD_LIBRARY_PATH puts before a wheel's, where its version is known.

    Its name has no version, the header beside it has. Where none lies beside it, as when its
    directory is a link, it is taken for one of those that have a header, if these agree. None when
    a copy is loaded, for that one counts. Raises `UnknownValueError`.
    """
    files = [file for file in in_front(now, workload) if "/libcudnn" in file]
    if not files or now.value(f"{place('cudnn')}.loaded"):
        return None
    copies: list[dict[str, Any]] = now.value(f"{place('cudnn')}.installed") or []
    headers = [copy for copy in copies if copy.get("source") == "header"]
    beside = [copy for copy in headers if any(_is_beside(copy.get("path"), f) for f in files)]
    versions = {copy.get("version") for copy in beside or headers}
    version = versions.pop() if len(versions) == 1 else None
    return LibraryVersion(version, SHADOWED) if version else None


def _is_beside(header: str | None, file: str) -> bool:
    """Whether both lie in one tree: /opt/cuda/include/… and /opt/cuda/lib64/…."""
    root = (header or "").rpartition("/include/")[0]
    return file.startswith((f"{root}/lib", f"{root}/targets/"))


def changed(comparison: Comparison, library: str, workload: Workload) -> list[Match]:
    """The match for a library that has another version on each side; empty when it has not."""
    before = in_use(comparison.before, library, workload)
    after = in_use(comparison.after, library, workload)
    if before is None or after is None or before.version == after.version:
        return []
    text = f"{NAMES[library]} was {before.version}, is {after.version}"
    paths = comparison.under(place(library)) or (after.path,)
    return [Match(text, paths, before.version, after.version)]


def _tested_cudnn(now: Fingerprint) -> str | None:
    version = now.value("facts.frameworks.tensorflow.version")
    if not version or now.value("facts.frameworks.tensorflow.build") != "cuda":
        return None
    tested = next(knowledge.covering("tensorflow_cuda", numbers(version)), None)
    return tested["cudnn"] if tested and "." in tested["cudnn"] else None


def built_with(now: Fingerprint, library: str, workload: Workload) -> dict[str, str]:
    """Framework to version, for the frameworks of the workload. Raises `UnknownValueError`.

    TensorFlow's own files may name the major version of cuDNN alone; then the release that it was
    tested with counts.
    """
    versions: dict[str, str | None] = dict(now.value(f"{place(library)}.built") or {})
    if library == "cudnn" and "tensorflow" in workload.frameworks:
        versions.setdefault("tensorflow", _tested_cudnn(now))
    return {
        name: version
        for name, version in sorted(versions.items())
        if version is not None and name in workload.frameworks
    }
