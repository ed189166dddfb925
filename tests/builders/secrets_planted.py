"""Secrets that are made up, of every kind, and look-alikes that are none.

Nothing here opens anything: the letters are drawn from a seed, which each test sets for itself.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from typing import NamedTuple

_DRAW = random.Random()
_ALNUM = string.ascii_letters + string.digits
_URL_SAFE = _ALNUM + "_-"
_HEX = "0123456789abcdef"
_UPPER = string.ascii_uppercase + string.digits


def draw_from(seed: str) -> None:
    """What is drawn from now on follows from `seed`, whatever was drawn before."""
    _DRAW.seed(seed)


def _word(length: int, letters: str = _ALNUM) -> str:
    """Letters by chance, the last of which are letters or digits."""
    drawn = "".join(_DRAW.choice(letters) for _ in range(length))
    tail = [letter for letter in letters if letter.isalnum()]
    return drawn[:-3] + "".join(_DRAW.choice(tail) for _ in range(2)) + _DRAW.choice("23456789")


class Planted(NamedTuple):
    """A text with a secret in it."""

    text: str
    secret: str


Make = Callable[[], Planted]


def _token(begin: str, length: int, letters: str = _ALNUM, end: str = "") -> Make:
    """A token that is the secret by its form, wherever it stands."""

    def make() -> Planted:
        word = begin + _word(length, letters) + end
        return Planted(word, word)

    return make


def _named(text: str, length: int = 12, letters: str = _ALNUM) -> Make:
    """A secret of no special form, which the text around it tells."""

    def make() -> Planted:
        word = _word(length, letters)
        return Planted(text.replace("SECRET", word), word)

    return make


def _joined(*parts: tuple[str, int, str]) -> Make:
    def make() -> Planted:
        word = "".join(
            begin + (_word(count, letters) if count else "") for begin, count, letters in parts
        )
        return Planted(word, word)

    return make


TOKENS: dict[str, Make] = {
    "GitHub, personal": _token("ghp_", 36),
    "GitHub, OAuth": _token("gho_", 36),
    "GitHub, user to server": _token("ghu_", 36),
    "GitHub, server to server": _token("ghs_", 36),
    "GitHub, refresh": _token("ghr_", 36),
    "GitHub, fine-grained": _joined(("github_pat_", 22, _ALNUM), ("_", 59, _ALNUM)),
    "GitLab": _token("glpat-", 20, _URL_SAFE),
    "GitLab, runner": _token("glrt-", 20, _URL_SAFE),
    "AWS, lasting": _token("AKIA", 16, _UPPER),
    "AWS, temporary": _token("ASIA", 16, _UPPER),
    "Google, API key": _token("AIza", 35, _URL_SAFE),
    "Google, OAuth": _token("ya29.", 90, _URL_SAFE),
    "npm": _token("npm_", 36),
    "package index": _token("pypi-AgEIc", 150, _URL_SAFE),
    "NVIDIA": _token("nvapi-", 64, _URL_SAFE),
    "Stripe, secret": _token("sk_live_", 24),
    "Stripe, restricted": _token("rk_live_", 99),
    "SendGrid": _joined(("SG.", 22, _URL_SAFE), (".", 43, _URL_SAFE)),
    "Slack, bot": _token("xoxb-123456789012-1234567890123-", 24),
    "Slack, browser": _token("xoxc-123456789012-1234567890123-1234567890123-", 64, _HEX),
    "Slack, user": _token("xoxp-123456789012-1234567890123-123456789-", 32, _HEX),
    "Hugging Face": _token("hf_", 34),
    "OpenAI": _token("sk-", 48),
    "OpenAI, project": _token("sk-proj-", 120, _URL_SAFE),
    "Anthropic": _token("sk-ant-api03-", 93, _URL_SAFE, "AA"),
    "Weights & Biases": _token("wandb_v1_", 77, _ALNUM + "_"),
    "Kaggle": _token("KGAT_", 32, _HEX),
    "Databricks": _token("dapi", 32, _HEX),
    "Docker": _token("dckr_pat_", 27, _URL_SAFE),
    "Vault": _token("hvs.", 95, _URL_SAFE),
    "JSON web token": _joined(
        ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", 0, ""),
        (".eyJ", 40, _URL_SAFE),
        (".", 43, _URL_SAFE),
    ),
}  # fmt: skip
"""Secrets that their own form tells: they may stand anywhere."""

NAMED: dict[str, Make] = {
    "URL, user and password": _named("https://ann:SECRET@host.example/a"),
    "URL, password with a slash": _named("https://ann:x/SECRET@host.example/a"),
    "URL, password with an at sign": _named("https://ann:x@SECRET@host.example/a"),
    "URL, token for user": _named("git+https://SECRET@host.example/o/p@v1.2"),
    "query, access_token": _named("https://host.example/a?x=1&access_token=SECRET"),
    "query, sig": _named("https://host.example/a?sv=2024-01-01&sig=SECRET%2B"),
    "query, X-Amz-Signature": _named("https://b.host.example/a?X-Amz-Signature=SECRET", 64, _HEX),
    "query, X-Amz-Security-Token": _named("s3://b/a?X-Amz-Security-Token=SECRET&X-Amz-Date=1", 90),
    "query, api_key": _named("https://host.example/?api_key=SECRET"),
    "query, another URL": _named("https://h.example/?to=https%3A%2F%2Fann%3ASECRET%40h.example%2F"),
    "signature without a URL": _named("sv=2022-11-02&sp=r&sig=SECRET%3D", 43),
    "fragment, token": _named("https://host.example/a#token=SECRET"),
    "path, token": _named("https://host.example/t/SECRET/channel", 24),
    "path, random step": _named("https://host.example/simple/4SECRET/pkg", 31),
    "Slack hook": _named("https://hooks.slack.com/services/T0000000/B0000000/SECRET", 24),
    "option with =": _named("--verbose --password=SECRET --level=3"),
    "option with a blank": _named("--verbose --token SECRET --level 3"),
    "Authorization, bearer": _named("Authorization: Bearer SECRET", 40),
    "Authorization, basic": _named("Authorization: Basic SECRET=", 23),
    "Authorization, digest": _named('Authorization: Digest username="ann", response="SECRET"', 32),
    "header by name": _named("X-Api-Key: SECRET", 7),
    "sshpass": _named("sshpass -p SECRET ssh host.example"),
    "curl -u without a blank": _named("curl -uann:SECRET host.example"),
    "curl -u": _named("curl -u ann:SECRET host.example"),
    "JSON, password": _named('{"task": {"index": 0}, "db": {"password": "SECRET"}}'),
    "JSON, pass": _named('{"user": "ann", "pass": "SECRET"}'),
    "JSON, nested list": _named('{"auth": ["ann", "SECRET"], "rank": 1}'),
    "JSON, escaped": _named(r'{"inner": "{\"token\": \"SECRET\"}"}'),
    "JSON, name and value": _named('[{"name": "DB_PASSWORD", "value": "SECRET"}]'),
    "connection string": _named("Server=db;User=ann;Password=SECRET;Timeout=3"),
    "storage account": _named("AccountName=a;AccountKey=SECRET==;Suffix=x", 86),
    "wandb key by name": _named("WANDB_API_KEY=SECRET", 40, _HEX),
    "netrc": _named("machine host.example login ann password SECRET"),
    "netrc with an account": _named("machine h.example login ann account x password SECRET"),
    "private key": _named("-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----", 64),
    "webhook secret": _named("whsec_SECRET", 32),
    "cookie": _named("Cookie: session=SECRET; theme=dark", 30),
}
"""Secrets that the text around them tells."""

KINDS = {**TOKENS, **NAMED}

_WORDS = """
    /data/hf_cache /data/hf_cache/hub/models--bert /mnt/sk-learn /opt/sk-learn/lib eyJ eyJ.tar.gz
    /data/eyJhbGc/x eyJhbGciOi.x ghp_ ghp_cache gho_x /opt/ghs_mirror github_pat_ glpat-
    glpat-short AKIA AKIAMODEL /data/AKIA/set ASIA ASIA/Tokyo AIza npm_config_cache npm_ nvapi
    nvapi-client pypi-attestations pypi-simple xoxo xoxb- SG.x SG.UTF-8 sk-learn sk-learn-1.5
    sk_learn task-queue hf_transfer hf_xet hf_transfer==0.1.8 hf_home
    hf_hub_download_with_a_very_long_function_name_x sk_live sk_test_data r8_ r8_quant gsk_kernel
    dapi dapi-2 SKX SK-Hynix hvs.txt ya29 numpy scikit-learn tokenizers tokenizers-0.19.1
    sentencepiece keyring secretstorage keras tensorflow jupyter-token authlib google-auth
    google-auth-oauthlib python-jose pyjwt passlib 0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c
    sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    d41d8cd98f00b204e9800998ecf8427e 550e8400-e29b-41d4-a716-446655440000
    GPU-5a3d9c2e-1f4b-4c8d-9e7a-0b1c2d3e4f50 MIG-1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901
    00000000:07:00.0 cp311-cp311-manylinux_2_17_x86_64 py3-none-any manylinux2014_x86_64
    numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.whl libscipy_openblas64_-32a4b2a6.so
    py311h64a7726_0 1.26.4-py311h64a7726_0 6.18.44-fc-v657 /usr/lib/x86_64-linux-gnu/libcuda.so.1
    /nix/store/7gx4kiv5m0i7d7qkixq2cwzbr10lvxwc-glibc-2.38 /home/ann/.cache/torch/hub
    /opt/conda/envs/key-value /srv/token-classification /data/password-free /opt/secret-santa/lib
    /mnt/auth/models s3://bucket/models/token-ring gs://bucket/keys http://host.example
    https://host.example/a https://host.example:8080/a@b https://host.example/a@b
    https://github.com/o/p.git git@github.com:o/p.git ssh://git@host.example
    git+https://host.example/o/p@v1 https://host.example/a?x=1&y=2 https://host.example/a#egg=name
    https://host.example/?page=3#top https://host.example/?to=https%3A%2F%2Fhost.example%2Fa
    https://github.com/o/DeepLearning2024ModelsForNLP https://host.example/ResNet50Imagenet2012Training
    img:3.11@sha256:0f1e ann:x@h:22 x&sig=1 LTAI LTAImodel 1//0 AKCp tskey-x ntn_x
    https://host.example/archive/0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c.tar.gz
    https://host.example/packages/aa/bb/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852/x-1.whl
    file:///home/ann/p file:///srv/a%20b docker://library/python:3.11
    nvcr.io/nvidia/pytorch:24.05-py3
    docker.io/library/python@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    true True 1 0 auto NONE :4096:8 0,1,2,3 bfloat16 float32 C.UTF-8 en_US.UTF-8 UTC Europe/Berlin
    max_tokens=512 num_tokens=3 tokens=7 pad_token=[PAD] eos_token=</s> bos_token=<s>
    unk_token=[UNK] mask_token=[MASK] token_ids=3 n_keys=4 sort_key=name cache_key=shape
    primary_key=id key=3 tokenizer=bert author=ann author=Key authors=2 keyboard=us monkey=1
    passes=3 bypass=1 compass=north password= token=true auth=none secret=${{secrets.X}}
    token=$(cat) api_key=%(key)s password=${PW} --xla_gpu_autotune_level=0
    --xla_gpu_deterministic_ops=true --xla_dump_hlo_pass_re=.* --tf_xla_auto_jit=2
    --xla_disable_hlo_passes=fusion --task-queue=sk --keys --token-level=3 --no-auth -u
    --key-value expandable_segments:True max_split_size_mb:128 roundup_power2_divisions:[256:1]
    glibc.malloc.perturb=1
    {"cluster":{"worker":["h1:2222","h2:2222"]},"task":{"type":"worker","index":0}} {"tokens":3}
    {"key":"chief"} {"tokenizer":"bert","max_tokens":12} {"sort_key":"name"} [] {} basic bearer
    token secret password feature/token-ring fix/password-reset main release/1.2 refs/heads/auth
    v1.2.3-rc1+build.5 IntelOpenMP GenuineIntel AMD-EPYC-7742 SkylakeX NVIDIA-A100-SXM4-40GB
    Tesla-T4 RTX-2080Ti x86-64-v4 1.2.3 2026-11-21T19:00:00Z 12.4.131 R535.104.05 GCC-12.2.0
    linux-64 conda-forge nvidia-cuda-mps-server me@example.org ann:1000 host:22 [::1]:80 a=b a:b
    a@b @main x@y.z C:\\Windows ~/.config/envprint
""".split()
_SENTENCES = [
    "python",
    "python -u train.py:main",
    "docker://ubuntu@sha256:0f1e2d3c",
    "token=$TOKEN",
    "ssh://git@host.example/x@y",
    "auth=required; basic auth",
    "Web Content",
    "RDD Process",
    "NVIDIA A100-SXM4-40GB",
    "before the token refactoring",
    "the key is the seed",
    "no such file: token.txt; see the page",
    "password handling rewritten",
    "basic training of the auth model",
    "Bearer of bad news",
    "a secret: none",
    "token: expired",
    "token: str",
    "key: value",
    "auth: see the notes",
    "login failed for ann",
    "the password is wrong",
    "basic config-free run",
    "GCC 12.2.0 (Debian 12.2.0-14)",
    "NVML did not answer within 10 s",
    "run 3 of 5, seed 1234",
    "git refused with exit code 128; see `safe.directory` in git-config(1)",
    "threadpoolctl is not installed here",
    "not understood: KeyError: 'MemTotal'",
    "not understood: JSONDecodeError: line 1 column 2",
    "pass 1: 3 tokens, pass 2: 4 tokens",
    "lr=0.1 batch=32 tokens=2048",
    "keys: 3, values: 4",
]
LOOK_ALIKES = [*dict.fromkeys(_WORDS), *_SENTENCES]
"""Texts that no redactor may touch."""

PLAIN_VARIABLES = {
    "TOKENIZERS_PARALLELISM": "false",
    "KERAS_BACKEND": "tensorflow",
    "JAX_DEBUG_KEY_REUSE": "1",
    "JAX_LEGACY_PRNG_KEY": "warn",
    "JAX_COMPILATION_CACHE_INCLUDE_METADATA_IN_KEY": "True",
    "PYTHONTOKENIZE": "utf-8",
    "TF_AUTHOR": "ann",
    "TORCH_SESSION_PASS": "1",
    "TF_CACHE_KEY": "shape",
    "XLA_TOKEN_FILE": "/run/secrets/token",
    "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    "TF_TOKENIZER": "bert",
    "TORCH_API_KEY": "",
}
"""Variables whose names only look like those of secrets, or whose values are none."""
SECRET_VARIABLES = {
    "TORCH_API_KEY": "abc", "CUDA_PASSWORD": "1234", "TF_AUTH": "x", "XLA_SECRET_TOKEN": "abc",
    "TF_AUTHORIZATION": "abc", "JAX_TOKEN": "abcdef", "NCCL_PRIVATE": "abc", "KERAS_COOKIE": "ab=c",
    "PYTORCH_SIGNATURE": "abcde", "TPU_CREDENTIALS": "a b",
}  # fmt: skip
"""Variables that are hidden as a whole, by name alone."""
