"""XGBoost: regression, two and several classes, sampling, DART, ranking, early stopping."""

import warnings

import xgboost as xgb
from _common import emit
from _tables import SEVERAL, TARGET, TWO, X

warnings.simplefilter("ignore")


def grown(labels, rounds=6, **options):
    data = xgb.DMatrix(X, labels)
    return xgb.train({"seed": 1, "verbosity": 0, **options}, data, rounds).predict(data)


def ranked():
    data = xgb.DMatrix(X, SEVERAL)
    data.set_group([20] * 30)
    options = {"seed": 1, "verbosity": 0, "objective": "rank:ndcg"}
    return xgb.train(options, data, 8).predict(data)


def stopped():
    model = xgb.XGBClassifier(n_estimators=30, random_state=1, early_stopping_rounds=5)
    model.fit(X[:450], TWO[:450], eval_set=[(X[450:], TWO[450:])], verbose=False)
    return model.predict_proba(X)


def main():
    emit(
        sections={
            "regression": grown(TARGET),
            "regression-absolute": grown(TARGET, objective="reg:absoluteerror"),
            "two-classes": grown(TWO, objective="binary:logistic"),
            "several-classes": grown(SEVERAL, objective="multi:softprob", num_class=4),
            "sampled": grown(TARGET, subsample=0.7, colsample_bytree=0.7),
            "exact": grown(TARGET, tree_method="exact"),
            "dart": grown(TARGET, booster="dart", rate_drop=0.2),
            "ranking": ranked(),
            "early-stopping": stopped(),
        }
    )


if __name__ == "__main__":
    main()
