"""A network of two layers trained by hand in NumPy: softmax, ReLU, dropout, momentum."""

import numpy as np


def train(inputs, labels, epochs=3, batch=64, shuffle=True):
    """Return (weights, mean loss of each epoch); the legacy random stream makes every draw."""
    random = np.random.RandomState(1)
    sizes = (inputs.shape[1], 256, 10)
    weights = []
    for fan_in, fan_out in ((sizes[0], sizes[1]), (sizes[1], sizes[2])):
        weights.append((random.randn(fan_in, fan_out) * np.sqrt(2 / fan_in)).astype(np.float32))
        weights.append(np.zeros(fan_out, np.float32))
    speeds = [np.zeros_like(weight) for weight in weights]
    losses = []
    for _ in range(epochs):
        order = random.permutation(len(inputs)) if shuffle else np.arange(len(inputs))
        steps = []
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            keep = (random.random_sample((len(chosen), sizes[1])) < 0.75) / np.float32(0.75)
            loss, slopes = _step(weights, inputs[chosen], labels[chosen], keep.astype(np.float32))
            steps.append(loss)
            for index, slope in enumerate(slopes):
                speeds[index] = np.float32(0.9) * speeds[index] - np.float32(0.05) * slope
                weights[index] = weights[index] + speeds[index]
        losses.append(sum(steps) / len(steps))
    return weights, losses


def _step(weights, inputs, labels, keep):
    """Return the mean cross entropy of a batch and its slope along each weight."""
    first, first_bias, second, second_bias = weights
    before = inputs @ first + first_bias
    hidden = np.maximum(before, 0) * keep
    scores = hidden @ second + second_bias
    scores = scores - scores.max(axis=1, keepdims=True)
    chances = np.exp(scores)
    chances /= chances.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = -np.mean(np.log(chances[rows, labels]))
    error = chances.copy()
    error[rows, labels] -= 1
    error /= len(labels)
    back = (error @ second.T) * keep * (before > 0)
    return float(loss), (inputs.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0))
