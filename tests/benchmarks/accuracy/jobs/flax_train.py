"""A network of flax.linen with dropout and LayerNorm, trained by optax' AdamW."""

import jax
import numpy as np
import optax
from _common import emit, image_samples
from flax import linen as nn


class Classifier(nn.Module):
    @nn.compact
    def __call__(self, inputs, train):
        hidden = nn.gelu(nn.LayerNorm()(nn.Dense(128)(inputs)))
        hidden = nn.Dropout(0.3, deterministic=not train)(hidden)
        return nn.Dense(10)(hidden)


def main():
    np.random.seed(1)
    images, labels = image_samples()
    inputs = images.reshape(len(images), -1)
    model = Classifier()
    key, own = jax.random.split(jax.random.PRNGKey(1))
    weights = model.init(own, inputs[:1], train=False)
    schedule = optax.warmup_cosine_decay_schedule(0.0, 1e-2, 8, 48)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule))
    state = optimizer.init(weights)

    def loss_of(weights, key, chosen, targets):
        scores = model.apply(weights, chosen, train=True, rngs={"dropout": key})
        return optax.softmax_cross_entropy_with_integer_labels(scores, targets).mean()

    @jax.jit
    def step(weights, state, key, chosen, targets):
        loss, slopes = jax.value_and_grad(loss_of)(weights, key, chosen, targets)
        updates, state = optimizer.update(slopes, state, weights)
        return optax.apply_updates(weights, updates), state, loss

    losses = []
    for _ in range(3):
        steps = []
        for chosen in np.split(np.random.permutation(len(inputs)), 16):
            key, own = jax.random.split(key)
            weights, state, loss = step(weights, state, own, inputs[chosen], labels[chosen])
            steps.append(float(loss))
        losses.append(sum(steps) / len(steps))
    emit([np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(weights)], losses=losses)


if __name__ == "__main__":
    main()
