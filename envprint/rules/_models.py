"""Which scikit-learn models another release fits differently: data, its sources, and a look-up.

The lists are those of the project's release notes, as far as a plain fit() is concerned, and what
was seen when 60 models were fitted with one version after the other. They are not complete: the
release notes say so of themselves. A release newer than the table has no entry.
"""

from __future__ import annotations

from envprint.versions import numbers

# https://scikit-learn.org/stable/whats_new.html, releases 1.3 to 1.8, read 2026-11-21; 1.9 as it
# was announced for MDS, and measured
_CHANGED = {
    (1, 3): "KMeans MiniBatchKMeans SpectralClustering GaussianMixture",
    (1, 4): "KMeans MiniBatchKMeans",  # n_init is 'auto', that is 1, and was 10 or 3
    (1, 5): "PCA SparsePCA TruncatedSVD QuantileTransformer LinearSVC TSNE",
    (1, 7): "MDS BayesianRidge",
    (1, 8): "SGDClassifier SGDRegressor BaggingClassifier BaggingRegressor IsolationForest "
    "MinCovDet GraphicalLasso Lasso ElasticNet",
    (1, 9): "MDS GaussianProcessRegressor",
}


_FAR = frozenset(((1, 3), (1, 4), (1, 5)))
"""Releases in which the middle one of the changed results moved by more than 1 % (measured)."""


def moves_far(before: str, after: str) -> bool:
    """Whether a release between the two gave clearly other results in many models."""
    older, newer = sorted((numbers(before)[:2], numbers(after)[:2]))
    return any(older < release <= newer for release in _FAR if older)


def changed_models(before: str, after: str) -> tuple[str, ...]:
    """The models that a release after the older and up to the newer version fits differently."""
    older, newer = sorted((numbers(before)[:2], numbers(after)[:2]))
    if not older:
        return ()  # not a version that can be ordered
    listed = [
        name for at, names in _CHANGED.items() if older < at <= newer for name in names.split()
    ]
    return tuple(dict.fromkeys(listed))
