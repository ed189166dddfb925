"""pandas: the operations that prepare features, one a section."""

import io
import warnings

import numpy as np
import pandas as pd
from _common import emit

warnings.simplefilter("ignore")
DRAW = np.random.RandomState(4)
N = 5000
FRAME = pd.DataFrame(
    {
        "group": DRAW.randint(0, 40, N),
        "name": [f"n{i}" for i in DRAW.randint(0, 30, N)],
        "x": DRAW.standard_normal(N),
        "y": np.where(DRAW.random_sample(N) < 0.1, np.nan, DRAW.standard_normal(N)),
        "f": DRAW.standard_normal(N).astype(np.float32),
        "day": pd.date_range("2020-01-01", periods=N, freq="D"),
    }
)
NUMBERS = FRAME[["x", "y", "f"]]
SECTIONS = {
    "sample": lambda: FRAME.sample(500, random_state=42).index,
    "sample-fraction": lambda: FRAME.sample(frac=1.0, random_state=42).index,
    "sample-weights": lambda: FRAME.sample(300, weights=FRAME["x"].abs(), random_state=1).index,
    "group-sample": lambda: FRAME.groupby("group").sample(3, random_state=1).index,
    "mean": NUMBERS.mean,
    "std": NUMBERS.std,
    "float32-sum": lambda: [FRAME["f"].sum()],
    "group-mean": FRAME.groupby("group")[["x", "y"]].mean,
    "group-std": FRAME.groupby("group")[["x", "y"]].std,
    "group-text-sum": FRAME.groupby("name")[["x", "f"]].sum,
    "corr": NUMBERS.corr,
    "cov": NUMBERS.cov,
    "rolling-mean": lambda: FRAME["x"].rolling(20).mean(),
    "rolling-std": lambda: FRAME["x"].rolling(20).std(),
    "ewm": lambda: FRAME["x"].ewm(span=10).mean(),
    "quantile": lambda: NUMBERS.quantile([0.1, 0.5]),
    "interpolate": FRAME["y"].interpolate,
    "fill": lambda: FRAME["y"].fillna(FRAME["y"].mean()),
    "dummies": lambda: pd.get_dummies(FRAME["name"]).to_numpy(dtype=float),
    "codes": lambda: FRAME["name"].astype("category").cat.codes,
    "factorize": lambda: pd.factorize(FRAME["name"])[0],
    "cut": lambda: pd.cut(FRAME["x"], 5, labels=False),
    "qcut": lambda: pd.qcut(FRAME["x"], 5, labels=False),
    "sort": lambda: FRAME.sort_values("group").index,
    "sort-stable": lambda: FRAME.sort_values(["group", "x"]).index,
    "value-counts": FRAME["name"].value_counts,
    "value-counts-order": lambda: [int(n[1:]) for n in FRAME["name"].value_counts().index],
    "merge": lambda: FRAME.merge(FRAME.head(50), on="group", how="inner")["x_x"],
    "pivot": lambda: FRAME.pivot_table("x", "group", "name").fillna(0),
    "resample": lambda: FRAME.set_index("day")["x"].resample("MS").mean(),
    "day-of-week": lambda: FRAME["day"].dt.dayofweek,
    "timestamp": lambda: FRAME["day"].astype("int64") // 10**3 % 10**9,
    "read-text": lambda: pd.read_csv(io.StringIO(FRAME.to_csv()))["x"],
}


def main():
    emit(sections={name: np.asarray(work(), dtype=np.float64) for name, work in SECTIONS.items()})


if __name__ == "__main__":
    main()
