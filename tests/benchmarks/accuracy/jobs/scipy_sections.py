"""SciPy: sections of its subpackages, each with its own digest."""

import random

import numpy as np
from _common import emit
from scipy import (
    cluster,
    fft,
    integrate,
    interpolate,
    linalg,
    ndimage,
    optimize,
    signal,
    sparse,
    spatial,
    special,
    stats,
)
from scipy.sparse import linalg as sparse_linalg


def uniform(seed, *shape):
    """Return float64 in [-1, 1), the same bits everywhere."""
    return np.random.RandomState(seed).random_sample(shape) * 2 - 1


def dense():
    square, tall = uniform(1, 90, 90), uniform(2, 150, 50)
    yield "svd", linalg.svd(tall, full_matrices=False)
    yield "svd_gesvd", linalg.svd(tall, full_matrices=False, lapack_driver="gesvd")
    yield "lu", linalg.lu_factor(square)
    yield "qr_pivoted", linalg.qr(tall, pivoting=True, mode="economic")
    yield "schur", linalg.schur(square)
    yield "eigh", linalg.eigh(square @ square.T)
    yield "expm", linalg.expm(square / 9)
    yield "logm", linalg.logm(square @ square.T + 9 * np.eye(90)).real
    yield "solve", linalg.solve(square, tall[:90])
    yield "solve_triangular", linalg.solve_triangular(square + 30 * np.eye(90), tall[:90])
    yield "lstsq", linalg.lstsq(tall, uniform(3, 150))[0]
    yield "toeplitz", linalg.solve_toeplitz(np.r_[9, uniform(4, 60)], uniform(5, 61))


def transforms():
    data = uniform(6, 40, 1001)
    yield "fft", fft.fft(data)
    yield "rfft_float32", fft.rfft(data.astype(np.float32))
    yield "dct", fft.dct(data)
    yield "fftn", fft.fftn(uniform(7, 12, 14, 15))
    yield "fftconvolve", signal.fftconvolve(data[0], data[1])
    yield "butter_filtfilt", signal.filtfilt(*signal.butter(4, 0.2), data[2])
    yield "savgol", signal.savgol_filter(data[3], 11, 3)
    yield "welch", signal.welch(data[4], nperseg=256)
    yield "resample", signal.resample(data[5], 700)
    yield "convolve2d", signal.convolve2d(data, data[:5, :7])


def sparse_systems():
    matrix = sparse.random(300, 300, 0.05, format="csr", random_state=1)
    spd = (matrix @ matrix.T + 3 * sparse.identity(300)).tocsc()
    right = uniform(8, 300)
    yield "sparse_product", (matrix @ matrix).toarray()
    yield "spsolve", sparse_linalg.spsolve(spd, right)
    yield "cg", sparse_linalg.cg(spd, right)[0]
    yield "gmres", sparse_linalg.gmres(spd, right)[0]
    yield "lsqr", sparse_linalg.lsqr(matrix, right)[0]
    yield "eigsh", np.sort(sparse_linalg.eigsh(spd, 4, v0=np.ones(300))[0])
    yield "svds", np.sort(sparse_linalg.svds(matrix, 4, v0=np.ones(300))[1])


def searches():
    start = np.array([-1.2, 1, 0.7, 1.1])
    for method in ("BFGS", "L-BFGS-B", "Nelder-Mead", "Powell", "SLSQP", "CG"):
        found = optimize.minimize(optimize.rosen, start, method=method)
        yield "minimize_" + method, found.x
    times = np.arange(40) / 10
    noisy = times * np.float64(0.5) + 0.1 * uniform(9, 40)
    fit = optimize.curve_fit(lambda t, a, b: a * t + b * t * t, times, noisy)
    yield "curve_fit", (fit[0], fit[1])
    yield "least_squares", optimize.least_squares(lambda x: x * x - start, np.ones(4)).x
    yield "linprog", optimize.linprog(-np.ones(3), np.eye(3) + 0.3, [1, 2, 3]).x
    yield "linear_sum_assignment", optimize.linear_sum_assignment(uniform(10, 60, 60))
    yield "brentq", np.array(optimize.brentq(lambda x: x**3 - 2, 0, 2))
    yield (
        "differential_evolution",
        optimize.differential_evolution(optimize.rosen, [(-2, 2)] * 3, seed=1, maxiter=40).x,
    )
    path = integrate.solve_ivp(lambda t, y: [y[1], -y[0] - 0.1 * y[1]], (0, 9), [1, 0])
    yield "solve_ivp", path.y
    yield "quad", np.array(integrate.quad(lambda x: x**0.5 / (1 + x), 0, 3))


def draws():
    for name in ("norm", "gamma", "beta", "t", "poisson", "truncnorm", "vonmises", "dirichlet"):
        given = {"gamma": (1.7,), "beta": (2, 3), "t": (4,), "poisson": (3,), "vonmises": (2,),
                 "truncnorm": (-1, 2), "dirichlet": ([1, 2, 3],)}.get(name, ())  # fmt: skip
        yield "rvs_" + name, getattr(stats, name).rvs(*given, size=500, random_state=1)
    data = uniform(11, 300)
    yield "gaussian_kde", stats.gaussian_kde(data)(np.linspace(-1, 1, 50))
    yield "norm_ppf", stats.norm.ppf((data + 1.01) / 2.1)
    yield "ks_test", np.array(stats.kstest(data, "norm"))
    yield "linregress", np.array(stats.linregress(data[:150], data[150:])[:5])


def functions():
    points = uniform(12, 2000) * 6
    for name in ("erf", "expit", "gammaln", "digamma", "j0", "i0", "ndtr"):
        yield name, getattr(special, name)(np.abs(points) + 0.1)
    yield "logsumexp", special.logsumexp(points)
    yield "softmax", special.softmax(points)
    yield "betainc", special.betainc(2.5, 1.5, (points + 6) / 12)


def grids():
    nodes, values, asked = np.arange(60.0), uniform(13, 60), (uniform(14, 400) + 1) * 29
    yield "cubic_spline", interpolate.CubicSpline(nodes, values)(asked)
    yield "pchip", interpolate.PchipInterpolator(nodes, values)(asked)
    yield "splrep", interpolate.splev(asked, interpolate.splrep(nodes, values, s=0.5))
    yield (
        "rbf",
        interpolate.RBFInterpolator(uniform(15, 40, 2), uniform(16, 40))(uniform(17, 50, 2)),
    )
    image = uniform(18, 61, 47)
    yield "zoom", ndimage.zoom(image, 1.7)
    yield "rotate", ndimage.rotate(image, 17)
    yield "gaussian_filter", ndimage.gaussian_filter(image, 1.3)
    yield "median_filter", ndimage.median_filter(image, 5)
    yield "distance_transform", ndimage.distance_transform_edt(image > 0)
    tree = spatial.cKDTree(uniform(19, 300, 3))
    yield "kd_tree", tree.query(uniform(20, 100, 3), 5)
    yield "cdist", spatial.distance.cdist(uniform(21, 60, 9), uniform(22, 70, 9))
    yield "linkage", cluster.hierarchy.linkage(uniform(23, 60, 4), "ward")


def main():
    random.seed(1)
    np.random.seed(1)
    sections = {}
    for part in (dense, transforms, sparse_systems, searches, draws, functions, grids):
        sections.update(
            {name: tuple(v) if isinstance(v, (list, tuple)) else v for name, v in part()}
        )
    emit(sections=sections)


if __name__ == "__main__":
    main()
