"""Parsers for files in Linux' /proc, live or recorded.

https://man7.org/linux/man-pages/man5/proc.5.html
"""

from __future__ import annotations

from collections.abc import Iterable

ARITHMETIC = (
    r"lib(?:\w*openblas\w*|c?blas|lapacke?|blis|flexiblas|armpl\w*|nvpl_\w+|mkl_\w+|gomp"
    r"|iomp5|omp|dnnl|mkldnn|tensorflow\w*|torch|torch_(?:c\w+|hip|xpu)|jax_common)|xla_extension"
)
"""Names of the libraries that compute on the CPU, including the frameworks' own."""

CUDA = (
    r"lib(?:cuda|cudart|cudnn\w*|cublas\w*|cufft\w*|curand|cusolver\w*|cusparse\w*|nvrtc|nvJitLink|nccl"
    r"|nvidia-ml)"
)
"""Names of the libraries that run work on NVIDIA's GPUs."""


def library_pattern(*names: str) -> str:
    """A pattern for paths of libraries with one of `names`; the first group is the name."""
    return rf"/({'|'.join(names)})[-.][^/]*$"


# 7f1c2000-7f1c3000 r-xp 00000000 08:01 131    /venv/…/numpy.libs/libscipy_openblas64_-32a4b2a6.so
# https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html
def mapped_files(lines: Iterable[str]) -> list[str]:
    """The files in the lines of a `maps` file, each once."""
    found = (line[line.index("/") :].rstrip("\n") for line in lines if "/" in line)
    return list(dict.fromkeys(found))


# 2950 (Web Content (x)) S 2801 2801 2791 …
# https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
def after_name(stat: str) -> list[str]:
    """The fields of a `stat` file after the name: state, parent, group, session, …

    The name, in parentheses, may itself contain parentheses and blanks.
    """
    return stat.rpartition(")")[2].split()
