"""GPUs that a machine has, and that a container or a scheduler does not give to the job."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.workload import Workload, on_cpu, uses
from envprint.rules.kit.allocation import CONTAINER, MODULE, SCHEDULER, how_to_ask
from envprint.rules.kit.computing import BUILDS, KFD, PLUGINS
from envprint.rules.kit.devices import DEVICES, STATUS, VISIBLE, how_many


def _not_allocated(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """Only where nobody says that the work is for the CPU, and a build for CUDA is installed."""
    if not now.value(MODULE) or workload.device_named:
        return
    remedy = how_to_ask(now)
    if remedy and not now.get(KFD) and not how_many(now):
        builds = {now.get(path) for path in BUILDS.values()}
        if "cuda" in builds or any("cuda" in name for name in now.get(PLUGINS, {}) or ()):
            text = "the NVIDIA driver is loaded, and this job sees no GPU"
            yield Match(text, (MODULE, VISIBLE, STATUS), remedy=remedy)


RULES = (
    Rule(
        id="container-gives-no-gpu",
        title="This machine has a GPU, and the job was given none",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=on_cpu & uses("jax", "tensorflow", "torch"),
        watches=(MODULE, SCHEDULER, CONTAINER, DEVICES, VISIBLE, STATUS, *BUILDS.values(), PLUGINS),
        why="A scheduler and a container hide the GPUs that a job did not ask for, and frameworks "
        "then compute on the CPU without a word.",
        not_when="The work is for the CPU; --device cpu says so.",
        remedy="Ask for a GPU when you submit the job or start the container.",
        evidence=(
            Evidence(
                "Slurm gives a job the GPUs that it asks for",
                "https://slurm.schedmd.com/gres.html",
            ),
            Evidence(
                "Kubernetes: GPUs are asked for among the limits",
                "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/",
            ),
            Evidence(
                "PyTorch promises no equal results between CPU and GPU, even with equal seeds",
                "https://docs.pytorch.org/docs/stable/notes/randomness.html",
            ),
        ),
        state=_not_allocated,
        advice=True,
    ),
)
