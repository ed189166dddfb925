"""datasets: in which order and parts the rows of a made data set come, mapped, split, shuffled."""

import logging

import datasets
import numpy as np
from _common import emit

logging.disable(logging.WARNING)
datasets.disable_progress_bars()
ROWS = datasets.Dataset.from_dict({"row": list(range(1000)), "label": [n % 7 for n in range(1000)]})


def stream(shards=4):
    return ROWS.to_iterable_dataset(num_shards=shards)


def numbers(rows):
    return np.array([row["row"] for row in rows], dtype=np.int64)


def split():
    parts = ROWS.train_test_split(test_size=0.2, seed=3)
    return tuple(np.array(parts[name]["row"]) for name in ("train", "test"))


SECTIONS = {
    "shuffled": lambda: np.array(ROWS.shuffle(seed=1)["row"]),
    "shuffled-twice": lambda: np.array(ROWS.shuffle(seed=1).shuffle(seed=2)["row"]),
    "split": split,
    "shard": lambda: np.array(ROWS.shard(4, 1)["row"]),
    "mapped": lambda: np.array(ROWS.map(lambda row: {"twice": 2 * row["row"]})["twice"]),
    "filtered": lambda: np.array(ROWS.filter(lambda row: row["label"] == 3)["row"]),
    "mixed": lambda: numbers(
        datasets.interleave_datasets([ROWS, ROWS.shuffle(seed=4)], [0.3, 0.7], seed=5)
    ),
    "streamed": lambda: numbers(stream()),
    "streamed-shuffled": lambda: numbers(stream().shuffle(seed=1, buffer_size=100)),
    "streamed-mixed": lambda: numbers(
        datasets.interleave_datasets([stream(), stream(2)], [0.4, 0.6], seed=5)
    ),
    "batches": lambda: numbers(
        {"row": sum(batch["row"])} for batch in stream().batch(batch_size=64)
    ),
}


def main():
    emit(sections={name: work() for name, work in SECTIONS.items()})


if __name__ == "__main__":
    main()
