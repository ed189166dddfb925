"""PyTorch: ATen's own kernels, oneDNN, MKL or CUDA libraries."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

MODULE = "torch"
ON_GPU = True
PARTS = ("_torch_random.py",)
SETTINGS = {
    "intra_op_threads": "get_num_threads",
    "inter_op_threads": "get_num_interop_threads",
    "capability": "backends.cpu.get_cpu_capability",
    "mkl": "backends.mkl.is_available",
    "onednn": "backends.mkldnn.is_available",
    "deterministic_algorithms": "are_deterministic_algorithms_enabled",
    "matmul_precision": "get_float32_matmul_precision",
    "cudnn": "backends.cudnn.version",
}

if TYPE_CHECKING:
    Named = Iterator[tuple[str, Callable[[], Any]]]


def begin(device: str) -> dict[str, Any]:
    """The version and the settings that the digests are made under."""
    import torch

    header: dict[str, Any] = {"version": torch.__version__, "device": "cpu"}
    settings = {}
    for name, path in SETTINGS.items():
        ask: Any = torch
        for part in path.split("."):
            ask = getattr(ask, part, None)
        if ask:  # an older version has fewer
            settings[name] = str(ask())
    if device != "cpu":
        count, number = torch.cuda.device_count(), int(device.partition(":")[2])
        if number >= count:
            raise LookupError(f"PyTorch sees {count} GPUs, so there is no {device}")
        about = torch.cuda.get_device_properties(number)
        header.update(device=about.name, gpus=count)
        settings["processors"] = str(about.multi_processor_count)
        for switch in ("benchmark", "deterministic", "allow_tf32"):
            settings[f"cudnn_{switch}"] = str(getattr(torch.backends.cudnn, switch))
    return {**header, "settings": settings}


def operations(device: str, inputs: Callable[[int, str], bytes]) -> Named:
    """Every operation by name."""
    import torch

    place = torch.device(device.replace("gpu", "cuda"))

    def values(kind: str, *shape: int, salt: str = "a") -> Any:
        """Numbers in [-0.5, 0.5) with as many random bits as the type holds, by exact steps."""
        count = torch.Size(shape).numel()
        if kind == "float64":
            words = torch.frombuffer(bytearray(inputs(2 * count, salt)), dtype=torch.int64)
            scaled = ((words >> 11) & (2**53 - 1)).double() * 2.0**-53 - 0.5
        else:
            words = torch.frombuffer(bytearray(inputs(count, salt)), dtype=torch.int32)
            scaled = ((words >> 8) & (2**24 - 1)).float() * 2.0**-24 - 0.5
        return scaled.to(getattr(torch, kind)).reshape(shape).to(place)

    plain = (_libm, _reductions, _products, _layers, _decompositions, _floats)
    groups = [
        *((group, kind) for kind in ("float32", "float64") for group in plain),
        (_convolutions, "float32"),
        *((group, "bfloat16") for group in (_products, _convolutions)),
    ]
    for group, kind in groups:
        for name, compute in group(partial(values, kind)):
            yield f"{name} {kind}", partial(_bytes, compute)


def _bytes(compute: Callable[[], Any]) -> list[bytes]:
    """The bytes of one or several tensors, without NumPy, which need not be there."""
    result, found = compute(), []
    for tensor in result if isinstance(result, (list, tuple)) else [result]:
        here = tensor.detach().cpu().contiguous()
        found.append(ctypes.string_at(here.data_ptr(), here.numel() * here.element_size()))
    return found


def _gradient(compute: Callable[..., Any], *sources: Any) -> Any:
    """What `compute` gives back to its arguments; the way down is uneven, by exact steps."""
    import torch

    result = compute(*[source.requires_grad_() for source in sources])
    weights = torch.arange(result.numel(), device=result.device) % 7 - 3
    return torch.autograd.grad(result, sources, weights.reshape(result.shape).to(result.dtype))


def _libm(make: Callable[..., Any]) -> Named:
    import torch

    x = partial(make, 5003)
    scales = {"exp": 32, "expm1": 8, "sin": 256, "cos": 256, "tanh": 8, "sigmoid": 16, "erf": 4}
    for name, scale in scales.items():
        yield f"libm/{name}", partial(lambda f, by: f(x() * by), getattr(torch, name), scale)
    yield "libm/log", lambda: torch.log(x().abs() * 16)
    yield "libm/log1p", lambda: torch.log1p(x() + x().abs())
    yield "libm/pow", lambda: torch.pow(x().abs() * 8, x(salt="b") * 16)
    yield "libm/gelu", lambda: torch.nn.functional.gelu(x() * 8)
    yield "libm/reciprocal-root", lambda: torch.rsqrt(x().abs())


def _reductions(make: Callable[..., Any]) -> Named:
    import torch

    large = partial(make, 307, 1013)

    def scattered() -> Any:
        places = torch.arange(5003) * 7 % 31
        x = make(5003, 17)
        return torch.zeros(31, 17).to(x).index_add_(0, places.to(x.device), x)

    yield "reduction/sum-small", lambda: make(101).sum()
    yield "reduction/sum-large", lambda: large().sum()
    yield "reduction/sum-columns", lambda: large().sum(0)
    yield "reduction/sum-rows", lambda: large().sum(1)
    yield "reduction/variance", lambda: large().var()
    yield "reduction/norm", lambda: large().norm()
    yield "reduction/cumulative-sum", lambda: make(5003).cumsum(0)
    yield "reduction/scatter-add", scattered


def _products(make: Callable[..., Any]) -> Named:
    large = partial(make, 700, 700)
    yield "dot/small", lambda: make(61).dot(make(61, salt="b"))
    yield "dot/large", lambda: make(100003).dot(make(100003, salt="b"))
    yield "matmul/small", lambda: make(7, 13) @ make(13, 5, salt="b")
    yield "matmul/medium", lambda: make(67, 129) @ make(129, 33, salt="b")
    yield "matmul/large", lambda: large() @ large(salt="b")
    yield "matmul/transposed", lambda: large().t() @ large(salt="b")
    yield "matmul/vector", lambda: large() @ make(700, salt="b")
    yield "matmul/batched", lambda: make(9, 37, 39) @ make(9, 39, 43, salt="b")


def _convolutions(make: Callable[..., Any]) -> Named:
    from torch.nn.functional import conv2d

    images, filters = partial(make, 8, 32, 29, 31), partial(make, 48, 32, 3, 3)
    first = partial(make, 8, 1, 28, 28), partial(make, 32, 1, 3, 3)
    single, point = partial(make, 32, 1, 3, 3), partial(make, 48, 32, 1, 1)
    plain, strided = partial(conv2d, padding=1), partial(conv2d, stride=2)
    depthwise = partial(conv2d, padding=1, groups=32)
    yield "convolution/forward-first", lambda: plain(*(part() for part in first))
    yield "convolution/forward", lambda: plain(images(), filters())
    yield "convolution/backward", lambda: _gradient(plain, images(), filters())
    yield "convolution/strided", lambda: strided(images(), filters())
    yield "convolution/strided-backward", lambda: _gradient(strided, images(), filters())
    yield "convolution/pointwise", lambda: conv2d(images(), point())
    yield "convolution/depthwise", lambda: depthwise(images(), single())
    yield "convolution/depthwise-backward", lambda: _gradient(depthwise, images(), single())


def _layers(make: Callable[..., Any]) -> Named:
    import torch
    from torch.nn import functional

    images, logits = partial(make, 8, 32, 29, 31), partial(make, 67, 1001)
    heads = partial(make, 2, 3, 37, 32)

    def batch_norm(x: Any, scale: Any, bias: Any) -> Any:
        return functional.batch_norm(x, None, None, scale, bias, training=True)

    def normal() -> Any:
        return images(), make(32, salt="c"), make(32, salt="b")

    def cross_entropy(x: Any) -> Any:
        return functional.cross_entropy(x, torch.arange(67, device=x.device) * 7, reduction="none")

    def attention() -> Any:
        parts = (heads(salt=salt) for salt in "abc")
        return functional.scaled_dot_product_attention(*parts)

    largest = partial(functional.max_pool2d, kernel_size=2)
    average = partial(functional.avg_pool2d, kernel_size=3, stride=2)
    yield "normalisation/batch-norm", lambda: batch_norm(*normal())
    yield "normalisation/batch-norm-backward", lambda: _gradient(batch_norm, *normal())
    yield "normalisation/layer-norm", lambda: functional.layer_norm(logits(), [1001])
    yield "softmax/forward", lambda: torch.softmax(logits() * 16, 1)
    yield "softmax/cross-entropy-backward", lambda: _gradient(cross_entropy, logits() * 16)
    yield "softmax/attention", attention
    yield "pooling/largest", lambda: largest(images())
    yield "pooling/largest-backward", lambda: _gradient(largest, images())
    yield "pooling/average", lambda: average(images())
    yield "pooling/average-backward", lambda: _gradient(average, images())


def _decompositions(make: Callable[..., Any]) -> Named:
    import torch
    from torch import fft, linalg

    square = partial(make, 100, 100)

    def definite() -> Any:
        """Symmetric and positive, by steps that round alike everywhere."""
        return square() + square().t() + 20 * torch.eye(100).to(square())

    yield "decomposition/svd", lambda: linalg.svd(square())
    yield "decomposition/eigh", lambda: linalg.eigh(definite())
    yield "decomposition/qr", lambda: linalg.qr(square())
    yield "decomposition/cholesky", lambda: linalg.cholesky(definite())
    yield "decomposition/solve", lambda: linalg.solve(square(), square(salt="b"))
    yield "fft/power-of-two", lambda: fft.rfft(make(4096))
    yield "fft/prime", lambda: fft.rfft(make(1009))
    yield "fft/two-dimensional", lambda: fft.rfft2(make(3, 60, 90))


def _floats(make: Callable[..., Any]) -> Named:
    import torch

    x = partial(make, 1001)

    def subnormals() -> Any:
        tiny = torch.finfo(x().dtype).tiny
        return [x() * tiny, (x() * tiny) * 2.0**20, x() * tiny + tiny]

    def rounding() -> Any:
        return [x() / 3, x() + 1, (x() + 1).sqrt(), x().half(), x().bfloat16()]

    yield "floats/subnormals", subnormals
    yield "floats/rounding", rounding
    yield "sorting/order-of-equals", lambda: (x() * 8).round().argsort()
