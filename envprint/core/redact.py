"""What may enter a document or a message, and what must not.

Environment variables pass an allowlist of names and prefixes. In any text only the secret words are
replaced: tokens, recognised by their form (`envprint.core.secret_forms`), and words in places where
a secret is expected (`envprint.core.secret_places`). The home directory becomes `~`. The modules
with patterns are loaded only for texts that may contain a secret, as most do not.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from envprint.core.hidden import MARK
from envprint.core.secret_beginnings import BEGINNINGS, SHORTEST
from envprint.core.typed import Any

HIDDEN = MARK
Seal = Callable[[str], str | None]
"""Returns the mark of a random word with a seal, or None; see `envprint.machine.sealing`."""

NAMES = frozenset(
    """
    LANG LANGUAGE TZ OMP_NUM_THREADS LD_LIBRARY_PATH LD_PRELOAD LD_BIND_NOW GLIBC_TUNABLES
    CUBLAS_WORKSPACE_CONFIG VECLIB_MAXIMUM_THREADS NUMEXPR_NUM_THREADS NUMEXPR_MAX_THREADS
    LOKY_MAX_CPU_COUNT WORLD_SIZE LOCAL_WORLD_SIZE NPROC PJRT_NPROC
    SLURM_NTASKS SLURM_NPROCS SLURM_NTASKS_PER_NODE SLURM_NNODES SLURM_JOB_NUM_NODES
    SLURM_CPUS_PER_TASK OMPI_COMM_WORLD_SIZE OMPI_COMM_WORLD_LOCAL_SIZE MV2_COMM_WORLD_SIZE
    MV2_COMM_WORLD_LOCAL_SIZE PMI_SIZE PMI_LOCAL_SIZE PMIX_SIZE MPI_LOCALNRANKS
    """.split()
)
PREFIXES = tuple(
    """
    PYTHON LC_ TF_ KERAS_ XLA_ JAX_ TORCH_ TORCHDYNAMO_ TORCHINDUCTOR_ PYTORCH_ ATEN_ CUDA_ CUDNN_
    CUBLAS_ NVIDIA_ NCCL_ ONEDNN_ DNNL_ OMP_ KMP_ GOMP_ MKL_ OPENBLAS_ GOTO_ BLIS_ BLAS_ NPY_
    MALLOC_ ROCBLAS_ MIOPEN_ HIP_ HSA_ ROCR_ TPU_ LIBTPU_ NVTE_ PL_ ACCELERATE_ FSDP_ DS_ DEEPSPEED
    NUMBA_ NUMEXPR_ TRITON_ VLLM_ FLASH_ XFORMERS_ ITEX_ IPEX_ BNB_ HF_ TRANSFORMERS_ TOKENIZERS_
    OPENCV_ PROTOCOL_BUFFERS_ POLARS_ SKLEARN_ SCIPY_ HOROVOD_
    """.split()
)
NOT_OURS = (
    *("TF_VAR_", "TF_CLI_", "TF_DATA_DIR", "TF_WORKSPACE", "TF_LOG", "TF_PLUGIN_CACHE_DIR"),
    *("HF_TOKEN", "HF_API_", "HF_OAUTH_", "VLLM_API_KEY"),
)
"""Names with one of the prefixes that may hold secrets: Terraform's variables share TensorFlow's
prefix, and the others give access to a service."""

OF_ONE_PROCESS = ("HOROVOD_RANK", "HOROVOD_LOCAL_RANK", "HOROVOD_CROSS_RANK")
"""The same for what differs between processes that have one environment."""
_LEFT_OUT = (*NOT_OURS, *OF_ONE_PROCESS)

_SECRET_PARTS = ("SECRET", "TOKEN", "PASSW", "CREDENTIAL", "AUTH")
"""A name that contains one of these names a secret."""
_SECRET_WORDS = frozenset("KEY APIKEY PWD PASS PRIVATE SIGNATURE COOKIE SESSION".split())
"""These count only as whole words of a name."""
_NO_SECRETS = r"AUTHOR(?!IZ)|TOKENIZ|KEY_REUSE|PRNG_KEY|IN_KEY|CACHE_KEY"
"""Parts of names that only resemble those: framework options such as JAX_DEBUG_KEY_REUSE.

https://docs.jax.dev/en/latest/config_options.html
"""
_HEX_DIGITS = "0123456789abcdef"
_POINTERS = ("_FILE", "_PATH", "_DIR")
"""Suffixes of names whose value is the location of a secret."""

_HINTS = (
    "pass", "secret", "token", "key", "auth", "cred", "pw", "bearer", "basic", "cookie", "jwt",
    "curl", "--user", "sig=", "signature=",
)  # fmt: skip
"""A text without any of these names no secret."""


def is_recorded(name: str) -> bool:
    """Whether a variable with this name may enter a document at all."""
    return (name in NAMES or name.startswith(PREFIXES)) and not name.startswith(_LEFT_OUT)


def safe_value(name: str, value: str, seal: Seal | None = None) -> str:
    """The value of a variable without secrets; hidden as a whole if its name names a secret."""
    if not _names_secret(name):
        return safe_text(value, seal)
    from envprint.core.secret_places import is_plain

    is_pointer = name.upper().endswith(_POINTERS) and value.startswith(("/", "~", "./"))
    is_visible = is_pointer or is_plain(value, name)
    return safe_text(value, seal) if is_visible else _hide(value, seal)


def _names_secret(name: str) -> bool:
    upper = name.upper()
    if not any(part in upper for part in (*_SECRET_PARTS, *_SECRET_WORDS)):
        return False
    upper = re.sub(_NO_SECRETS, "", upper)
    words = upper.split("_")
    return any(part in upper for part in _SECRET_PARTS) or not _SECRET_WORDS.isdisjoint(words)


def safe_text(text: str, seal: Seal | None = None) -> str:
    """`text` with every secret word replaced and the rest unchanged."""
    if may_name_a_secret(text):
        text = _without_named(text, lambda word: _hide(word, seal))
    return _without_tokens(text, seal) if len(text) >= SHORTEST else text


def safe_tags(tags: Mapping[str, str], seal: Seal | None = None) -> dict[str, str]:
    """The tags without secrets; `password=word` and `api_key=word` come apart as name and value."""
    from envprint.core.secret_places import is_plain, names_secret

    return {
        safe_text(name, seal): _hide(value, seal)
        if names_secret(name) and not is_plain(value, name)
        else safe_text(value, seal)
        for name, value in tags.items()
    }


def safe_arguments(argv: Sequence[str]) -> list[str]:
    """The arguments of a command without secrets; an option's value may be a separate argument."""
    from envprint.core.secret_places import is_plain, names_secret

    safe: list[str] = []
    for before, argument in zip(("", *argv), argv, strict=False):
        follows = before.startswith("-") and "=" not in before and names_secret(before)
        is_value = follows and not argument.startswith("-") and not is_plain(argument, before)
        safe.append(HIDDEN if is_value else safe_text(argument))
    return safe


def may_name_a_secret(text: str) -> bool:
    """Whether `text` may contain a URL with credentials, or a name followed by a secret."""
    if "://" in text and _is_more_than_a_place(text):
        return True
    if "=" in text or ":" in text or " " in text:
        lower = text.lower()
        return ("@" in text and ":" in text) or any(hint in lower for hint in _HINTS)
    return False


def _is_more_than_a_place(url: str) -> bool:
    """Whether a URL has more than a host and short path segments."""
    long = any(len(step) >= 20 for step in url.split("/"))
    return "@" in url or "?" in url or "#" in url or "/t/" in url.lower() or long


def _without_named(text: str, hide: Callable[[str], str]) -> str:
    from envprint.core import secret_places

    if "://" in text:
        text = secret_places.in_urls(text, hide)
    return secret_places.in_commands(secret_places.in_pairs(text, hide), hide)


def _without_tokens(text: str, seal: Seal | None) -> str:
    if not _with_beginnings([text]):
        return text
    from envprint.core.secret_forms import FORMS, find

    def hide(match: re.Match[str]) -> str:
        group = 1 if match.re.groups else 0
        start, end = match.span(group)
        mark = (form.is_random and seal and seal(match[group])) or MARK
        return text[match.start() : start] + mark + text[end : match.end()]

    for form in FORMS:
        if any(begin in text for begin in form.begins):
            text = find(form).sub(hide, text)
    return text


def _hide(word: str, seal: Seal | None) -> str:
    """The mark of a word; with a seal if the word, or the part after a user name, is random."""
    if seal is None:
        return MARK
    from envprint.core.secret_forms import is_random

    secret = word.rpartition(":")[2]
    return (is_random(secret) and seal(word)) or MARK


def clean(value: Any, home: str = "", seal: Seal | None = None) -> Any:
    """A copy of `value` (JSON types) without secrets; paths inside `home` begin with `~`.

    Keys are cleaned too, as they are names found on the machine.
    """
    texts: set[str] = set()
    gather([value], texts)
    other = replacements(texts, home, seal)
    return replaced(value, other) if other else value


def gather(value: Any, texts: set[str]) -> None:
    """Add every string in an object or array, keys included, to `texts`."""
    if type(value) is dict:
        texts.update(value)
        value = value.values()
    for item in value:
        kind = type(item)
        # Most items are strings; a call for each would double the cost.
        if kind is str:
            texts.add(item)
        elif kind is dict or kind is list:
            gather(item, texts)


def replaced(value: Any, other: dict[str, str]) -> Any:
    """A copy of `value` (JSON types) with other texts, keys too, in place of those in `other`."""
    if type(value) is str:
        return other.get(value, value)
    if type(value) is dict:
        # Most items are texts; a call for each would double the cost.
        return {
            other.get(key, key): other.get(item, item)
            if type(item) is str
            else replaced(item, other)
            for key, item in value.items()
        }
    if type(value) is list:
        return [
            other.get(item, item) if type(item) is str else replaced(item, other) for item in value
        ]
    return value


def replacements(texts: set[str], home: str = "", seal: Seal | None = None) -> dict[str, str]:
    """The replacement of each text that changes."""
    suspects = _with_names(texts) | _with_beginnings(texts)
    safe = {text: safe_text(text, seal) for text in suspects}
    if home := home.rstrip("/"):
        inside = re.compile(r"(?<![\w.-])" + re.escape(home) + r"(?=[/:;,\s'\"]|$)")
        for text in texts:
            if home in text:
                safe[text] = inside.sub("~", safe.get(text, text))
    return {text: found for text, found in safe.items() if found != text}


def _with_names(texts: Iterable[str]) -> set[str]:
    """The texts of which `may_name_a_secret` is true."""
    named = [text for text in texts if ":" in text or "=" in text or " " in text]
    joined = "\n".join(named).lower()
    if "@" in joined or "://" in joined or any(hint in joined for hint in _HINTS):
        return {text for text in named if may_name_a_secret(text)}
    return set()


def _with_beginnings(texts: Iterable[str]) -> set[str]:
    """The texts that contain the prefix of a token."""
    # Searching all texts at once per prefix is several times faster than one text at a time.
    # Digests, of which there are many, are skipped: no token is made of hexadecimal digits alone.
    long = [text for text in texts if len(text) >= SHORTEST and text.strip(_HEX_DIGITS)]
    joined = "\n".join(long)
    found: set[str] = set()
    for begins in BEGINNINGS.values():
        for begin in begins:
            if begin in joined:
                found.update([text for text in long if begin in text])
    return found
