"""CatBoost: regression, two and several classes, ordered boosting, sampling, text as categories."""

import numpy as np
from _common import emit
from _tables import SEVERAL, TARGET, TWO, X
from catboost import CatBoostClassifier, CatBoostRegressor, Pool

COMMON = {"iterations": 12, "random_seed": 1, "verbose": 0, "allow_writing_files": False}


def regression(**options):
    return CatBoostRegressor(**COMMON, **options).fit(X, TARGET).predict(X)


def classes(labels, **options):
    return CatBoostClassifier(**COMMON, **options).fit(X, labels).predict_proba(X)


def categories():
    names = np.array([f"c{value}" for value in np.digitize(X[:, 0], [-1, 0, 1])])
    rows = [[name, float(number)] for name, number in zip(names, X[:, 1], strict=False)]
    pool = Pool(rows, TARGET, cat_features=[0])
    return CatBoostRegressor(**COMMON).fit(pool).predict(pool)


def main():
    emit(
        sections={
            "regression": regression(),
            "regression-rate": regression(learning_rate=0.1),
            "two-classes": classes(TWO),
            "several-classes": classes(SEVERAL),
            "ordered": regression(boosting_type="Ordered"),
            "sampled": regression(bootstrap_type="Bernoulli", subsample=0.7, rsm=0.7),
            "lossguide": regression(grow_policy="Lossguide"),
            "categories": categories(),
        }
    )


if __name__ == "__main__":
    main()
