"""statsmodels: linear and generalised models, time series, tests; a section each."""

import warnings

import numpy as np
import statsmodels.api as sm
from _common import emit
from statsmodels.nonparametric.smoothers_lowess import lowess
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.holtwinters import ExponentialSmoothing

warnings.simplefilter("ignore")
DRAW = np.random.RandomState(6)
X = sm.add_constant(DRAW.standard_normal((400, 4)))
TARGET = 0.5 + X[:, 1] - X[:, 2] + 0.3 * X[:, 3] + DRAW.standard_normal(400)
LABELS = (TARGET + DRAW.standard_normal(400) > 0.4).astype(int)
COUNTS = DRAW.poisson(1.5, 400) + (X[:, 1] > 0.5)
SERIES = 5 + np.cumsum(0.3 * DRAW.standard_normal(200)) + np.arange(200) % 12 / 4


def density():
    found = sm.nonparametric.KDEUnivariate(TARGET)
    found.fit()
    return found.density


SECTIONS = {
    "least-squares": lambda: sm.OLS(TARGET, X).fit().params,
    "robust-errors": lambda: sm.OLS(TARGET, X).fit(cov_type="HC3").bse,
    "weighted": lambda: sm.WLS(TARGET, X, 1 + np.abs(X[:, 1])).fit().params,
    "logit": lambda: sm.Logit(LABELS, X).fit(disp=0).params,
    "probit": lambda: sm.Probit(LABELS, X).fit(disp=0).params,
    "poisson": lambda: sm.GLM(COUNTS, X, family=sm.families.Poisson()).fit().params,
    "negative-binomial": lambda: sm.NegativeBinomial(COUNTS, X).fit(disp=0).params,
    "robust": lambda: sm.RLM(TARGET, X).fit().params,
    "quantile": lambda: sm.QuantReg(TARGET, X).fit(0.3).params,
    "arima": lambda: ARIMA(SERIES, order=(1, 1, 1)).fit().params,
    "smoothing": lambda: ExponentialSmoothing(SERIES, trend="add").fit().forecast(5),
    "lowess": lambda: lowess(TARGET, X[:, 1])[:, 1],
    "density": density,
    "mixed": lambda: sm.MixedLM(TARGET, X, groups=np.arange(400) // 20).fit().params.astype(float),
    "decomposed": lambda: sm.tsa.seasonal_decompose(SERIES, period=12).seasonal,
    "unit-root": lambda: np.array(sm.tsa.adfuller(SERIES)[:2], dtype=float),
}


def main():
    emit(sections={name: np.asarray(work(), dtype=np.float64) for name, work in SECTIONS.items()})


if __name__ == "__main__":
    main()
