"""Small experiments whose digests are facts: does this machine compute the same bits?

There is one module per framework. The interpreter under observation, of any version, runs its text
in a separate process (`_child`); it imports nothing of envprint. It has

* `MODULE`, the module that must be installed, and `ON_GPU`, whether it can run on a GPU;
* `begin(device)`: imports the framework and returns `version`, `device` (its name), `settings`
  and, for a GPU, how many `gpus` there are; `device` is `cpu`, or `gpu:0` and so on;
* `operations(device, inputs)`: yields pairs of a name such as `matmul/large float32` (class,
  operation, type) and a function. Its result (bytes, an object with `tobytes`, or several of them)
  is digested. `inputs(count, salt)` returns the bytes of `count` fixed numbers below 2**32;
* optionally `PARTS`, files beside it with further `operations`.

All have the same classes: libm, reduction, dot, matmul, convolution, normalisation, softmax,
pooling, decomposition, fft, floats (subnormals, rounding), sorting (order of equals), random. Sizes
are odd, and lie on both sides of the limits at which libraries block and use threads. Only
operations about random draws draw any, and an operation of one class depends on no other class.

Random draws have a second digest, `random/normal float32 coarse`, of their first digits.
"""
