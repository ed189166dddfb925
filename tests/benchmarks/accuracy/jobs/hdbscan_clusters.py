"""hdbscan: clusters of made points, by several ways of selecting them."""

import warnings

import hdbscan
import numpy as np
from _clusters import points
from _common import emit

warnings.simplefilter("ignore")


def clustered(**options):
    made, _ = points()
    model = hdbscan.HDBSCAN(min_cluster_size=12, **options).fit(made)
    return model.labels_.astype(np.int64), model.probabilities_, model.outlier_scores_


def main():
    emit(
        sections={
            "default": clustered(),
            "leaf": clustered(cluster_selection_method="leaf"),
            "wide": clustered(cluster_selection_epsilon=0.5),
            "generic": clustered(algorithm="generic"),
            "manhattan": clustered(metric="manhattan"),
            "ball-tree": clustered(algorithm="boruvka_balltree"),
        }
    )


if __name__ == "__main__":
    main()
