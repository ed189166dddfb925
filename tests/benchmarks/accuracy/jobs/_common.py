"""What the jobs share: made data, digests, and the one line of JSON that each job ends with.

A job runs under an interpreter that has the framework but not envprint, perhaps an old one, so
these files use the standard library, NumPy where the job has it, and the syntax of Python 3.8.
"""

import hashlib
import json
import math


def image_samples(count=512):
    """Return float32 images (count, 28, 28, 1) and labels: noise over one pattern a class.

    Made of random integers and products only, so the same bits on every NumPy and processor.
    """
    import numpy as np

    random = np.random.RandomState(0)
    patterns = random.randint(0, 256, (10, 28, 28, 1)).astype(np.float32) / np.float32(255)
    labels = random.randint(0, 10, count)
    noise = random.randint(0, 256, (count, 28, 28, 1)).astype(np.float32) / np.float32(255)
    images = noise + np.float32(0.3) * patterns[labels] - np.float32(0.65)
    return images, labels.astype(np.int32)


def word_samples(count=768, length=24):
    """Return int32 rows of words (count, length) out of 100, and labels.

    Every second word of a row, by chance, is one of its label's ten; the rest is any word.
    """
    import numpy as np

    random = np.random.RandomState(0)
    labels = random.randint(0, 10, count)
    own = labels[:, None] * 10 + random.randint(0, 10, (count, length))
    words = np.where(random.randint(0, 2, own.shape) == 1, own, random.randint(0, 100, own.shape))
    return words.astype(np.int32), labels.astype(np.int32)


def _content(array):
    """Return the bytes that stand for an array: dtype, shape, elements in C order."""
    if isinstance(array, bytes):
        return array
    import numpy as np

    array = np.ascontiguousarray(array)
    if array.dtype == object:
        raise TypeError("an array of objects has no fixed bits")
    return (array.dtype.str + repr(array.shape)).encode() + array.tobytes()


def digest(arrays):
    """Return the SHA-256 of arrays (or bytes), as hex; their order counts."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(hashlib.sha256(_content(array)).digest())
    return total.hexdigest()


def _sign(index):
    return 1.0 if (index * 2654435761 >> 16) & 1 else -1.0


def summary(array):
    """Return one number for an array: its root mean square, joined with a sum of mixed signs.

    Rounding moves it by as little as it moves the elements, another order by a large part.
    """
    if isinstance(array, bytes):
        square = sum(byte * byte for byte in array)
        mixed = sum(byte * _sign(index) for index, byte in enumerate(array))
        return math.sqrt((square + mixed * mixed) / max(1, len(array)))
    import numpy as np

    flat = np.asarray(array).ravel()
    flat = flat.astype(np.complex128 if flat.dtype.kind == "c" else np.float64)
    index = np.arange(flat.size, dtype=np.uint64) * np.uint64(2654435761) >> np.uint64(16)
    mixed = abs(np.where(index & np.uint64(1), flat, -flat).sum())
    return float(np.sqrt((np.sum(np.abs(flat) ** 2) + mixed**2) / max(1, flat.size)))


def emit(arrays=(), losses=None, sections=None, values=None):
    """Print the result: arrays and sections go into the digest, `losses` is one number an epoch.

    `sections` maps a name to an array (or bytes), or to a tuple of them; `values` gives each one's
    size where the bytes are not what is measured.
    """
    result, everything = {}, list(arrays)
    if losses is not None:
        result["losses"] = [float(loss) for loss in losses]
    if sections is not None:
        parts = {k: v if isinstance(v, tuple) else (v,) for k, v in sorted(sections.items())}
        everything += [part for name in parts for part in parts[name]]
        result["sections"] = {name: digest(part)[:12] for name, part in parts.items()}
        result["values"] = values or {
            name: math.sqrt(sum(summary(array) ** 2 for array in part))
            for name, part in parts.items()
        }
    print(json.dumps({"digest": digest(everything), **result}))
