"""scikit-learn: fitted attributes and predictions of its usual estimators, a section each.

Defaults are kept, since a default that another version changed is what this job should show.
"""

import random
import warnings

import numpy as np
from _common import emit
from sklearn import (
    cluster,
    decomposition,
    ensemble,
    linear_model,
    manifold,
    mixture,
    model_selection,
    naive_bayes,
    neighbors,
    neural_network,
    preprocessing,
    svm,
    tree,
)


def samples():
    """Return 400 points of 20 numbers, a target and labels of 3 classes; exact draws only."""
    draws = np.random.RandomState(0)
    points = draws.random_sample((400, 20)) * 2 - 1
    labels = draws.randint(0, 3, 400)
    points[:, :3] += 0.7 * (labels[:, None] == np.arange(3))
    target = points[:, 0] - 2 * points[:, 1] + points[:, 2] * points[:, 3]
    return points, target, labels


def classifiers(points, labels):
    models = {
        "logistic_regression": linear_model.LogisticRegression(),
        "logistic_regression_saga": linear_model.LogisticRegression(
            solver="saga", random_state=1, max_iter=50
        ),
        "svc": svm.SVC(probability=False),
        "linear_svc": svm.LinearSVC(random_state=1),
        "sgd_classifier": linear_model.SGDClassifier(random_state=1),
        "decision_tree": tree.DecisionTreeClassifier(random_state=1),
        "random_forest": ensemble.RandomForestClassifier(30, random_state=1),
        "gradient_boosting": ensemble.GradientBoostingClassifier(n_estimators=15, random_state=1),
        "hist_gradient_boosting": ensemble.HistGradientBoostingClassifier(
            max_iter=15, random_state=1
        ),
        "mlp_classifier": neural_network.MLPClassifier(
            hidden_layer_sizes=(30,), random_state=1, max_iter=15
        ),
        "k_neighbors": neighbors.KNeighborsClassifier(),
        "gaussian_nb": naive_bayes.GaussianNB(),
    }
    for name, model in models.items():
        model.fit(points, labels)
        judge = getattr(model, "predict_proba", None) or model.decision_function
        parts = (judge(points), model.predict(points))
        yield name, (*parts, model.coef_) if hasattr(model, "coef_") else parts


def regressors(points, target):
    models = {
        "linear_regression": linear_model.LinearRegression(),
        "ridge": linear_model.Ridge(),
        "lasso": linear_model.Lasso(0.01),
        "elastic_net": linear_model.ElasticNet(0.01),
        "svr": svm.SVR(),
        "extra_trees": ensemble.ExtraTreesRegressor(20, random_state=1),
        "mlp_regressor": neural_network.MLPRegressor(
            hidden_layer_sizes=(30,), random_state=1, max_iter=15
        ),
    }
    for name, model in models.items():
        yield name, model.fit(points, target).predict(points)


def unsupervised(points):
    for name, model in (
        ("k_means", cluster.KMeans(5, random_state=1)),
        ("mini_batch_k_means", cluster.MiniBatchKMeans(5, random_state=1)),
    ):
        model.fit(points)
        yield name, (model.cluster_centers_, model.labels_.astype(np.int64))
    yield "pca", decomposition.PCA(5).fit_transform(points)
    yield (
        "pca_randomized",
        decomposition.PCA(5, svd_solver="randomized", random_state=1).fit_transform(points),
    )
    yield "truncated_svd", decomposition.TruncatedSVD(5, random_state=1).fit_transform(points)
    yield "nmf", decomposition.NMF(4, random_state=1).fit_transform(np.abs(points))
    blobs = mixture.GaussianMixture(3, random_state=1).fit(points)
    yield "gaussian_mixture", (blobs.means_, blobs.covariances_)
    yield "tsne", manifold.TSNE(init="random", random_state=1).fit_transform(points[:100])
    yield "standard_scaler", preprocessing.StandardScaler().fit_transform(points)


def splits(points, labels):
    index = np.arange(len(points))
    yield "train_test_split", tuple(model_selection.train_test_split(index, random_state=1))
    folds = model_selection.StratifiedKFold(5, shuffle=True, random_state=1)
    yield "stratified_k_fold", tuple(held for _, held in folds.split(points, labels))
    shuffled = model_selection.ShuffleSplit(3, random_state=1)
    yield "shuffle_split", tuple(held for _, held in shuffled.split(points))


def sections():
    points, target, labels = samples()
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not converged, a default that will change
        for part in (
            classifiers(points, labels), regressors(points, target), unsupervised(points),
            splits(points, labels),
        ):  # fmt: skip
            found.update({"sklearn_" + name: value for name, value in part})
    return found


def main():
    random.seed(1)
    np.random.seed(1)
    emit(sections=sections())


if __name__ == "__main__":
    main()
