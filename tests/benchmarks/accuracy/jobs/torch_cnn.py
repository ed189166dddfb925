"""The CNN of keras_cnn.py in PyTorch, trained in a plain loop."""

import random

import numpy as np
import torch
from _common import emit, image_samples
from torch import nn


def cnn():
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


def seed_all():
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)


def samples():
    images, labels = image_samples()
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(
        labels
    ).long()


def train(model, batches, epochs=2):
    """Train by Adam on what `batches()` yields, an epoch a call; return the mean loss of each."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(epochs):
        steps = []
        for inputs, targets in batches():
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            steps.append(loss.item())
        losses.append(sum(steps) / len(steps))
    return losses


def emit_trained(model, losses):
    emit([tensor.numpy() for tensor in model.state_dict().values()], losses=losses)


def main():
    seed_all()
    model = cnn()
    images, labels = samples()

    def batches():
        for order in torch.randperm(len(images)).split(64):
            yield images[order], labels[order]

    emit_trained(model, train(model, batches))


if __name__ == "__main__":
    main()
