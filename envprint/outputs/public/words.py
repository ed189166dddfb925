"""Which words are private, and the placeholders that stand for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache

from envprint import knowledge
from envprint.core.fingerprint import Fingerprint
from envprint.core.known_variables import KNOWN
from envprint.core.redact import HIDDEN, NAMES
from envprint.core.typed import Any
from envprint.knowledge.roles import listed

PACKAGE = "private-package"
PLACEHOLDER = re.compile(r"/?(?:private-)?[a-z]+-\d+(?:/\S*)?")
"""What a text looks like that has been replaced."""
_WORD = re.compile(r"[A-Za-z0-9]+(?:[-_.]+[A-Za-z0-9]+)*")
_SHORTEST = 3
"""Characters of a private word that is looked for inside other texts."""

_UUID = r"(?:GPU-|MIG-)?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_PLACES: Sequence[tuple[str, str]] = (
    ("url", r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"`,;)>]+"),
    ("uuid", rf"MIG-GPU-[0-9a-fA-F-]+(?:/\d+)*|{_UUID}|(?:GPU|MIG)-[0-9a-fA-F-]{{6,}}"),
    ("bus", r"(?<![\w:])(?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7](?!\w)"),
    ("address", r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"),
    ("address", r"(?<!\w)(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}"),
    ("address", r"(?<![\w:])(?=[0-9a-fA-F:]*::|(?:[0-9a-fA-F]+:){7})[0-9a-fA-F:]{3,39}(?![\w:])"),
    ("address", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*"),
    ("path", r"(?<![\w.~/\\-])(?:~[\w.-]*/|/(?=[\w.@~-])|[A-Za-z]:\\|\\\\|\.\.?/)[^\s'\"`,;:)>]*"),
)  # fmt: skip
"""What names a place or a card wherever it stands: the kind of placeholder, and its form."""

_COMMON = re.compile(
    r"usr|lib(?:32|64)?|s?bin|libexec|opt|local|share|include|etc|tmp|var|run|mnt|home|root|Users|"
    r"proc|sys|dev|\.cache|\.local|\.venv|venvs?|envs?|\.virtualenvs|(?:ana|mini)conda\d?|conda|"
    r"(?:mini|mamba)forge\d?|micromamba|mamba|python|python\d(?:\.\d+)?|lib-dynload|python\d+\.zip|"
    r"site-packages|dist-packages|Lib|cuda(?:-\d+(?:\.\d+)?)?|cuda-compat|compat|targets|stubs|"
    r"(?:x86_64|aarch64|arm64|sbsa|i386)-linux(?:-gnu)?|nvidia|rocm(?:-[\d.]+)?|wsl|hpc_sdk|"
    r"(?:\w+\.)?(?:so|dylib|dll)|Frameworks?|Versions|\d+(?:\.\d+)*|\.{1,2}|~|"
    r"(?:linux|darwin|win)(?:-\w+)?|"
    r"lib(?:scipy_|nv)?(?:openblas|flexiblas|blis|blas|lapack|cblas|gomp|iomp5|omp|mkl_\w+|cuda|"
    r"cudart|cudnn\w*|cublas(?:Lt)?|cusparse|cusolver(?:Mg)?|cufft\w*|nccl|nvjitlink|nvJitLink|"
    r"nvrtc(?:-builtins)?|nvidia-ml|tensorflow\w*|torch\w*|c10\w*|dnnl|mkldnn|jax\w*|xla\w*|"
    r"openblas64_|openblasp?)(?:64)?_*p?(?:[-.](?:so|dylib|dll|dev|r)?[0-9a-f.]*)*|"
    r"cudnn_version\w*\.h|include"
)
"""Steps of a path that name nobody: where systems, Python, CUDA and the libraries lie."""


class Words:
    """The private words of some fingerprints, and what stands for each."""

    def __init__(self, private: Collection[str]) -> None:
        self._counts: dict[str, int] = {}
        self._made: dict[tuple[str, str], str] = {}
        self._words = {_spelling(word) for word in private if _WORD.fullmatch(word)}
        phrases = {word.lower() for word in private if not _WORD.fullmatch(word)}
        self._phrases = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))

    def stand_in(self, kind: str, text: str) -> str:
        """The placeholder of `text`: `url-2`; the same for the same text."""
        if text in ("", HIDDEN) or re.fullmatch(rf"/?{kind}-\d+", text):
            return text
        key = (kind, text)
        if key not in self._made:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._made[key] = f"{kind}-{self._counts[kind]}"
        return self._made[key]

    def of_form(self, text: str, form: str, kind: str) -> str:
        """`text`, if it has this form and no private word."""
        is_plain = re.fullmatch(form, text) and self.scrubbed(text) == text
        return text if is_plain else self.stand_in(kind, text)

    def scrubbed(self, text: str) -> str:
        """`text` with placeholders for what names a place or a card, and for private words."""
        for kind, form in _PLACES:
            text = re.sub(form, self._placed(kind), text)
        lower = text.lower()
        for phrase in self._phrases:
            if phrase in lower:
                name = self.stand_in("name", phrase)
                text = re.sub(re.escape(phrase), name, text, flags=re.IGNORECASE)
                lower = text.lower()
        return self._each_word(text)

    def _without_private(self, word: str) -> str:
        """`word`, of whose parts any that together are a private word are replaced."""
        parts = re.split(r"([-_.]+)", word)
        for count in range(len(parts), 0, -2):
            for start in range(0, len(parts) - count + 1, 2):
                some = "".join(parts[start : start + count])
                if _spelling(some) in self._words and not PLACEHOLDER.fullmatch(some):
                    before, after = "".join(parts[:start]), "".join(parts[start + count :])
                    name = self.stand_in("name", _spelling(some))
                    return self._each_word(before) + name + self._each_word(after)
        return word

    def _each_word(self, text: str) -> str:
        return _WORD.sub(lambda match: self._without_private(match[0]), text)

    def _placed(self, kind: str) -> Callable[[re.Match[str]], str]:
        if kind == "path":
            return lambda match: self.path(match[0])
        return lambda match: self.stand_in(kind, match[0])

    def package(self, name: str) -> str:
        """The name of a distribution or module that is publicly known, else a placeholder."""
        plain = re.sub(r"[-_.]+", "-", name).lower()
        is_known = is_public_package(plain) and re.fullmatch(r"[A-Za-z0-9._-]+", name)
        return name if is_known else self.stand_in(PACKAGE, plain)

    def path(self, text: str) -> str:
        """A path of which the part that names somebody is replaced: `/path-1/lib/python3.11`."""
        steps = re.split(r"[/\\]", text)
        private = [n for n, step in enumerate(steps) if step and not is_common(step)]
        is_of_somebody = text.startswith(("/home/", "/Users/", "/root", "~", "."))
        if not private and not is_of_somebody:
            return "/".join(steps)
        first = private[-1] if private else 1
        head, tail = "/".join(steps[: first + 1]), steps[first + 1 :]
        mark = "/" if text.startswith(("/", "~", "\\")) or text[1:2] == ":" else ""
        return "/".join([mark + self.stand_in("path", head).lstrip("/"), *tail])


def _spelling(word: str) -> str:
    """The same for all spellings of a name, such as `my-models` and `My_Models`."""
    return re.sub(r"[-_.]+", "-", word).lower()


def is_common(step: str) -> bool:
    """Whether a step of a path names nobody."""
    if _COMMON.fullmatch(step) or re.fullmatch(r"/?path-\d+", step):
        return True
    name = re.sub(r"\.libs$|(-[\d.]+)?\.dist-info$", "", step)
    return is_public_package(re.sub(r"[-_.]+", "-", name).lower())


@cache
def is_public_package(name: str) -> bool:
    """Whether the tables of `knowledge/` list a distribution of this normalised name, or one that
    installs a module of it.
    """
    # A star covers names that anybody may give.
    found = listed(name)
    if found is not None and found["distribution"] == name:
        return True
    return name in _OTHERS or name in _other_names()


_OTHERS = frozenset(
    "python pip setuptools wheel distribute pkg-resources sklearn cv2 pil yaml envprint prefix "
    "system openssl libgcc libstdcxx-ng libgcc-ng zlib bzip2 xz tk sqlite readline ncurses libffi "
    "ca-certificates mkl libblas liblapack libcblas openblas".split()
)
"""Python itself, and what every installation has; owners of libraries that are no distribution."""


@cache
def _other_names() -> frozenset[str]:
    found: set[str] = set()
    for table, fields in (
        ("newest_releases", ("distribution",)),
        ("package_owners", ("distribution", "package")),
        ("conda_names", ("distribution", "conda")),
        ("package_conflicts", ("package", "other")),
        ("computing_distributions", ("distribution",)),
    ):
        for entry in knowledge.entries(table):
            found.update(str(entry[field]).lower().replace("_", "-") for field in fields)
    return frozenset(found)


@cache
def public_variables() -> frozenset[str]:
    """The variables that a table lists by their whole name, or that a rule looks at."""
    from envprint.rules import catalogue

    watched = (path for rule in catalogue() for path in rule.watches)
    named = {name for path in watched for name in re.findall(r"variables\[(\w+)\]", path)}
    exact = {name.rstrip("*") for name in knowledge.names("variables") if not name.endswith("_*")}
    return frozenset(named | exact | NAMES | KNOWN)


@cache
def public_programs() -> frozenset[str]:
    """Programs that anybody may run: those of a desktop, and interpreters."""
    desktop = {str(entry["program"]) for entry in knowledge.entries("desktop_programs")}
    return frozenset(desktop) | {"python", "python3", "envprint", "pytest", "jupyter"}


def private_words(sides: Iterable[Fingerprint]) -> set[str]:
    """The words that name somebody or something private, wherever else they stand."""
    found: set[str] = set()
    for side in sides:
        found.update(_own_words(side))
        found.update(_names_of_packages(side))
        for path in _paths(side):
            steps = re.split(r"[/\\]", path)
            found.update(step for step in steps if step and not is_common(step))
    return {word for word in found if len(word) >= _SHORTEST and not is_public_word(word)}


def is_public_word(word: str) -> bool:
    """Whether it is too common to be replaced inside other texts."""
    return word.isdigit() or is_common(word) or word.lower() in _PLAIN


_PLAIN = frozenset(
    """
    none null unknown absent main master work working data train training src app project code
    test tests user users ubuntu debian gpu cpu cuda torch tensorflow numpy now cli yes off the and
    not with for from file files module error such
    """.split()
)
"""Words of which a text is made; to replace them inside texts would make those unreadable."""


def _own_words(side: Fingerprint) -> Iterator[str]:
    yield from filter(None, (side.label, side.note, side.machine_id))
    yield from (side.identity or {}).values()
    yield from (text for tag in side.tags.items() for text in tag)
    for field in ("branch", "commit", "diff_digest", "repository"):
        yield from _texts(side.get(f"facts.code.{field}"))
    yield from _texts(side.get("facts.code.submodules"))
    yield from _texts(side.get("facts.container.image"))
    for device in side.get("facts.gpu.devices", {}).values():
        yield from _texts(device.get("uuid"))
        yield from _texts(device.get("bus_id"))


def _names_of_packages(side: Fingerprint) -> Iterator[str]:
    for place in ("distributions", "conda", "duplicates", "edited", "unmet"):
        for name in side.get(f"facts.packages.{place}", {}):
            if not is_public_package(re.sub(r"[-_.]+", "-", name).lower()):
                yield name


def _texts(value: Any) -> Iterator[str]:
    """Every text in an object or array, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _paths(side: Fingerprint) -> Iterator[str]:
    for place in ("facts", "live"):
        for text in _texts(getattr(side, place)):
            if text.startswith(("/", "~")) and "\n" not in text:
                yield text
