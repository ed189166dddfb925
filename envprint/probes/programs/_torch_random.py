"""The random streams of PyTorch, a part of its probe."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator
from typing import Any

SIZES = {"-few": 13, "": 1001, "-large": 700001}
"""Below 16 numbers a CPU takes another way. The threads of a GPU share a stream, so that draws of
more numbers than its processors take at once depend on how many it has: no GPU takes as few as a
thousand or as many as 700,000."""


def operations(
    device: str, inputs: Callable[[int, str], bytes]
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every stream by name."""
    import torch

    place = device.replace("gpu", "cuda")

    def seeded(draw: Callable[..., Any], *arguments: Any, **named: Any) -> Callable[[], bytes]:
        def drawn() -> bytes:
            torch.manual_seed(7)
            return _bytes(draw(*arguments, **named))

        return drawn

    def empty(*shape: int) -> Any:
        return torch.empty(*shape, device=place)

    def filled(name: str, **arguments: Any) -> Any:
        return getattr(torch.nn.init, name)(empty(67, 33), **arguments)

    for size, count in SIZES.items():
        for name in ("rand", "randn"):
            draw = getattr(torch, name)
            yield f"random/{name}{size} float32", seeded(draw, count, device=place)
    double = torch.float64
    yield "random/randn float64", seeded(torch.randn, 1001, device=place, dtype=double)
    yield "random/randint int64", seeded(torch.randint, 1000, [1001], device=place)
    yield "random/randperm int64", seeded(torch.randperm, 1001, device=place)
    weights = torch.arange(1, 102).float()
    yield "random/multinomial int64", seeded(lambda: weights.to(place).multinomial(50))
    yield "random/bernoulli float32", seeded(lambda: empty(1001).bernoulli_(0.3))
    yield "random/exponential float32", seeded(lambda: empty(1001).exponential_())
    dropout = torch.nn.functional.dropout
    yield "random/dropout float32", seeded(lambda: dropout(empty(1001).fill_(1), 0.5))
    yield "random/kaiming_uniform float32", seeded(filled, "kaiming_uniform_", a=math.sqrt(5))
    yield "random/xavier_normal float32", seeded(filled, "xavier_normal_")
    yield "random/trunc_normal float32", seeded(filled, "trunc_normal_")


def _bytes(drawn: Any) -> bytes:
    """The bytes of a tensor, without NumPy, which need not be there."""
    here = drawn.detach().cpu().contiguous()
    return ctypes.string_at(here.data_ptr(), here.numel() * here.element_size())
