"""How a job asks for a GPU, where it runs beside a driver and was given none."""

from envprint.core.fingerprint import Fingerprint

SCHEDULER = "facts.container.scheduler"
CONTAINER = "facts.container.kind"
MODULE = "facts.cuda.kernel_module_version"
_IN_JOBS = {
    "slurm": "Ask for a GPU when you submit the job: sbatch --gres=gpu:1, or srun --gpus=1.",
    "pbs": "Ask for a GPU when you submit the job: qsub -l select=1:ngpus=1.",
    "lsf": 'Ask for a GPU when you submit the job: bsub -gpu "num=1".',
    "sge": "Ask for a GPU when you submit the job, as the site names it: qsub -l gpu=1.",
    "flux": "Ask for a GPU when you submit the job: flux batch --gpus-per-slot=1.",
    "oar": "Ask for a GPU when you submit the job: oarsub -l gpu=1.",
    "htcondor": "Ask for a GPU in the submit file: request_gpus = 1.",
    "aws-batch": "Ask for a GPU in the job definition: resourceRequirements of type GPU.",
    "kubernetes": "Ask for a GPU in the pod: nvidia.com/gpu: 1 among the limits of the container.",
}
_IN_CONTAINERS = {
    "docker": "Give the container its GPUs: docker run --gpus all.",
    "podman": "Give the container its GPUs: podman run --device nvidia.com/gpu=all.",
    "apptainer": "Give the container its GPUs: apptainer exec --nv.",
}


def how_to_ask(now: Fingerprint) -> str | None:
    """What gives the job a GPU of this machine; None where no driver is loaded, or no job runs."""
    if not now.get(MODULE):
        return None
    in_job = _IN_JOBS.get(now.get(SCHEDULER) or "")
    return in_job or _IN_CONTAINERS.get(now.get(CONTAINER) or "")
