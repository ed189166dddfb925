"""LightGBM: regression, two and several classes, sampling, DART, GOSS, ranking."""

import warnings

import lightgbm as lgb
from _common import emit
from _tables import SEVERAL, TARGET, TWO, X

warnings.simplefilter("ignore")


def grown(labels, rounds=6, group=None, **options):
    data = lgb.Dataset(X, labels, group=group)
    return lgb.train({"seed": 1, "verbose": -1, **options}, data, rounds).predict(X)


def classified():
    """Return what the interface of scikit-learn gives, with its own defaults."""
    model = lgb.LGBMClassifier(n_estimators=6, random_state=1, verbose=-1)
    return model.fit(X, SEVERAL).predict_proba(X)


def main():
    emit(
        sections={
            "regression": grown(TARGET),
            "regression-absolute": grown(TARGET, objective="l1"),
            "two-classes": grown(TWO, objective="binary"),
            "several-classes": grown(SEVERAL, objective="multiclass", num_class=4),
            "sampled": grown(TARGET, bagging_fraction=0.7, bagging_freq=1, feature_fraction=0.7),
            "dart": grown(TARGET, boosting="dart"),
            "goss": grown(TARGET, data_sample_strategy="goss"),
            "extra-trees": grown(TARGET, extra_trees=True),
            "ranking": grown(SEVERAL, rounds=8, group=[20] * 30, objective="lambdarank"),
            "scikit-learn": classified(),
        }
    )


if __name__ == "__main__":
    main()
