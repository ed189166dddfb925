"""scikit-image: resizing, filters, segments and features of made images."""

import warnings

import numpy as np
from _common import emit
from _scenes import scene
from skimage import color, exposure, feature, filters, measure, restoration, segmentation, transform

warnings.simplefilter("ignore")
IMAGE = scene(2)
GREY = color.rgb2gray(IMAGE)
SECTIONS = {
    "grey": lambda: GREY,
    "lab": lambda: color.rgb2lab(IMAGE),
    "resize": lambda: transform.resize(GREY, (50, 61)),
    "resize-smooth": lambda: transform.resize(GREY, (50, 61), anti_aliasing=True),
    "rescale": lambda: transform.rescale(GREY, 0.6),
    "rotate": lambda: transform.rotate(GREY, 17),
    "swirl": lambda: transform.swirl(GREY),
    "gaussian": lambda: filters.gaussian(GREY, 1.3),
    "sobel": lambda: filters.sobel(GREY),
    "otsu": lambda: np.array([filters.threshold_otsu(GREY)]),
    "equalised": lambda: exposure.equalize_adapthist(GREY),
    "canny": lambda: feature.canny(GREY, 1.5),
    "hog": lambda: feature.hog(GREY),
    "corners": lambda: feature.corner_harris(GREY),
    "patterns": lambda: feature.local_binary_pattern(IMAGE[..., 0], 8, 1),
    "labels": lambda: measure.label(GREY > 0.5),
    "slic": lambda: segmentation.slic(IMAGE, n_segments=30),
    "felzenszwalb": lambda: segmentation.felzenszwalb(IMAGE, scale=60),
    "denoised": lambda: restoration.denoise_tv_chambolle(GREY),
}


def main():
    emit(sections={name: np.asarray(work()) for name, work in SECTIONS.items()})


if __name__ == "__main__":
    main()
