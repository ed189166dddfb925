"""`transformers env`, `accelerate env`, `diffusers-cli env` and `datasets-cli env`.

    - `transformers` version: 4.45.2
    - Platform: Linux-5.15.0-122-generic-x86_64-with-glibc2.35
    - Python version: 3.10.12
    - PyTorch version (GPU?): 2.4.0+cu121 (True)
    - Tensorflow version (GPU?): not installed (NA)
    - GPU type: NVIDIA A100-SXM4-80GB

One kind of GPU is named, not how many there are.
https://github.com/huggingface/transformers/blob/main/src/transformers/commands/env.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.core.typed import Any
from envprint.importers._found import Found, combined
from envprint.importers._labels import known, labelled
from envprint.importers._machine import platform, python
from envprint.importers._packages import VERSION, Package, package, packages
from envprint.importers._source import Source

TITLE = "an env of Hugging Face's libraries"
IS_PART = True
_OWN = re.compile(
    r"- (?:`(transformers|accelerate|diffusers|datasets|Accelerate)`|🤗 (Diffusers)) version: *\S"
)
_DISTRIBUTIONS = {
    **{f"`{name}` version": name for name in ("transformers", "diffusers", "datasets")},
    **{f"`{name}` version": "accelerate" for name in ("accelerate", "Accelerate")},
    **{"🤗 Diffusers version": "diffusers", "Transformers version": "transformers"},
    **{
        "Huggingface_hub version": "huggingface-hub",
        "`huggingface_hub` version": "huggingface-hub",
    },
    **{"Safetensors version": "safetensors", "Accelerate version": "accelerate"},
    **{
        "PEFT version": "peft",
        "Bitsandbytes version": "bitsandbytes",
        "xFormers version": "xformers",
    },
    **{"DeepSpeed version": "deepspeed", "Numpy version": "numpy", "PyArrow version": "pyarrow"},
    **{"Pandas version": "pandas", "`fsspec` version": "fsspec", "Jax version": "jax"},
    **{"JaxLib version": "jaxlib", "Flax version (CPU?/GPU?/TPU?)": "flax"},
    **{"Tensorflow version (GPU?)": "tensorflow"},
}
_TORCH = (
    *("PyTorch version (GPU?)", "PyTorch version", "PyTorch version (accelerator?)"),
    "PyTorch accelerator",
)
_OTHERS = (
    *("Platform", "Python version", "GPU type", "Accelerate config", "DeepSpeed version"),
    *(
        "Using distributed or parallel set-up in script?",
        "Using GPU in script?",
        "Running on Google Colab?",
    ),
    *("`accelerate` bash location", "`Accelerate` default config", "System RAM", "Accelerator"),
    *("Using distributed or parallel set-up in script?", "PyTorch XPU available"),
)
_GAP = "an env of Hugging Face's libraries lists a few packages only"


def recognises(source: Source) -> bool:
    """The line of the library itself."""
    return bool(_OWN.search(source.text))


def read(source: Source) -> Found:
    """What the labels name. Raises `DocumentError`."""
    start = _OWN.search(source.text)
    if start is None:
        raise source.fault("no line with the version of one of Hugging Face's libraries")
    text = source.text[start.start() :]
    found = labelled(text, {*_DISTRIBUTIONS, *_TORCH, *_OTHERS})
    torch = next((found[label] for label in _TORCH if label in found), "")
    number = re.match(VERSION, torch) if torch[:1].isdecimal() else None
    own: dict[str, Any] = {"torch": {"version": number[0]}} if number else {}
    return combined(
        [
            Found({"python": python(known(found, "Python version"))}),
            platform(known(found, "Platform")),
            Found({"frameworks": own}),
            packages(_listed(found), gap=_GAP),
        ]
    )


def _listed(found: dict[str, str]) -> Iterator[Package]:
    for label, name in _DISTRIBUTIONS.items():
        number = re.match(VERSION, known(found, label) or "")
        if number and number[0][0].isdecimal():
            one = package(name, number[0])
            if one:
                yield one
