"""Decodes three small pictures with Pillow and OpenCV, whichever are there, and resizes them.

The two never share a section: each draws chroma up and resizes in its own way. NumPy is not
needed for Pillow alone. There is nothing random, so there are no seeds.
"""

import io

import _images
from _common import emit

PICTURES = {
    "jpeg_420_odd": _images.JPEG_420_ODD,
    "jpeg_progressive": _images.JPEG_PROGRESSIVE,
    "png_rgb": _images.PNG_RGB,
}
SIZE = (24, 24)


def by_pillow():
    try:
        from PIL import Image
    except ImportError:
        return
    # The names before and after Image.Resampling (Pillow 9.1) are the same, and so are the values.
    filters = getattr(Image, "Resampling", Image)
    for name, content in PICTURES.items():
        picture = Image.open(io.BytesIO(content)).convert("RGB")
        yield name, picture.tobytes()
        yield name + "_nearest", picture.resize(SIZE, filters.NEAREST).tobytes()
        yield name + "_bilinear", picture.resize(SIZE, filters.BILINEAR).tobytes()
        yield name + "_bicubic", picture.resize(SIZE, filters.BICUBIC).tobytes()
        yield name + "_area", picture.resize(SIZE, filters.BOX).tobytes()
        yield name + "_default", picture.resize(SIZE).tobytes()
        yield name + "_grey", picture.convert("L").tobytes()
        yield name + "_rotated", picture.rotate(17, filters.BILINEAR).tobytes()


def by_opencv():
    try:
        import cv2
        import numpy as np
    except ImportError:
        return
    for name, content in PICTURES.items():
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        yield name, picture
        for way in ("NEAREST", "LINEAR", "CUBIC", "AREA", "LANCZOS4"):
            resized = cv2.resize(picture, SIZE, interpolation=getattr(cv2, "INTER_" + way))
            yield name + "_" + way.lower(), resized
        real = picture.astype(np.float32) / 255
        yield name + "_linear_float32", cv2.resize(real, SIZE)
        yield name + "_grey", cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        yield name + "_blurred", cv2.GaussianBlur(picture, (5, 5), 1.1)


def main():
    sections = {"pillow_" + name: value for name, value in by_pillow()}
    sections.update({"opencv_" + name: value for name, value in by_opencv()})
    if not sections:
        raise SystemExit("neither Pillow nor OpenCV is installed")
    emit(sections=sections)


if __name__ == "__main__":
    main()
