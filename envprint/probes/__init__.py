"""Small experiments whose digests are facts: does this machine compute the same bits?

One module per framework. It is run as text by the interpreter under observation, whatever its
version, in a process of its own (`_child`), and imports nothing of envprint. It has

* `MODULE`, what must be installed for it, and `ON_GPU`, whether it can run there;
* `begin(device)`: imports its framework and returns `version`, `device` (its name), `settings`
  and, of a GPU, how many `gpus` there are; `device` is `cpu`, or `gpu:0` and so on;
* `operations(device, inputs)`: yields pairs of a name such as `matmul/large float32` (class,
  operation, type) and a function whose result (bytes, or what has `tobytes`, or several) is
  digested. `inputs(count, salt)` are the bytes of `count` fixed numbers below 2**32.

Of random draws a second digest is told, `random/normal float32 coarse`: of their first digits.
"""
