"""The kinds of text in a fingerprint, and what the public gets of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from envprint.core.known_variables import misspelt
from envprint.core.redact import HIDDEN, PREFIXES
from envprint.core.text import one_line
from envprint.outputs.public.words import (
    PLACEHOLDER,
    Words,
    is_common,
    is_public_package,
    public_programs,
    public_variables,
)

Make = Callable[[str, Words], str]
_LONGEST = 160
"""Characters of a name; what is longer is no name."""

_RELEASE = re.compile(r"[vV]?\d+(?:\.\d+)*(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|post|dev|r|rev)\d*)*")
_LOCAL = re.compile(r"cpu|cu\d{2,3}|cuda\d+|rocm\d+(?:\.\d+)*|xpu|nv\d+(?:\.\d+)*|[A-Fa-f]v\d+")
_SPECIFIER = re.compile(r"\s*(?:(?:===|[<>=!~]=?)\s*[\w.!+*-]+\s*,?\s*)+")

_SETTING = re.compile(
    r"""
    true|false|on|off|yes|no|none|auto|default|all|always|never|disabled?|enabled?|unset|empty|
    random|left|static|dynamic|guided|sequential|parallel|threads|cores|sockets|close|spread|master|
    granularity|fine|compact|scatter|balanced|verbose|warnings|nowarnings|respect|norespect|
    coarse|core|thread|info|warn|warning|error|debug|trace|eager|lazy|
    strict|soft|highest|high|medium|low|fast|safe|secure|deterministic|
    float(?:16|32|64)|bfloat16|[ft]f32|[fb]f?16|fp(?:8|16|32|64)|int(?:8|16|32|64)|x64|
    (?:tensor)?float32|tf32|any|ieee|bitwise|
    cpu|gpu|cuda|tpu|rocm|xpu|metal|openmp|tbb|workqueue|omp|intel|gnu|pthreads|disabled|
    pci_bus_id|fastest_first|ring|tree|collnet\w*|nvls\w*|ll|ll128|simple|
    numpy|jax|torch|tensorflow|pytorch|channels_(?:first|last)|
    haswell|skylakex?|sapphirerapids|cooperlake|zen\d?|sandybridge|nehalem|prescott|core2|barcelona|
    bulldozer|piledriver|steamroller|excavator|neoversen\d|neoversev\d|cortexa\d+|armv8(?:sve)?|
    thunderx\w*|generic|atom|dunnington|penryn|
    (?:sse|avx|amx|fma|vnni|f16c|bmi|sve|neon|asimd|core_avx)\w*|x86-64(?:-v\d)?|compatible|branch|
    threefry\w*|rbg|unsafe_rbg|philox|mt19937|pcg64\w*|
    cuda_malloc_async|cudamallocasync|platform|bfc|native|backend|garbage_collection_threshold|
    expandable_segments|max_split_size_mb|roundup_power2_divisions|pinned_use_\w+|release_lock_on_\w+|
    glibc|malloc|rtld|cpu|hwcaps|x86_\w+|perturb|check|tcache\w*|arena_\w+|mmap_\w+|optional_static_tls|
    generic_gnu|smp|preempt\w*|rt|pae|azure|aws|gcp|gke|oracle|kvm|cloud|lowlatency|hwe|nvidia|tegra|
    microsoft|standard|wsl2?|generic|amd64|arm64|x86_64|aarch64|linux|linuxkit|raspi|bpo|pve|arch|
    debian|ubuntu|el\d+\w*|fc\d+|amzn\d+|lts|zen|utc\d*|gmt|darwin|kernel|version|release_\w+|root|xnu|
    mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|
    distutils-precedence\.pth|sitecustomize|usercustomize|_virtualenv\.pth|a1_coverage\.pth|
    matplotlib-[\d.]+.*-nspkg\.pth|pywin32\.pth|
    py(?:hd8ed1ab|thon)?\d*\w{0,3}h[0-9a-f]{7}(?:_\d+)?|(?:np|py|cuda|cpu|mkl|nomkl|openblas)\w*_\d+|
    h[0-9a-f]{7,}|openblas|mkl|blis|accelerate|flexiblas|scipy-openblas|pip|
    none-any|posix|utf-?8|utf|iso|iso-?8859-\d+|ascii|c|posix|importlib|dev|faulthandler|importtime|
    frozen_modules|no_debug_ranges|int_max_str_digits|showrefcount|tracemalloc|perf|
    [a-z]{2,3}_[A-Z]{2}(?:\.[\w-]+)?(?:@\w+)?|:?\d+:\d+|\#\d+
    """,
    re.IGNORECASE | re.VERBOSE,
)  # fmt: skip
"""Words of settings: what variables, switches and options of the frameworks are set to."""
_FLAG = re.compile(r"-{0,2}(?:xla|tf_xla|tf)_[a-z0-9_]+")
_NUMBER = re.compile(
    r"[-+]?\d{1,9}(?:\.\d{1,6}){0,2}(?:e-?\d{1,2})?(?:[kKmMgGtT]i?[bB]?|ms|s|%|x)?"
)
_HEX = re.compile(r"0x[0-9a-fA-F]{1,8}")
_WORD = re.compile(
    r"`?[A-Za-z][A-Za-z'-]*[,;.:()`]*|\(?[\d.,]+\)?(?:%|s|MiB|GiB)?|[-–—→]|`?--[a-z-]+[,;.`]*"
)

HIDDEN_REST = "…"
"""Stands for words that are left out."""
_REASONS = (
    "No such file or directory", "Permission denied", "Operation not permitted", "Not a directory",
    "Input/output error", "Connection refused", "No such process", "Timeout", "Unknown Error",
)  # fmt: skip
"""What a system says of itself behind a colon."""


def _private(text: str, words: Words) -> str:
    return words.stand_in("value", text)


def _stand_in(kind: str) -> Make:
    return lambda text, words: words.stand_in(kind, text)


def _name(text: str, words: Words) -> str:
    """The name of a product or of a state."""
    return words.scrubbed(text) if len(text) <= _LONGEST else words.stand_in("value", text)


def _number(text: str, words: Words) -> str:
    return text if re.fullmatch(r"\d{1,6}", text) else words.stand_in("value", text)


def _digest(text: str, words: Words) -> str:
    is_digest = re.fullmatch(r"(?:sha256:)?[0-9a-f]{8,64}", text)
    return words.scrubbed(text) if is_digest else words.stand_in("value", text)


def _version(text: str, words: Words) -> str:
    """A release, and of what stands behind a + what says for which hardware it is."""
    if _SPECIFIER.fullmatch(text):
        return re.sub(r"[\w.!+*-]+", lambda match: _version(match[0], words), text)
    release, plus, local = text.partition("+")
    if text in ("", "*", HIDDEN) or (_RELEASE.fullmatch(release) and not plus):
        return text
    if re.fullmatch(r"\d+(?:\.\d+)*\.\*", text):
        return text
    if not _RELEASE.fullmatch(release):
        return words.stand_in("version", text)
    shown = local if _LOCAL.fullmatch(local) else words.stand_in("local", local).replace("-", ".")
    return f"{release}+{shown}"


def _package(text: str, words: Words) -> str:
    return words.package(text)


def _path(text: str, words: Words) -> str:
    return words.path(text)


def _value(text: str, words: Words) -> str:
    """A setting, of which only words that settings are made of stay."""
    if text in ("", HIDDEN):
        return text
    parts = re.split(r"""([\s,;:=|"'{}\[\]()<>+]+)""", _marked(text, words))
    return "".join(part if n % 2 else _token(part, words) for n, part in enumerate(parts))


def _marked(text: str, words: Words) -> str:
    """Without addresses and cards, whose signs are also between the words of a setting."""
    for kind, form in (
        ("url", r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"]+"),
        ("uuid", r"(?:MIG-)?(?:GPU|MIG)-[0-9a-fA-F-]{6,}(?:/\d+)*"),
    ):
        text = re.sub(form, lambda match, kind=kind: words.stand_in(kind, match[0]), text)  # type: ignore[misc]
    return text


def _token(part: str, words: Words) -> str:
    if not part or PLACEHOLDER.fullmatch(part):
        return part
    plain = (_NUMBER, _HEX, _SETTING, _FLAG)
    if any(form.fullmatch(part) for form in plain) or is_public_package(part.lower()):
        return part
    if part.startswith(("/", "~/", "./", "../")):
        return words.path(part)
    inner = re.split(r"([-_.~/])", part)
    if len(inner) > 1 and all(
        n % 2 or not word or any(form.fullmatch(word) for form in plain)
        for n, word in enumerate(inner)
    ):
        return part
    return words.stand_in("value", part)


def _variable(text: str, words: Words) -> str:
    """A variable that is known by its whole name; of others, the prefix of their library."""
    if text in public_variables() or any(misspelt([text])):
        return text
    prefix = next((prefix for prefix in PREFIXES if text.startswith(prefix)), "")
    if re.fullmatch(r"VARIABLE_\d+", text.removeprefix(prefix)):
        return text
    number = words.stand_in("variable", text).rpartition("-")[2]
    return f"{prefix}VARIABLE_{number}"


def _channel(text: str, words: Words) -> str:
    name = re.fullmatch(
        r"(?:https://(?:conda\.anaconda\.org|repo\.anaconda\.com/pkgs)/)?"
        r"(?:conda-forge|defaults|main|bioconda|nvidia|pytorch)(?:/[a-z0-9-]{1,20})?/?",
        text,
    )
    return text if name else words.stand_in("channel", text)


def _program(text: str, words: Words) -> str:
    name = text.rpartition("/")[2]
    plain = re.fullmatch(r"python(?:\d(?:\.\d+)?)?", name) or name in public_programs()
    return name if plain else words.stand_in("program", text)


def _reason(text: str, words: Words) -> str:
    """Why something is unknown, in envprint's words; those of others stand behind a colon."""
    said, colon, by_others = words.scrubbed(one_line(text)).partition(": ")
    known = next((one for one in _REASONS if one in by_others), HIDDEN_REST)
    said = re.sub(r"'[^']*'|\"[^\"]*\"", HIDDEN_REST, said)
    shown = " ".join(word if _is_word(word) else HIDDEN_REST for word in said.split(" "))
    return f"{shown}: {known}" if colon else shown


def _is_word(word: str) -> bool:
    bare = word.strip("`,;.:()")
    is_path = bare.startswith("/") and all(map(is_common, bare.strip("/").split("/")))
    return bool(_WORD.fullmatch(word) or PLACEHOLDER.fullmatch(bare) or is_path)


def _error(text: str, words: Words) -> str:
    """Of what an import failed with, the name of the exception."""
    found = re.match(r"[A-Z][A-Za-z]*(?:Error|Exception|Interrupt|Exit|Warning)\b", text)
    return f"{found[0]}: {HIDDEN_REST}" if found else HIDDEN_REST


KINDS: Mapping[str, Make] = {
    "name": _name,
    "number": _number,
    "digest": _digest,
    "version": _version,
    "package": _package,
    "path": _path,
    "value": _value,
    "variable": _variable,
    "channel": _channel,
    "program": _program,
    "reason": _reason,
    "error": _error,
    "private": _private,
    **{kind: _stand_in(kind) for kind in ("url", "uuid", "bus", "image", "branch", "commit")},
}
"""What the public gets of a text of each kind."""
