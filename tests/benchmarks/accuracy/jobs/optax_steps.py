"""optax: thirty steps of each usual optimizer and a few schedules, on one small problem."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _common import emit

DRAW = np.random.RandomState(1)
POINTS = jnp.asarray(DRAW.standard_normal((64, 8)), dtype=jnp.float32)
TARGET = jnp.asarray(DRAW.standard_normal(64), dtype=jnp.float32)
OPTIMIZERS = {
    "sgd": lambda: optax.sgd(0.05, momentum=0.9, nesterov=True),
    "adam": lambda: optax.adam(0.05),
    "adamw": lambda: optax.adamw(0.05),
    "nadam": lambda: optax.nadam(0.05),
    "rmsprop": lambda: optax.rmsprop(0.05),
    "adagrad": lambda: optax.adagrad(0.05),
    "adabelief": lambda: optax.adabelief(0.05),
    "lion": lambda: optax.lion(0.01),
    "lamb": lambda: optax.lamb(0.05),
    "lars": lambda: optax.lars(0.05),
    "adafactor": lambda: optax.adafactor(0.05),
    "radam": lambda: optax.radam(0.05),
}
SCHEDULES = {
    "cosine": lambda: optax.cosine_decay_schedule(1.0, 40),
    "warm": lambda: optax.warmup_cosine_decay_schedule(0.0, 1.0, 5, 40),
    "exponential": lambda: optax.exponential_decay(1.0, 10, 0.9),
    "cycle": lambda: optax.linear_onecycle_schedule(40, 1.0),
}


def loss_of(weights):
    hidden = jnp.tanh(POINTS @ weights["first"])
    return jnp.mean((hidden @ weights["second"] - TARGET) ** 2)


def walked(optimizer):
    draw = np.random.RandomState(2)
    weights = {
        "first": jnp.asarray(draw.standard_normal((8, 16)), dtype=jnp.float32),
        "second": jnp.asarray(draw.standard_normal(16), dtype=jnp.float32),
    }
    state = optimizer.init(weights)
    slope_of = jax.jit(jax.grad(loss_of))
    for _ in range(30):
        updates, state = optimizer.update(slope_of(weights), state, weights)
        weights = optax.apply_updates(weights, updates)
    return np.asarray(weights["first"]), np.asarray(weights["second"])


def main():
    found = {name: walked(make()) for name, make in OPTIMIZERS.items()}
    for name, make in SCHEDULES.items():
        schedule = make()
        found[name] = np.array([float(schedule(step)) for step in range(50)])
    emit(sections=found)


if __name__ == "__main__":
    main()
