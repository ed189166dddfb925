"""Transformers of a few thousand weights, drawn at random in the job, and how they are trained."""

import random

import numpy as np
import torch
from _common import digest, emit, word_samples

WORDS = {"vocab_size": 100, "hidden_size": 32, "intermediate_size": 64}
LAYERS = {"num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 32}


def seed_all():
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)


def samples(count=256):
    """Return rows of words and labels as tensors of integers."""
    return tuple(torch.from_numpy(part).long() for part in word_samples(count))


def train(model, inputs_of, epochs=2, batch=32, count=256):
    """Train by AdamW on the loss that the model itself returns; the mean of each epoch."""
    rows, labels = samples(count)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model.train()
    losses = []
    for _ in range(epochs):
        steps = []
        for order in torch.randperm(len(rows)).split(batch):
            optimizer.zero_grad()
            loss = model(**inputs_of(rows[order], labels[order])).loss
            loss.backward()
            optimizer.step()
            steps.append(loss.item())
        losses.append(sum(steps) / len(steps))
    return losses


def classified(rows, labels):
    return {"input_ids": rows, "labels": labels}


def continued(rows, labels):
    return {"input_ids": rows, "labels": rows}


def emit_trained(model, losses):
    """Emit the weights in an order of their own: releases rename them, and move them around."""
    weights = [weight.detach().float().numpy() for weight in model.parameters()]
    emit(sorted(weights, key=lambda weight: digest([weight])), losses=losses)
