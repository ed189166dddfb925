"""A policy with everything in it."""

from __future__ import annotations

TODAY = "2026-11-21"
WHOLE = b"""
fail_on = "diverges"
on_unknown = "fail"
frameworks = ["tensorflow"]
device = "gpu"

[impact]
"os-locale-changed" = "none"

[require]
min_free_gpu = "20 GiB"
gpus = 2
variables = { TF_DETERMINISTIC_OPS = "1" }
switches = ["tensorflow-op-determinism"]
packages = { numpy = "==2.4.*", keras = "*" }

[[ignore]]
rule = "gpu-index-moved"
reason = "rolling driver upgrade"
expires = 2027-01-31

[[ignore]]
path = "facts.cuda.*"
reason = "an old one"
expires = 2026-01-31

[[expect]]
path = "facts.cuda.cudnn*"
reason = "we compare two cuDNN versions"
"""
