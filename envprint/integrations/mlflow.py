"""Fingerprints in the runs of MLflow.

    envprint.integrations.mlflow.log()      # in an active run: document and tags

With `ENVPRINT_MLFLOW=1` in the environment, every run that is started gets the tags by itself:
MLflow finds `RunContext` by its entry point. Importing this module does not import MLflow.
"""

from __future__ import annotations

import os
from functools import cache

from envprint.api import capture
from envprint.core import fingerprint as core
from envprint.documents.codec import dumps
from envprint.documents.elsewhere import DOCUMENT, FOLDER
from envprint.integrations._tracked import searchable

SWITCH = "ENVPRINT_MLFLOW"


def log(fingerprint: core.Fingerprint | None = None) -> core.Fingerprint:
    """Log a fingerprint, or one captured now, in the active run; returns it.

    The document is the artifact `envprint/fingerprint.json`; the digests are tags.
    """
    import mlflow

    found = capture() if fingerprint is None else fingerprint
    # `log_dict` would write it in another form.
    mlflow.log_text(dumps(found), f"{FOLDER}/{DOCUMENT}")
    mlflow.set_tags(searchable(found))
    return found


class RunContext:
    """Tags for every run that this process starts, by one capture.

    https://mlflow.org/docs/latest/ml/plugins/#run-context-provider
    """

    def in_context(self) -> bool:
        """Only on request: a capture takes a moment, and tags are seen by everybody."""
        return os.environ.get(SWITCH, "").lower() in ("1", "true", "yes", "on")

    def tags(self) -> dict[str, str]:
        """Digest, version and section digests."""
        return searchable(_first())


@cache
def _first() -> core.Fingerprint:
    return capture()
