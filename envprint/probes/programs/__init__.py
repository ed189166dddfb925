"""Small experiments whose digests are facts: does this machine compute the same bits?

One module per framework. It is run as text by the interpreter under observation, whatever its
version, in a process of its own (`_child`), and imports nothing of envprint. It has

* `MODULE`, what must be installed for it, and `ON_GPU`, whether it can run there;
* `begin(device)`: imports its framework and returns `version`, `device` (its name), `settings`
  and, of a GPU, how many `gpus` there are; `device` is `cpu`, or `gpu:0` and so on;
* `operations(device, inputs)`: yields pairs of a name such as `matmul/large float32` (class,
  operation, type) and a function whose result (bytes, or what has `tobytes`, or several) is
  digested. `inputs(count, salt)` are the bytes of `count` fixed numbers below 2**32;
* perhaps `PARTS`, files beside it with `operations` of their own.

The classes are the same in all: libm, reduction, dot, matmul, convolution, normalisation, softmax,
pooling, decomposition, fft, floats (subnormals, rounding), sorting (order of equals), random. Sizes
are odd and lie on both sides of where libraries block and share out to threads. An operation that
is not about random draws uses none, and one that is about a class leans on no other.

Of random draws a second digest is told, `random/normal float32 coarse`: of their first digits.
"""
