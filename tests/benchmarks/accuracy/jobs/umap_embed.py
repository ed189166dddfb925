"""UMAP: made clusters embedded in the plane, seeded; and the neighbours that it starts from."""

import warnings

import numpy as np
import umap
from _clusters import points
from _common import emit

warnings.simplefilter("ignore")


def main():
    made, labels = points()
    found = {
        "plane": umap.UMAP(random_state=3, n_epochs=60).fit_transform(made),
        "guided": umap.UMAP(random_state=3, n_epochs=60).fit_transform(made, y=labels),
        "random-start": umap.UMAP(random_state=3, n_epochs=60, init="random").fit_transform(made),
    }
    emit(sections={name: np.asarray(value) for name, value in found.items()})


if __name__ == "__main__":
    main()
