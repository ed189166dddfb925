"""A network of three layers in JAX alone: grad and jit, dropout from jax.random, plain SGD."""

import random

import jax
import jax.numpy as jnp
import numpy as np
from _common import emit, image_samples


def start(key, sizes=(784, 256, 128, 10)):
    weights = []
    for fan_in, fan_out in [(sizes[i], sizes[i + 1]) for i in range(len(sizes) - 1)]:
        key, own = jax.random.split(key)
        weight = jax.random.normal(own, (fan_in, fan_out)) * jnp.sqrt(2 / fan_in)
        weights.append((weight, jnp.zeros(fan_out)))
    return weights


def loss_of(weights, key, inputs, labels):
    hidden = inputs
    for weight, bias in weights[:-1]:
        key, own = jax.random.split(key)
        hidden = jax.nn.relu(hidden @ weight + bias)
        hidden = jnp.where(jax.random.bernoulli(own, 0.75, hidden.shape), hidden / 0.75, 0)
    weight, bias = weights[-1]
    chances = jax.nn.log_softmax(hidden @ weight + bias)
    return -jnp.mean(chances[jnp.arange(len(labels)), labels])


@jax.jit
def step(weights, key, inputs, labels):
    loss, slopes = jax.value_and_grad(loss_of)(weights, key, inputs, labels)
    return loss, jax.tree_util.tree_map(lambda w, slope: w - 0.2 * slope, weights, slopes)


def main():
    random.seed(1)
    np.random.seed(1)
    images, labels = image_samples()
    inputs = images.reshape(len(images), -1)
    key, own = jax.random.split(jax.random.PRNGKey(1))
    weights, losses = start(own), []
    for _ in range(3):
        steps = []
        for chosen in np.split(np.random.permutation(len(inputs)), 16):
            key, own = jax.random.split(key)
            loss, weights = step(weights, own, inputs[chosen], labels[chosen])
            steps.append(float(loss))
        losses.append(sum(steps) / len(steps))
    emit([np.asarray(part) for pair in weights for part in pair], losses=losses)


if __name__ == "__main__":
    main()
