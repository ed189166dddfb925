"""OpenCV: how images are resized, warped, filtered, converted, coded and looked into."""

import cv2
import numpy as np
from _common import emit
from _scenes import scene

IMAGE = scene(1)
GREY = cv2.cvtColor(IMAGE, cv2.COLOR_RGB2GRAY)
FLOATS = IMAGE.astype(np.float32) / np.float32(255)
TURN = cv2.getRotationMatrix2D((64, 48), 17, 0.9)
SECTIONS = {
    "resize-linear": lambda: cv2.resize(IMAGE, (77, 51)),
    "resize-area": lambda: cv2.resize(IMAGE, (50, 40), interpolation=cv2.INTER_AREA),
    "resize-cubic": lambda: cv2.resize(IMAGE, (200, 150), interpolation=cv2.INTER_CUBIC),
    "resize-lanczos": lambda: cv2.resize(IMAGE, (200, 150), interpolation=cv2.INTER_LANCZOS4),
    "resize-float": lambda: cv2.resize(FLOATS, (77, 51)),
    "turn": lambda: cv2.warpAffine(IMAGE, TURN, (128, 96)),
    "turn-cubic": lambda: cv2.warpAffine(IMAGE, TURN, (128, 96), flags=cv2.INTER_CUBIC),
    "turn-float": lambda: cv2.warpAffine(FLOATS, TURN, (128, 96)),
    "grey": lambda: GREY,
    "hsv": lambda: cv2.cvtColor(IMAGE, cv2.COLOR_RGB2HSV),
    "lab": lambda: cv2.cvtColor(IMAGE, cv2.COLOR_RGB2LAB),
    "lab-float": lambda: cv2.cvtColor(FLOATS, cv2.COLOR_RGB2LAB),
    "blur": lambda: cv2.GaussianBlur(IMAGE, (5, 5), 1.2),
    "blur-float": lambda: cv2.GaussianBlur(FLOATS, (5, 5), 1.2),
    "median": lambda: cv2.medianBlur(IMAGE, 5),
    "bilateral": lambda: cv2.bilateralFilter(IMAGE, 5, 40, 40),
    "edges": lambda: cv2.Canny(GREY, 60, 140),
    "gradient": lambda: cv2.Sobel(GREY, cv2.CV_32F, 1, 0),
    "equalised": lambda: cv2.createCLAHE(2.0, (8, 8)).apply(GREY),
    "jpeg": lambda: cv2.imdecode(cv2.imencode(".jpg", IMAGE)[1], cv2.IMREAD_COLOR),
    "webp": lambda: cv2.imdecode(cv2.imencode(".webp", IMAGE)[1], cv2.IMREAD_COLOR),
    "png": lambda: cv2.imdecode(cv2.imencode(".png", IMAGE)[1], cv2.IMREAD_COLOR),
    "spectrum": lambda: cv2.dft(GREY.astype(np.float32)),
    "flow": lambda: cv2.calcOpticalFlowFarneback(
        GREY, np.roll(GREY, 2, 1), None, 0.5, 2, 9, 2, 5, 1.1, 0
    ),
    "words": lambda: cv2.putText(
        IMAGE.copy(), "abc", (10, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 0, 0), 2
    ),
}


def main():
    cv2.setRNGSeed(1)
    emit(sections={name: work() for name, work in SECTIONS.items()})


if __name__ == "__main__":
    main()
