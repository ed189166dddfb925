"""Places of the redaction that mutants have shown no other test to look at."""

from __future__ import annotations

import pytest

from envprint.core.hidden import MARK, differ, is_inside_of, sealed, unsealed
from envprint.core.redact import (
    clean,
    may_name_a_secret,
    safe_arguments,
    safe_tags,
    safe_text,
    safe_value,
)
from envprint.core.secret_forms import FORMS, is_random

TOKEN = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, ["a"], True),
        (["a"], {"a": 1}, True),
        ({"a": 1}, {"a": 1}, False),
        ({"a": 1}, {"b": 1}, True),
        ([MARK], [MARK, MARK], True),
        ([MARK], MARK, True),
        (MARK, None, True),
        (MARK, "x", True),
        ("x", MARK, True),
        ([MARK, "x"], [MARK, "y"], True),
        ([MARK, "x"], [MARK, "x"], None),
        ({"a": [MARK]}, {"a": [MARK]}, None),
        (1, 1, False),
        (1, 2, True),
        ([], [], False),
        ({}, {}, False),
    ],
)
def test_whether_two_values_differ(before: object, after: object, found: bool | None) -> None:
    assert differ(before, after) is found


def test_a_mark_is_found_at_any_depth() -> None:
    for value in (
        MARK,
        [MARK],
        {"a": MARK},
        [["x"], [{"a": [MARK]}]],
        ["x", 1, {"a": {"b": MARK}}],
        {MARK: "x"},
    ):
        assert is_inside_of(value)
    for other in (None, 1, "x", [], {}, ["x"], [["x"], {"a": ["x"]}]):
        assert not is_inside_of(other)


def test_seals_of_one_key_tell_and_those_of_two_do_not() -> None:
    one, other = sealed("1" * 8, "a" * 32), sealed("1" * 8, "b" * 32)
    elsewhere = sealed("2" * 8, "a" * 32)
    assert (differ(one, one), differ(one, other)) == (False, True)
    assert (differ(one, elsewhere), differ(one, MARK), differ(MARK, one)) == (None, None, None)
    assert (unsealed(f"a{one}b"), unsealed("x")) == (f"a{MARK}b", "x")
    assert (differ(f"{one} x", f"{one} y"), differ(f"{one} {MARK}", f"{other} {MARK}")) == (1, 1)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        # User and password of a URL: the last `@` before the query that a host follows.
        ("https://a:hunter2@h.example/?to=x@o.example", "https://{}@h.example/?to=x@o.example"),
        ("https://a:x@y@h.example/p@q", "https://{}@h.example/p@q"),
        ("https://a:x/y@h.example/p", "https://{}@h.example/p"),
        ("https://a:x?y@h.example", "https://{}@h.example"),
        ("https://hunter2@h.example/x@y", "https://{}@h.example/x@y"),
        ("https://h.example:80/x@y", "https://h.example:80/x@y"),
        ("https://[::1]:80/x@y", "https://[::1]:80/x@y"),
        ("https://a:b@[::1]:80/x", "https://{}@[::1]:80/x"),
        ("https://a:b@inner/x", "https://{}@inner/x"),
        ("https://a:b@", "https://{}@"),
        ("https://a:b@!", "https://{}@!"),
        ("https://a:b@h@!", "https://{}@!"),
        ("https://git@h.example/x", "https://git@h.example/x"),
        ("https://a:b@h/x@!", "https://{}@h/x@!"),
        ("https://a:b/x?y=1", "https://a:b/x?y=1"),
        ("docker://a/b@sha256:0f", "docker://a/b@sha256:0f"),
        # A step of the path.
        ("https://h.example/t/1234567", "https://h.example/t/1234567"),
        ("https://h.example/t/1234567x", "https://h.example/t/{}"),
        ("https://h.example/t/abcdefgh", "https://h.example/t/abcdefgh"),
        ("https://h.example/a/12345678", "https://h.example/a/12345678"),
        ("https://1234567x/t/a", "https://1234567x/t/a"),
        ("https://h.example/T/1234567x/1234567y", "https://h.example/T/{}/1234567y"),
        ("https://h/aB3dE6gH9jK2mN5pQ8sT", "https://h/{}"),
        ("https://h/aB3dE6gH9jK2mN5pQ8s", "https://h/aB3dE6gH9jK2mN5pQ8s"),
        ("https://h/aB3dE6gH9jK2mN5pQ8sT.x", "https://h/aB3dE6gH9jK2mN5pQ8sT.x"),
        ("https://h/x-aB3dE6gH9jK2mN5pQ8sT", "https://h/{}"),
        ("https://h/aB3dE6gH9jK-mN5pQ8sT2v", "https://h/aB3dE6gH9jK-mN5pQ8sT2v"),
        ("https://h/aaaBBBcccDDD111eee22f", "https://h/{}"),
        ("https://h/aaaBBBcccDDD111eee222", "https://h/aaaBBBcccDDD111eee222"),
        ("https://h/aaaBBBcccDDD111eee22ff", "https://h/aaaBBBcccDDD111eee22ff"),
        ("file:///aB3dE6gH9jK2mN5pQ8sT", "file:///aB3dE6gH9jK2mN5pQ8sT"),
        # Parameters.
        ("https://h/?sig=abc&x=1#token=abc", "https://h/?sig={}&x=1#token={}"),
        ("https://h/?sig=1&token=true", "https://h/?sig=1&token=true"),
        ("https://h/?to=https%3A%2F%2Fh%2Fa", "https://h/?to=https%3A%2F%2Fh%2Fa"),
        ("https://h/?to=https%3A%2F%2Fa%3Ab%40h%2Fa", "https://h/?to={}"),
        # Pairs of a name and a value.
        ("api_key=abc", "api_key={}"),
        ("sort_key=abc", "sort_key=abc"),
        ("key=abc", "key=abc"),
        ("apiKey=abc", "apiKey={}"),
        ("db_pass=abc", "db_pass={}"),
        ("pass=abc", "pass={}"),
        ("by_pass=abc", "by_pass=abc"),
        ("pad_token=abc", "pad_token=abc"),
        ("my_token=abc", "my_token={}"),
        ("pad_secret=abc", "pad_secret={}"),
        ("-api-key-=abc", "-api-key-={}"),
        ("password=1", "password={}"),
        ("token=123456", "token=123456"),
        ("token=1234567", "token={}"),
        ("token=-1.5", "token=-1.5"),
        ("token=1.2.3", "token={}"),
        ("token=$X y", "token=$X y"),
        ("token=$(x)", "token=$(x)"),
        ("token=%(x)s", "token=%(x)s"),
        ("token='a b' c", "token='{}' c"),
        ("token: abcdefg1 x", "token: {} x"),
        ("token: abcdef1 x", "token: abcdef1 x"),
        ("token: abcdefgh x", "token: abcdefgh x"),
        ("password: abcd", "password: {}"),
        ("password: abc", "password: abc"),
        ("password: abcd, x", "password: {}, x"),
        ("password: abcd x", "password: abcd x"),
        ("x-token: a", "x-token: {}"),
        ("authorization: bearer abc", "authorization: bearer {}"),
        ("authorization: Digest a=b, c=d", "authorization: Digest {}"),
        ("cookie: a=b; c=d", "cookie: {}"),
        ("cookie=abc; d", "cookie={}; d"),
        # Values inside of other values.
        ('{"token": {"a": "x", "b": ["y"]}, "c": "z"}',
         '{"token": {"a": "{}", "b": ["{}"]}, "c": "z"}'),
        ("{'token': ['x', 'true'], 'c': 'z'}", "{'token': ['{}', 'true'], 'c': 'z'}"),
        ('password=["1234"]', 'password=["{}"]'),
        ('token=["1234"]', 'token=["1234"]'),
        ("token=['x', 'y' z", "token=['{}', '{}' z"),
        ('token=[{"secret": "x"}] secret=y', 'token=[{"secret": "{}"}] secret={}'),
        ("token=a,password=b", "token={},password={}"),
        # Options and headers.
        ("--token abc --x y", "--token {} --x y"),
        ("--token -v", "--token -v"),
        ("--token 1", "--token 1"),
        ("--password 1234", "--password {}"),
        ("x hooks.slack.com/services/T0/B0/abc y", "x hooks.slack.com/services/{} y"),
        ("-token abc", "-token {}"),
        ("--level abc", "--level abc"),
        ("curl -u a:b h", "curl -u a:{} h"),
        ("curl -u a:<hidden> h", "curl -u a:<hidden> h"),
        ("curl -u a:x<hidden> h", "curl -u a:x<hidden> h"),
        ("AKIA" + "A1" * 8, "{}"),
        ("basic dXNlcjpwYXNzd29yZA==", "basic {}"),
        ("bearer abcdefg1", "bearer {}"),
        ("bearer abcdef1", "bearer abcdef1"),
        ("x&sig=abcdefgh", "x&sig={}"),
        ("x&sig=abcdefg", "x&sig=abcdefg"),
        ("ann:hunter2@h.example", "ann:{}@h.example"),
        ('{"name": "A_TOKEN", "value": "x y"}', '{"name": "A_TOKEN", "value": "{}"}'),
        ('{"name": "A", "value": "x y"}', '{"name": "A", "value": "x y"}'),
    ],
)  # fmt: skip
def test_of_a_text_the_secret_words_are_hidden(text: str, safe: str) -> None:
    assert safe_text(text) == safe.replace("{}", MARK)


@pytest.mark.parametrize(
    ("name", "value", "is_hidden"),
    [
        ("XLA_TOKEN_FILE", "/run/token", False),
        ("XLA_TOKEN_FILE", "hunter", True),
        ("TORCH_API_TOKEN", "/run/token", True),
        ("xla_token_path", "~/token", False),
        ("XLA_TOKEN_DIR", "./x", False),
        ("TF_KEY", "abc", True),
        ("TF_MONKEY", "abc", False),
        ("TF_APIKEY", "abc", True),
        ("TF_COMPASS", "abc", False),
        ("TF_AUTHOR", "abc", False),
        ("TF_AUTHORIZED", "abc", True),
        ("TF_TOKENIZER", "abc", False),
        ("TF_TOKENIZER_TOKEN", "abc", True),
        ("TF_PASSWORD", "1234", True),
        ("TF_TOKEN", "1234", False),
    ],
)
def test_a_value_is_hidden_by_the_name_of_its_variable(
    name: str, value: str, is_hidden: bool
) -> None:
    assert safe_value(name, value) == (MARK if is_hidden else value)


@pytest.mark.parametrize(
    ("argv", "safe"),
    [
        (["x", "--token", "abc", "abc"], ["x", "--token", MARK, "abc"]),
        (["x", "--token", "-v"], ["x", "--token", "-v"]),
        (["x", "--token", "1"], ["x", "--token", "1"]),
        (["x", "--token=a", "abc"], ["x", f"--token={MARK}", "abc"]),
        (["token", "abc"], ["token", "abc"]),
        (["--level", "abc"], ["--level", "abc"]),
        ([], []),
    ],
)
def test_the_argument_behind_an_option_that_names_a_secret_is_hidden(
    argv: list[str], safe: list[str]
) -> None:
    assert safe_arguments(argv) == safe


def test_tags_are_hidden_by_name_and_by_form() -> None:
    tags = {"password": "ab", "token": "3", "lr": TOKEN, TOKEN: "x"}
    assert safe_tags(tags) == {"password": MARK, "token": "3", "lr": MARK, MARK: "x"}


def test_a_seal_is_asked_for_random_words_only() -> None:
    def seal(word: str) -> str:
        asked.append(word)
        return sealed("1" * 8, "a" * 32)

    asked: list[str] = []
    mark = seal(TOKEN)
    assert safe_text(f"a {TOKEN} b", seal) == f"a {mark} b"
    assert safe_text(f"token={TOKEN}", seal) == f"token={mark}"
    assert safe_text(f"https://ann:{TOKEN}@h.example", seal) == f"https://{mark}@h.example"
    assert safe_text("token=abcdef12", seal) == f"token={MARK}"
    assert safe_value("TF_TOKEN", "abcdef", seal) == MARK
    assert safe_value("TF_TOKEN", TOKEN, seal) == mark
    assert safe_text(f"AKIA{'A1' * 8} x", seal) == f"{MARK} x"
    assert asked == [TOKEN, TOKEN, TOKEN, f"ann:{TOKEN}", TOKEN]
    assert safe_text(TOKEN, lambda word: None) == MARK


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("01234567" * 4, True),
        ("0123456" + "0" * 25, False),
        ("01234567" * 3 + "0123456", False),
        ("aB3defghijklmnop" * 2, True),
        ("aB3defghijklmno" + "a" * 17, False),
        ("ab3defghijklmnop" * 2, False),
        ("aB3defghijklmnop" * 2 + "==", True),
        ("npm_" + "aB3d" * 9, True),
        ("npm_" + "aB3d" * 8, False),
        ("AKIA" + "A1" * 8, False),
    ],
)
def test_whether_a_word_holds_enough_chance_to_be_sealed(word: str, answer: bool) -> None:
    assert is_random(word) is answer


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("https://h/x", False),
        ("https://h/" + "x" * 20, True),
        ("https://h/" + "x" * 19, False),
        ("https://a@h", True),
        ("https://h/?x", True),
        ("https://h/#x", True),
        ("https://h/t/x", True),
        ("token", False),
        ("token x", True),
        ("token=x", True),
        ("token:x", True),
        ("a@b:c", True),
        ("a@b c", False),
        ("a:b", False),
    ],
)
def test_only_a_text_that_may_name_a_secret_is_looked_through(text: str, may: bool) -> None:
    assert may_name_a_secret(text) is may


def test_the_home_becomes_a_tilde_where_it_is_a_whole_path() -> None:
    values = ["/home/u/x", "/home/u", "/home/user", "/x/home/u", "a:/home/u:b", "/home/u.old"]
    cleaned = ["~/x", "~", "/home/user", "/x/home/u", "a:~:b", "/home/u.old"]
    assert clean(values, "/home/u") == cleaned
    assert clean(values, "/home/u/") == cleaned
    assert clean(values, "/") == values
    assert clean(values, "") == values
    assert clean([f"/home/u/{TOKEN}"], "/home/u") == [f"~/{MARK}"]


def test_a_copy_is_made_only_where_something_changes() -> None:
    plain = {"a": ["x", 1, None, {"b": "y"}], "c": "0f" * 20}
    assert clean(plain, "/home/u") is plain
    found = {"a": [TOKEN, 1, None, {TOKEN: "y"}, ["token=abc"]], "b": True}
    assert clean(found) == {"a": [MARK, 1, None, {MARK: "y"}, [f"token={MARK}"]], "b": True}
    assert clean(TOKEN) == MARK
    kept = ["token=1", "https://h.example/?x=1", "AKIA-no-token-but-long"]
    assert clean(kept) is kept
    assert clean(5) == 5


@pytest.mark.parametrize(
    "text",
    [
        *("token:abcdefg1", "token=abc", "bearer abcdefg1", "ann:hunter2@h.example"),
        *("https://h.example/t/1234567x", "AKIA" + "A1" * 8, TOKEN),
    ],
)
def test_a_text_that_stands_alone_is_looked_through(text: str) -> None:
    assert clean([text]) == [safe_text(text)]
    assert MARK in safe_text(text)


def test_which_forms_hold_too_little_chance_and_which_are_whole() -> None:
    weak = "gitlab aws aws-older docker square alibaba"
    assert {form.name for form in FORMS if not form.is_random} == set(weak.split())
    whole = "slack-hook office-hook discord-hook telegram terraform azure jwt jwe neptune"
    assert {form.name for form in FORMS if form.is_whole} == {*whole.split(), "private-key"}
