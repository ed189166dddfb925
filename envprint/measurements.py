"""What the measurements that rules cite gave: id of the pair to a few words.

Made from tests/benchmarks/accuracy/pairs/ by `pytest tests/test_catalogue.py --update-golden`.
"""

from __future__ import annotations

OUTCOMES: dict[str, str] = {
    "bk.jax": "diverges with tensorflow 2.21.0 on the CPU",
    "jax.0-5": "diverges with jax 0.4.38 → 0.5.0 on the CPU",
    "jax.0-5-partitionable": "none with jax 0.4.38 → 0.5.0 on the CPU",
    "jax.0-7": "numeric with jax 0.7.0 → 0.10.2 on the CPU",
    "jax.fast-math": "numeric with jax 0.10.2 on the CPU",
    "jax.gpu-flag": "none with jax 0.10.2 on the CPU",
    "np.ct_Haswell": "numeric with numpy 2.4.6 on the CPU",
    "np.ct_Sandybridge": "numeric with numpy 2.4.6 on the CPU",
    "np.npy1": "numeric with numpy 2.4.6 on the CPU",
    "np.omp1": "numeric with numpy 2.4.6 on the CPU",
    "np.sk152": "numeric with numpy 2.4.6 → 2.2.6 on the CPU",
    "np.v1_26_4": "numeric with numpy 2.4.6 → 1.26.4 on the CPU",
    "np.v2_3_5": "numeric with numpy 2.4.6 → 2.3.5 on the CPU",
    "ord.set_hash1": "diverges with tensorflow 2.21.0 on the CPU",
    "os.jemalloc": "none with tensorflow 2.21.0 on the CPU",
    "pk.tf216": "numeric with tensorflow 2.21.0 → 2.16.1 on the CPU",
    "pk.tf217": "none with tensorflow 2.21.0 → 2.17.0 on the CPU",
    "pk.tffull": "none with tensorflow 2.21.0 on the CPU",
    "pt.cap_avx2": "numeric with torch 2.13.0 on the CPU",
    "pt.cbwr": "numeric with torch 2.13.0 on the CPU",
    "pt.glibc": "none with torch 2.13.0 on the CPU",
    "pt.mklinstr": "none with torch 2.13.0 on the CPU",
    "pt.mklthr1": "numeric with torch 2.13.0 on the CPU",
    "py.py310": "none with tensorflow 2.21.0 on the CPU",
    "tf.2-16-patch": "none with tensorflow 2.16.1 → 2.16.2 on the CPU",
    "tf.2-9": "diverges with tensorflow 2.9.3 → 2.10.1 on the CPU",
    "tf.cudnndet": "none with tensorflow 2.21.0 on the CPU",
    "tf.detenv": "numeric with tensorflow 2.21.0 on the CPU",
    "tf.hash0": "none with tensorflow 2.21.0 on the CPU",
    "tf.isa_AVX2_onednn0": "numeric with tensorflow 2.21.0 on the CPU",
    "tf.isa_SSE41": "numeric with tensorflow 2.21.0 on the CPU",
    "tf.taskset": "numeric with tensorflow 2.21.0 on the CPU",
}
