"""Places where a text announces a secret: URLs, names with values, options, headers.

Each function returns the text with every secret word replaced by what `hide` returns for it, and
everything else unchanged, marks of hidden words included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from envprint.core.hidden import MARK

Hide = Callable[[str], str]

_LAST_WORDS = frozenset(
    """
    TOKEN SECRET PASSWORD PASSWD PASSPHRASE PWD APIKEY CREDENTIAL CREDENTIALS SECRETS PASSWORDS AUTH
    AUTHORIZATION BEARER JWT COOKIE PASSCODE PW
    """.split()
)
_LAST_PARTS = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY", "ACCESSKEY")
_KEYS = frozenset(
    """
    API ACCESS SECRET PRIVATE ACCOUNT SHARED AUTH CLIENT ENCRYPTION SIGNING LICENSE LICENCE SERVICE
    STORAGE MASTER SUBSCRIPTION CONSUMER SSH GPG DEPLOY APP APPLICATION HMAC WANDB
    """.split()
)
"""Words before KEY in names of secrets; `sort_key` and `cache_key` are not secret."""
_OWNERS = frozenset("DB DATABASE USER SMTP MYSQL PG ADMIN ROOT PROXY HTTP FTP LOGIN MAIL".split())
"""Words before PASS in names of passwords; compilers have passes too."""
_MARKERS = frozenset(
    """
    PAD BOS EOS UNK MASK SEP CLS SPECIAL START END STOP BEGIN PROMPT IMAGE NEXT PER FIRST LAST
    """.split()
)
"""Words before TOKEN in names of special tokens of a vocabulary, which are not secret."""
_IN_QUERIES = frozenset(
    """
    sig signature key pass pat sas hmac sid session policy x-amz-signature x-amz-credential
    x-goog-signature x-goog-credential x-oss-signature q-signature awsaccesskeyid googleaccessid
    ossaccesskeyid key-pair-id
    """.split()
)
_PLAIN_WORDS = frozenset(
    """
    true false yes no on off none null nil auto default basic bearer required optional enabled
    disabled allow warn warning error log ignore
    """.split()
)


_PASSWORDS = r"(?i)passw|passphrase|pwd|secret$"
"""Names whose value may be secret even if it is a short number."""


def is_plain(value: str, name: str) -> bool:
    """Whether a value is a switch, a keyword, a small number or a reference."""
    value = value.strip()
    if not value or MARK in value or re.match(r"[$%][({]|\$[A-Z0-9_]*$", value):
        return True
    is_number = len(value) <= 6 and value.replace(".", "", 1).lstrip("+-").isdigit()
    is_word = value.lower() in _PLAIN_WORDS
    return is_word or (is_number and not re.search(_PASSWORDS, name))


def names_secret(name: str) -> bool:
    """Whether a name in a text, an option or a JSON key implies that its value is secret."""
    spaced = re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
    words = [word for word in re.split("[^A-Z]+", spaced) if word] or [""]
    before = words[-2] if len(words) > 1 else ""
    if words[-1] == "KEY":
        return before in _KEYS
    if words[-1] == "PASS":
        return before in _OWNERS or len(words) == 1
    if words[-1] == "TOKEN" and before in _MARKERS:
        return False
    return words[-1] in _LAST_WORDS or words[-1].endswith(_LAST_PARTS)


# https://user:password@host:443/path?name=value#name=value
# https://www.rfc-editor.org/rfc/rfc3986#section-3
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]{0,40}://"
_URL = rf"({_SCHEME})((?:(?!{_SCHEME})[^\s\"'`<>])+)"
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::\d+)?(?=[/?#,;)\]]|$)"
_FULL_HOST = (
    r"(?:\[[0-9A-Fa-f:.]+\]|localhost|\d+\.\d+\.\d+\.\d+|[A-Za-z0-9_.-]+\.[A-Za-z]{2,}"
    r"|[A-Za-z0-9_.-]+(?=:\d))(?::\d+)?(?=[/?#,;)\]]|$)"
)
_PARAMETER = r"([?&#;])([\w.%~-]+)=([^&#;\s]+?(?=[:,.)]*(?:[&#;\s]|$)))"
_EVERYBODY = frozenset(["git", "hg", "svn", "anonymous"])
"""User names that code hosts share among all users."""
_TOKEN_PLACES = frozenset("t token tokens auth secret secrets apikey api-key access-token".split())


def in_urls(text: str, hide: Hide) -> str:
    """Hide the user and password of each URL, its secret parameters, and tokens in its path."""

    def clean(match: re.Match[str]) -> str:
        scheme, rest = match.groups()
        end = _end_of_user(rest)
        name = rest[:end]
        user = "" if not end else f"{name if name in _EVERYBODY else hide(name)}@"
        where, mark, query = _split_query(rest[end + 1 if end else 0 :])
        if not scheme.startswith("file:"):
            where = _clean_path(where, hide)
        return scheme + user + where + _clean_query(mark + query, hide)

    return re.sub(_URL, clean, text)


def _split_query(rest: str) -> tuple[str, str, str]:
    found = re.search("[?#]", rest)
    return (rest[: found.start()], found[0], rest[found.end() :]) if found else (rest, "", "")


def _end_of_user(rest: str) -> int:
    """The position of the `@` after user and password; 0 without them.

    A password may contain `/` and `@`, and so may a path: the right `@` is the last one that a
    host follows.
    """
    first = re.split("[/?#]", rest, maxsplit=1)[0]
    if "@" not in first and (rest[:1] == "[" or not re.search(r":(?!\d*$)", first)):
        return 0  # before the first slash is a host, maybe with a port
    ends = [match.start() for match in re.finditer(r"@(?!sha\d+:)", rest)]
    if not ends or ":" not in rest[: ends[0]]:
        return max((end for end in ends if end < len(first)), default=0)  # a token has no slash
    path = len(_split_query(rest)[0])
    before_query = [end for end in ends if end < path] or ends
    for host in map(re.compile, (_FULL_HOST, _HOST)):
        named = [end for end in before_query if host.match(rest, end + 1)]
        if named:
            return named[-1]
    return ends[-1]


def _clean_path(path: str, hide: Hide) -> str:
    host, slash, rest = path.partition("/")
    parts = rest.split("/")
    for place, part in enumerate(parts):
        before = parts[place - 1].lower() if place else ""
        if _is_token(part) or (before in _TOKEN_PLACES and re.search(r"\d", part) and part[7:]):
            parts[place] = hide(part)
    return host + slash + "/".join(parts)


def _is_token(part: str) -> bool:
    """Whether a path segment looks random: upper case, lower case and digits, mixed."""
    if "." in part or len(part) < 20 or MARK in part:
        return False
    longest = max(re.split("[_=-]", part), key=len)
    kinds = (re.search(kind, longest) for kind in ("[a-z]", "[A-Z]", "[0-9].*[0-9]"))
    if len(longest) < 20 or not all(kinds):
        return False
    # Chance goes on with another kind of letter in 62 of 100 places, words in some 30.
    runs = re.findall("[a-z]+|[A-Z]+|[0-9]+", longest)
    return len(runs) - 1 >= 0.35 * (len(longest) - 1)


def _clean_query(query: str, hide: Hide) -> str:
    def clean(match: re.Match[str]) -> str:
        mark, name, value = match.groups()
        is_named = name.lower() in _IN_QUERIES or names_secret(name)
        is_secret = (is_named and not is_plain(value, name)) or _is_url_with_secret(value)
        return f"{mark}{name}={hide(value) if is_secret else value}"

    return re.sub(_PARAMETER, clean, query)


def _is_url_with_secret(value: str) -> bool:
    """Whether a parameter is another URL, written with `%`, that has a secret."""
    if "%3a%2f%2f" not in value.lower():
        return False
    from urllib.parse import unquote

    url = unquote(value)
    return in_urls(url, lambda word: MARK) != url


# --password=word  password: "word"  {"token": "word"}  'token': 'word'  \"token\": \"word\"
_NAMED = (
    r"(?<![\w.-])((?:(?i:api|access|secret|private|auth)\s)?[\w.-]{1,200})"
    r"(\\*[\"']?\s*(?:=>|[:=])\s*)"
)
_QUOTED = r"(\\*[\"'])((?:(?!\1)(?:\\.|.))*)"
_SCHEMES = r"(?i:(?:bearer|basic|token|digest|apikey|negotiate)\s+)"
_CREDENTIALS = r"[\w-]+\s+(?=\w+=)([^\n]+)"
"""As after `Authorization: Digest`: names with values, of which each helps."""
_BARE = rf"({_SCHEMES}?)((?:(?![,;&](?:[\w.-]+=|\s|$))[^\s\"'<>{{}}\[\]\\])+)"


def in_pairs(text: str, hide: Hide) -> str:
    """Hide the values that follow the name of a secret, as in JSON and in options."""
    return _replaced(text, _values(text), hide)


def _replaced(text: str, spans: Iterator[tuple[int, int]], hide: Hide) -> str:
    parts, at = [], 0
    for start, end in spans:
        if start >= at:
            parts += [text[at:start], hide(text[start:end])]
            at = end
    return "".join((*parts, text[at:]))


def _values(text: str) -> Iterator[tuple[int, int]]:
    """The span of each secret value."""
    done = 0
    for match in re.finditer(_NAMED, text):
        start = match.end()
        if match.start() < done or not names_secret(match[1]):
            continue
        if text[start : start + 1] in ("{", "["):
            done = _end_of_container(text, start)
            yield from _texts(text, start, done, match[1])
        else:
            for span in _value(text, match):
                done = span[1]
                yield span


def _value(text: str, named: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The span of the value after a name; none if it is not a secret after all."""
    name, start = named[1], named.end()
    if name.upper().endswith("COOKIE") and ":" in named[2]:
        yield start, len(text)
    elif name.upper().endswith("AUTHORIZATION") and (
        found := re.compile(_CREDENTIALS).match(text, start)
    ):
        yield found.span(1)
    elif found := re.compile(_QUOTED, re.DOTALL).match(text, start):
        if not is_plain(found[2], name):
            yield found.span(2)
    elif found := re.compile(_BARE).match(text, start):
        is_given = "=" in named[2] or found[1] or _is_given(name, found)
        if is_given and not is_plain(found[2], name):
            yield found.span(2)


def _texts(text: str, start: int, end: int, name: str) -> Iterator[tuple[int, int]]:
    """The span of every string in a value that is a JSON object or array."""
    texts = re.compile(r"(?<!\\)(\\*[\"'])((?:(?!\1)(?:\\.|.))*)\1(\s*:)?", re.DOTALL)
    for found in texts.finditer(text, start, end):
        if not found[3] and not is_plain(found[2], name):
            yield found.span(2)


def _end_of_container(text: str, start: int) -> int:
    try:
        return json.JSONDecoder().raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        pass  # JSON inside JSON, with escaped quotes, or a Python repr
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] in "{[") - (text[place] in "}]")
        if not depth:
            return place
    return len(text)


def _is_given(name: str, value: re.Match[str]) -> bool:
    """Whether `name: value` in a sentence gives a secret, as opposed to prose about one."""
    if re.match("(?i)x-", name):
        return True  # a header
    is_long = len(value[2]) >= 8 and re.search(r"\d", value[2])
    is_last = re.match(r"\s*(?:[,;)}\n]|$)", value.string[value.end() :])
    return bool(is_long or (len(value[2]) >= 4 and is_last and re.search(_PASSWORDS, name)))


# --token word   curl -u user:password   Bearer word   login me password word
# {"name": "X_TOKEN", "value": "word"}
_OPTION = r"(?<!\S)--?([A-Za-z][\w-]*)\s+(?!-)[\"']?(?P<value>[^\s\"']+?(?=[:;,.]?(?:[\s\"']|$)))"
_USER = (
    r"(?:\bcurl\b.{0,200}?\s-u[\s=]*|(?<!\S)--(?:proxy-)?user[\s=]+)[\"']?"
    r"[^\s:\"']+:([^\s\"']+)"
)
_SSHPASS = r"\bsshpass\s+-p\s*(\S+)"
_BEARER = r"(?i)\bbearer\s+(?=\S*\d|\S{20})([\w.~+/-]{8,}=*)"
_BASIC = r"(?i)\bbasic\s+(?=[^\s=]*[\d=])([A-Za-z0-9+/]{12,}={0,2})(?![\w-])"
_NO_SCHEME = (
    r"(?<![\w/:@.+-])(?!mailto:)[\w.+-]{1,100}:(?=[^\s@]{0,200}\d)(?=[^\s@]{0,200}[A-Za-z])"
    r"([^\s/@:\"'<>]{6,200})"
    r"@(?!sha\d)(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
    r"|\d+\.\d+\.\d+\.\d+|localhost|[A-Za-z0-9-]+(?=:\d{2,5}(?!\w)))"
)
_SAS = r"(?i)[?&;]sig(?:nature)?=([^&;\s\"']{8,})"
_NETRC = r"\b(?:machine|login|account)\s+\S+\s+password\s+(\S+)"
_NAME_VALUE = (
    r"(?i)(?<!\\)\\*\"(?:name|key)\\*\"\s*:\s*\\*\"([^\"\\]+)\\*\"\s*,\s*"
    r"\\*\"value\\*\"\s*:\s*(?P<quote>\\*\")(?P<value>(?:(?!(?P=quote))(?:\\.|.))*)"
)


def in_commands(text: str, hide: Hide) -> str:
    """Hide the values of options that name a secret, and the credentials in headers."""
    for pattern in (_OPTION, _NAME_VALUE):
        found = (m for m in re.finditer(pattern, text) if names_secret(m[1]))
        text = _replaced(
            text, (m.span("value") for m in found if not is_plain(m["value"], m[1])), hide
        )
    for pattern in (_USER, _SSHPASS, _SAS, _BEARER, _BASIC, _NETRC, _NO_SCHEME):
        hits = (m for m in re.finditer(pattern, text) if MARK not in m[1])
        text = _replaced(text, (m.span(1) for m in hits), hide)
    return text
