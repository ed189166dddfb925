"""Rules about packages that turn files into numbers; part of the section `packages`.

They are advice: no fingerprint says whether the job reads pictures, and with which package. A job
that reads none is not touched.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.model import Comparison, Confidence, Impact, Workload
from envprint.rule import Evidence, Result, Rule
from envprint.rules._packages import DISTRIBUTIONS, is_same_release, package_changed
from envprint.versions import numbers
from envprint.workload import always

OPENCV = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
_PILLOW = f"{DISTRIBUTIONS}[pillow].version"


def _opencv(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    return package_changed(comparison, OPENCV)


def _pillow(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    change = comparison.change(_PILLOW)
    if change and change.before and change.after:
        older = min(numbers(change.before), numbers(change.after))
        if older < (9,) and not is_same_release(change.before, change.after, places=1):
            yield from package_changed(comparison, ("pillow",))


RULES = (
    Rule(
        id="opencv-changed",
        title="OpenCV's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=tuple(f"{DISTRIBUTIONS}[{name}].version" for name in OPENCV),
        why="The wheels bring their own image decoders and resizing; after a change of those, "
        "pixels differ by a few steps of 255.",
        not_when="The job reads no images with OpenCV. Wheels of 4.5, 4.8 and 4.11 gave the same "
        "pixels when decoding and resizing; 4.12 resized float pictures and 5.0 warped otherwise. "
        "To go from Pillow to OpenCV is another matter: they decode alike, but Pillow smooths "
        "while it shrinks a picture.",
        remedy="Install the same version of OpenCV.",
        evidence=(
            Evidence(
                "Other pixels after the decoder was changed",
                "https://github.com/opencv/opencv-python/issues/65",
            ),
        ),
        drift=_opencv,
        advice=True,
    ),
    Rule(
        id="pillow-decoder-changed",
        title="Pillow decodes images differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(_PILLOW,),
        why="Pillow's wheels took another JPEG decoder with 9.0, libjpeg-turbo; another decoder "
        "gives pixels that differ by a few steps of 255.",
        not_when="The job reads no JPEG with Pillow; PNG and resizing stayed the same. Wheels from "
        "9.0 to 13.0 gave the same pixels, and so did 7.2 and 8.4 here, though not for everyone.",
        remedy="Install the same version of Pillow.",
        evidence=(
            Evidence("8.4.0 and 9.0.1", measured="pillow.9-0"),
            Evidence(
                "Pillow: libjpeg-turbo in the wheels of 9.0 may give other pixels",
                "https://github.com/python-pillow/Pillow/pull/6264",
            ),
            Evidence(
                "The pixels of 8 are those of neither 7 nor 9",
                "https://github.com/python-pillow/Pillow/issues/9457",
            ),
        ),
        drift=_pillow,
        advice=True,
    ),
)
