"""Keras: its version, and its settings from variables and the configuration file.

The precedence is Keras' own: `KERAS_BACKEND`, then keras.json, then the default. There is no
variable for the float type.
"""

from __future__ import annotations

from collections.abc import Mapping

from envprint.collectors.frameworks.version_files import Environment, Located, Package, locate
from envprint.core.fingerprint import Unknown
from envprint.core.json_text import loads
from envprint.core.typed import Any
from envprint.machine.attempt import attempt, text_or_none
from envprint.machine.host import Host

KERAS = Package("keras/src/version.py", ("__version__",), ("keras", "keras-nightly"))
KERAS_2 = Package("keras/__init__.py", ("__version__",), ("keras", "keras-nightly"))
TF_KERAS = Package("tf_keras/__init__.py", ("__version__",), ("tf-keras", "tf-keras-nightly"))


def keras(where: Environment) -> Mapping[str, Any] | None:
    """Version and settings of Keras, None if it is not installed; raises like `locate`."""
    found = _keras(where)
    if found is None:
        return None
    config = attempt(lambda: _config(where.host))
    unread = config if isinstance(config, Unknown) else None
    chosen = {} if isinstance(config, Unknown) else config
    legacy = attempt(lambda: locate(where, TF_KERAS))
    return {
        "version": found.version,
        "backend": where.host.environ().get("KERAS_BACKEND")
        or unread
        or str(chosen.get("backend", "tensorflow")),
        "floatx": unread or str(chosen.get("floatx", "float32")),
        "epsilon": unread or _number(chosen.get("epsilon", 1e-7)),
        "image_data_format": unread or str(chosen.get("image_data_format", "channels_last")),
        "legacy_version": legacy.version if isinstance(legacy, Located) else legacy,
    }


def _number(value: Any) -> float | Unknown:
    """A number of the file, which may contain anything."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return Unknown(f"epsilon in keras.json is no number: {value!r:.40}")


def _keras(where: Environment) -> Located | None:
    try:
        return locate(where, KERAS)
    except ValueError:  # Keras 2 has no version file
        return locate(where, KERAS_2)


# {"floatx": "float32", "epsilon": 1e-07, "backend": "jax", "image_data_format": "channels_last"}
# https://github.com/keras-team/keras/blob/master/keras/src/backend/config.py
def _config(host: Host) -> Mapping[str, Any]:
    home = host.identity().get("home", "")
    folder = host.environ().get("KERAS_HOME", "~/.keras")
    if folder[:2] == "~/":
        folder = f"{home}{folder[1:]}"
    text = text_or_none(host, f"{folder}/keras.json")
    try:
        config = loads(text or "{}")
    except ValueError:  # Keras falls back to its defaults too
        return {}
    if not isinstance(config, dict):
        raise ValueError("keras.json is not an object")
    return config
