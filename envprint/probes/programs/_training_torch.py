"""The network of the training probe in PyTorch, from 2.0 on; needs no NumPy."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

MODULE = "torch"


def begin(settings: dict[str, Any]) -> dict[str, Any]:
    """Turn the switches, set the seed, and tell what is in force."""
    if settings["determinism"]:
        # cuBLAS reads it when it starts, and refuses to be deterministic without.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Threads that spin while they wait double the time on a machine that others use too.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import torch

    if settings["threads"]:
        torch.set_num_threads(settings["threads"])
        torch.set_num_interop_threads(settings["threads"])
    if settings["determinism"] is not None:
        torch.use_deterministic_algorithms(settings["determinism"])
    if settings["seeds"]["framework"] is not None:
        torch.manual_seed(settings["seeds"]["framework"])
    return {
        "version": torch.__version__,
        "in_force": {
            "device": torch.cuda.get_device_name(0) if settings["device"] == "gpu" else "cpu",
            "op_determinism": "on" if torch.are_deterministic_algorithms_enabled() else "off",
            "threads": str(torch.get_num_threads()),
        },
    }


def network() -> Any:
    """The network, with weights as PyTorch draws them."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(32 * 12 * 12, 512),
        nn.BatchNorm1d(512),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(512, 10),
    )


def train(
    settings: dict[str, Any],
    parts: Sequence[tuple[Any, list[int]]],
    report: Callable[[Iterator[bytes]], None],
) -> dict[str, float]:
    """Train in a plain loop that a `DataLoader` feeds; return the metrics."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    device = "cuda" if settings["device"] == "gpu" else "cpu"
    training, validation = (
        (torch.frombuffer(pixels, dtype=torch.float32).view(-1, 1, 28, 28), torch.tensor(classes))
        for pixels, classes in parts
    )
    net = network().to(device)
    report(weights_of(net))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(*training), settings["batch_size"], shuffle=True)
    first = last = (0.0, 0.0)
    for epoch in range(settings["epochs"]):
        last = one_epoch(net, loader, device, optimizer, report)
        first = last if epoch == 0 else first
    net.eval()
    with torch.no_grad():
        val_loss, val_accuracy = measured(net(validation[0].to(device)), validation[1].to(device))
    return {
        "loss": last[0],
        "accuracy": last[1],
        "val_loss": val_loss.item(),
        "val_accuracy": val_accuracy,
        "first_epoch_loss": first[0],
    }


def one_epoch(
    net: Any, loader: Any, device: str, optimizer: Any, report: Callable[[Iterator[bytes]], None]
) -> tuple[float, float]:
    """Train for an epoch; return its mean loss and accuracy."""
    losses = hits = count = 0.0
    for images, classes in loader:
        optimizer.zero_grad()
        loss, accuracy = measured(net(images.to(device)), classes.to(device))
        loss.backward()
        optimizer.step()
        report(weights_of(net))
        losses += loss.item() * len(classes)
        hits += accuracy * len(classes)
        count += len(classes)
    return losses / count, hits / count


def measured(scores: Any, classes: Any) -> tuple[Any, float]:
    """Loss, which can be gone back from, and accuracy."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(scores, classes), (scores.argmax(1) == classes).float().mean().item()


def weights_of(net: Any) -> Iterator[bytes]:
    """The bytes of all weights and moving averages."""
    for tensor in net.state_dict().values():
        here = tensor.detach().cpu().contiguous()
        yield ctypes.string_at(here.data_ptr(), here.numel() * here.element_size())
