"""polars: the operations that prepare features, one a section."""

import io
import warnings

import numpy as np
import polars as pl
from _common import emit

warnings.simplefilter("ignore")
DRAW = np.random.RandomState(4)
N = 5000
FRAME = pl.DataFrame(
    {
        "row": np.arange(N),
        "group": DRAW.randint(0, 40, N),
        "name": [f"n{i}" for i in DRAW.randint(0, 30, N)],
        "x": DRAW.standard_normal(N),
        "y": DRAW.standard_normal(N),
        "f": DRAW.standard_normal(N).astype(np.float32),
    }
)
SECTIONS = {
    "sample": lambda: FRAME.sample(500, seed=42)["row"],
    "sample-fraction": lambda: FRAME.sample(fraction=0.3, shuffle=True, seed=42)["row"],
    "shuffle": lambda: FRAME["row"].shuffle(seed=7),
    "hash": lambda: FRAME["name"].hash(seed=1) % 1000,
    "mean": lambda: FRAME.select(pl.col("x", "y", "f").mean()).row(0),
    "deviation": lambda: FRAME.select(pl.col("x", "y", "f").std()).row(0),
    "skew": lambda: FRAME.select(pl.col("x").skew(), pl.col("y").kurtosis()).row(0),
    "sum-float32": lambda: [FRAME["f"].sum()],
    "group-mean": lambda: FRAME.group_by("group").agg(pl.col("x", "f").mean()).sort("group")["x"],
    "group-deviation": lambda: FRAME.group_by("name").agg(pl.col("x").std()).sort("name")["x"],
    "group-order": lambda: FRAME.group_by("group", maintain_order=True).len()["group"],
    "rolling-mean": lambda: FRAME["x"].rolling_mean(20).fill_null(0.0),
    "rolling-deviation": lambda: FRAME["x"].rolling_std(20).fill_null(0.0),
    "weighted": lambda: FRAME["x"].ewm_mean(span=10),
    "quantile": lambda: [FRAME["x"].quantile(q) for q in (0.1, 0.5, 0.9)],
    "correlation": lambda: [FRAME.select(pl.corr("x", "y")).item()],
    "rank": lambda: FRAME["x"].rank("random", seed=3),
    "cut": lambda: FRAME["x"].qcut(5).to_physical(),
    "codes": lambda: FRAME["name"].cast(pl.Categorical).to_physical(),
    "joined": lambda: FRAME.join(FRAME.head(50), on="group", how="inner").sort("row", "row_right")[
        "x_right"
    ],
    "joined-order": lambda: FRAME.join(FRAME.head(50), on="group", how="left")["row"],
    "unique": lambda: FRAME["group"].unique(maintain_order=True),
    "cumulated": FRAME["x"].cum_sum,
    "read-text": lambda: pl.read_csv(io.StringIO(FRAME.write_csv()))["x"],
}


def main():
    emit(sections={name: np.asarray(work(), dtype=np.float64) for name, work in SECTIONS.items()})


if __name__ == "__main__":
    main()
