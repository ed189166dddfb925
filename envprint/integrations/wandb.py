"""Fingerprints in the runs of Weights & Biases, online or offline.

    envprint.integrations.wandb.log()       # after wandb.init(): document and digests

Importing this module does not import wandb.
"""

from __future__ import annotations

from envprint.api import capture
from envprint.core import fingerprint as core
from envprint.core.errors import EnvprintError
from envprint.core.typed import Any
from envprint.documents.codec import dumps
from envprint.documents.elsewhere import DOCUMENT, KIND
from envprint.integrations._tracked import searchable


def log(fingerprint: core.Fingerprint | None = None, run: Any = None) -> core.Fingerprint:
    """Log a fingerprint, or one captured now, in `run` or the active run; returns it.

    The document is an artifact of type `envprint`; the digests are in the run's config. Raises
    `EnvprintError` without a run.
    """
    import wandb

    run = run or wandb.run
    if run is None:
        raise EnvprintError("no run of wandb is active: call wandb.init() first")
    found = capture() if fingerprint is None else fingerprint
    # Flat, and no dots: the config's own form for filters, `config.envprint_digest`.
    values = {name.replace(".", "_"): value for name, value in searchable(found).items()}
    run.config.update(values, allow_val_change=True)
    artifact = wandb.Artifact(f"{KIND}-{run.id}", type=KIND, metadata=values)
    # Into the artifact itself: a saved path would be a link to a file that may change.
    with artifact.new_file(DOCUMENT, mode="wb") as file:
        file.write(dumps(found).encode("utf-8", "backslashreplace"))
    run.log_artifact(artifact)
    return found
