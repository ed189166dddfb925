"""A first small use of a library, for those whose import alone does not show that they run.

Runs like `_import.py`, after the import. A use is something that each job with the library does,
in a form that its versions have had for years; it needs no network and takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module, util
from typing import Any

Use = Callable[[], object]


def _data() -> tuple[Any, Any]:
    """Twenty-four samples of three features, and two classes."""
    numpy = import_module("numpy")
    features = numpy.arange(72.0).reshape(24, 3) % 7
    return features, numpy.arange(24) % 2


def _fit(module: str, name: str, **options: Any) -> Use:
    """Fit an estimator with the interface of scikit-learn."""

    def use() -> object:
        return getattr(import_module(module), name)(**options).fit(*_data())

    return use


def jax() -> None:
    """The first array, for which JAX looks for its device."""
    import_module("jax.numpy").zeros(2).sum().block_until_ready()


def flax() -> None:
    """The weights of a layer."""
    layer = import_module("flax.linen").Dense(2)
    layer.init(import_module("jax").random.PRNGKey(0), import_module("jax.numpy").ones((1, 3)))


def haiku() -> None:
    """The weights of a layer."""
    library = import_module("haiku")
    # The layer is to be made inside.
    layer = library.transform(lambda inputs: library.Linear(2)(inputs))  # noqa: PLW0108
    layer.init(import_module("jax").random.PRNGKey(0), import_module("jax.numpy").ones((1, 3)))


def optax() -> None:
    """One step of Adam."""
    weights = {"w": import_module("jax.numpy").ones(3)}
    adam = import_module("optax").adam(1e-3)
    adam.update(weights, adam.init(weights), weights)


def equinox() -> None:
    """A layer's weights, and the layer compiled."""
    library, key = import_module("equinox"), import_module("jax").random.PRNGKey(0)
    library.filter_jit(library.nn.Linear(3, 2, key=key))(import_module("jax.numpy").ones(3))


def numpyro() -> None:
    """A sample."""
    normal = import_module("numpyro.distributions").Normal(0.0, 1.0)
    normal.sample(import_module("jax").random.PRNGKey(0))


def tensorflow() -> None:
    """A layer of Keras."""
    library = import_module("tensorflow")
    library.keras.layers.Dense(1)(library.ones((1, 2)))


def torch() -> None:
    """A layer, there and back."""
    library = import_module("torch")
    library.nn.Linear(3, 2)(library.ones(1, 3)).sum().backward()


def torchvision() -> None:
    """An operator of its own."""
    library = import_module("torch")
    boxes = library.tensor([[0.0, 0.0, 1.0, 1.0]])
    import_module("torchvision.ops").nms(boxes, library.ones(1), 0.5)


def pandas() -> None:
    """Statistics of a table."""
    import_module("pandas").DataFrame({"a": [1.0, 2.0]}).describe()


def numba() -> None:
    """A function compiled."""

    def following(number: int) -> int:
        return number + 1

    import_module("numba").njit(following)(1)


def statsmodels() -> None:
    """Least squares."""
    features, classes = _data()
    import_module("statsmodels.api").OLS(classes, features).fit()


def imblearn() -> None:
    """Samples drawn again."""
    import_module("imblearn.over_sampling").RandomOverSampler().fit_resample(*_data())


def gensim() -> None:
    """Vectors of two words."""
    words = [["some", "words"]] * 2
    import_module("gensim.models").Word2Vec(words, min_count=1, workers=1)


def skimage() -> None:
    """A filter."""
    import_module("skimage.filters").gaussian(import_module("numpy").eye(8))


def spacy() -> None:
    """A tokenizer."""
    import_module("spacy").blank("en")("some words")


def datasets() -> None:
    """A table, and a function over it."""
    import_module("datasets").Dataset.from_dict({"a": [1, 2]}).map(lambda row: row)


_ALONE: dict[str, Use] = {
    "jax": jax,
    "tensorflow": tensorflow,
    "torch": torch,
    "sklearn": _fit("sklearn.linear_model", "LogisticRegression"),
    "catboost": _fit("catboost", "CatBoostClassifier", iterations=2, verbose=False),
    "pandas": pandas,
    "numba": numba,
    "statsmodels": statsmodels,
    "gensim": gensim,
    "skimage": skimage,
    "spacy": spacy,
    "datasets": datasets,
    "hdbscan": _fit("hdbscan", "HDBSCAN", min_cluster_size=3),
    "imblearn": imblearn,
}
_WITH: dict[str, dict[str, Use]] = {
    "jax": {
        "flax": flax,
        "haiku": haiku,
        "optax": optax,
        "equinox": equinox,
        "numpyro": numpyro,
    },
    "torch": {"torchvision": torchvision},
    # Without scikit-learn they offer no such interface.
    "sklearn": {
        "lightgbm": _fit("lightgbm", "LGBMClassifier", n_estimators=2, verbose=-1),
        "xgboost": _fit("xgboost", "XGBClassifier", n_estimators=2),
    },
}


def of(module: str) -> Use | None:
    """The first use of the library with this module; None if none is known or none is possible."""
    for needed, uses in _WITH.items():
        if module in uses:
            return uses[module] if util.find_spec(needed) else None
    return _ALONE.get(module)
