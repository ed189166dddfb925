"""XGBoost, LightGBM, CatBoost, whichever is installed: what trees of each kind predict."""

import importlib.util
import warnings

import numpy as np
from _common import emit

warnings.simplefilter("ignore")
DRAW = np.random.RandomState(2)
X = DRAW.standard_normal((3000, 20))
Y = (X[:, 0] * X[:, 1] + X[:, 2] + 0.5 * DRAW.standard_normal(3000) > 0).astype(int)
T = X[:, 0] * 2 + np.sin(3 * X[:, 1]) + 0.1 * DRAW.standard_normal(3000)


def xgboost():
    import xgboost as xgb

    def run(labels, **options):
        data = xgb.DMatrix(X, labels)
        return xgb.train({"seed": 1, "verbosity": 0, **options}, data, 30).predict(data)

    some = {"subsample": 0.7, "colsample_bytree": 0.7}
    return {
        "xgboost-hist": run(T, tree_method="hist"),
        "xgboost-exact": run(T, tree_method="exact"),
        "xgboost-default": run(T),
        "xgboost-classes": run(Y, objective="binary:logistic"),
        "xgboost-sampled": run(T, tree_method="hist", **some),
        "xgboost-linear": run(T, booster="gblinear", updater="coord_descent"),
    }


def lightgbm():
    import lightgbm as lgb

    def run(labels, **options):
        data = lgb.Dataset(X, labels)
        return lgb.train({"seed": 1, "verbose": -1, **options}, data, 30).predict(X)

    return {
        "lightgbm-default": run(T),
        "lightgbm-classes": run(Y, objective="binary"),
        "lightgbm-sampled": run(T, bagging_fraction=0.7, bagging_freq=1, feature_fraction=0.7),
        "lightgbm-deterministic": run(T, deterministic=True, force_row_wise=True),
        "lightgbm-goss": run(T, data_sample_strategy="goss"),
    }


def catboost():
    import catboost as cat

    common = {"iterations": 30, "random_seed": 1, "verbose": 0, "allow_writing_files": False}
    return {
        "catboost-regressor": cat.CatBoostRegressor(**common).fit(X, T).predict(X),
        "catboost-classes": cat.CatBoostClassifier(**common).fit(X, Y).predict_proba(X),
        "catboost-ordered": cat.CatBoostRegressor(boosting_type="Ordered", **common)
        .fit(X, T)
        .predict(X),
    }


def main():
    found = {}
    for module, work in (("xgboost", xgboost), ("lightgbm", lightgbm), ("catboost", catboost)):
        if importlib.util.find_spec(module):
            found.update(work())
    emit(sections=found)


if __name__ == "__main__":
    main()
