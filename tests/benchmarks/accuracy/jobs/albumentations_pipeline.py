"""albumentations: an augmentation at a time, and a pipeline of them, on made images."""

import random
import warnings

import albumentations
import numpy as np
from _common import emit
from _scenes import scene

warnings.simplefilter("ignore")
ALONE = {
    "flip": albumentations.HorizontalFlip(p=0.5),
    "rotate": albumentations.Rotate(limit=30, p=1.0),
    "affine": albumentations.Affine(scale=(0.8, 1.2), rotate=(-15, 15), p=1.0),
    "crop": albumentations.RandomCrop(64, 64, p=1.0),
    "brightness": albumentations.RandomBrightnessContrast(p=1.0),
    "hue": albumentations.HueSaturationValue(p=1.0),
    "jitter": albumentations.ColorJitter(p=1.0),
    "blur": albumentations.GaussianBlur(p=1.0),
    "noise": albumentations.GaussNoise(p=1.0),
    "elastic": albumentations.ElasticTransform(p=1.0),
    "equalise": albumentations.CLAHE(p=1.0),
    "resize": albumentations.Resize(50, 70, p=1.0),
    "normalise": albumentations.Normalize(),
    "holes": albumentations.CoarseDropout(p=1.0),
}


def composed(steps):
    """Seed as each release takes it: by an argument since 1.4.21, by the global seeds before."""
    random.seed(5)
    np.random.seed(5)
    try:
        return albumentations.Compose(steps, seed=5)
    except TypeError:
        return albumentations.Compose(steps)


def main():
    images = [scene(seed) for seed in range(3)]
    found = {}
    for name, step in ALONE.items():
        pipeline = composed([step])
        found[name] = tuple(pipeline(image=image)["image"] for image in images)
    pipeline = composed(
        [ALONE["flip"], ALONE["affine"], ALONE["brightness"], ALONE["noise"], ALONE["normalise"]]
    )
    found["all"] = tuple(pipeline(image=image)["image"] for image in images)
    emit(sections=found)


if __name__ == "__main__":
    main()
