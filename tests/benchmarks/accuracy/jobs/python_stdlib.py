"""Python's module random and its mathematics, one function a section; nothing is imported else."""

import math
import random
import struct

from _common import emit

N = 2000
ITEMS = list(range(N))


def drawn(name, *args):
    def work():
        draw = random.Random(12)
        return [float(getattr(draw, name)(*args)) for _ in range(N)]

    return work


def shuffled():
    items = ITEMS[:]
    random.Random(12).shuffle(items)
    return items


SECTIONS = {
    **{
        name: drawn(name, *args)
        for name, args in {
            "random": (), "uniform": (0, 3), "randint": (0, 1000), "randrange": (0, 10**6, 7),
            "getrandbits": (40,), "choice": (ITEMS,), "gauss": (0.0, 1.0),
            "normalvariate": (0.0, 1.0), "lognormvariate": (0.0, 1.0), "expovariate": (1.5,),
            "gammavariate": (2.0, 1.0), "betavariate": (2.0, 3.0), "paretovariate": (3.0,),
            "weibullvariate": (1.0, 2.0), "vonmisesvariate": (0.0, 2.0), "triangular": (0, 1, 0.4),
        }.items()
    },
    "shuffle": shuffled,
    "sample": lambda: random.Random(12).sample(ITEMS, 700),
    "sample-small": lambda: random.Random(12).sample(ITEMS, 5),
    "choices": lambda: random.Random(12).choices(ITEMS, k=700),
    "choices-weights": lambda: random.Random(12).choices(ITEMS, [i + 1 for i in ITEMS], k=700),
    "seed-text": lambda: [random.Random("text").random() for _ in range(3)],
    "seed-float": lambda: [random.Random(1.5).random() for _ in range(3)],
    "sum": lambda: [sum(random.Random(12).random() - 0.5 for _ in range(50_000))],
    "fsum": lambda: [math.fsum(random.Random(12).random() for _ in range(50_000))],
    "exp": lambda: [math.exp(math.sin(i)) for i in ITEMS],
    "pow": lambda: [(i + 0.5) ** 1.7 for i in ITEMS],
    "gamma": lambda: [math.gamma(1 + i / 40) for i in ITEMS],
    "round": lambda: [round(i / 7, 2) for i in ITEMS],
}  # fmt: skip


def size(values):
    """Return the root mean square joined with a weighted sum, so that another order shows."""
    weighted = math.fsum(value * (index % 7 - 3) for index, value in enumerate(values))
    return math.sqrt((math.fsum(value * value for value in values) + weighted**2) / len(values))


def main():
    found = {name: [float(value) for value in work()] for name, work in SECTIONS.items()}
    emit(
        sections={name: struct.pack(f"<{len(v)}d", *v) for name, v in found.items()},
        values={name: size(values) for name, values in found.items()},
    )


if __name__ == "__main__":
    main()
