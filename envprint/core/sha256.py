"""SHA-256 from the interpreter's own library.

`hashlib` loads OpenSSL, which takes longer than hashing a whole fingerprint. `random` of the
standard library chooses in the same way. For megabytes `hashlib` is the faster one.
"""

try:
    from _sha2 import sha256  # type: ignore[import-not-found]  # Python 3.12
except ImportError:
    try:
        from _sha256 import sha256  # type: ignore[import-not-found]
    except ImportError:  # an interpreter that was built without its own
        from hashlib import sha256

__all__ = ["sha256"]
