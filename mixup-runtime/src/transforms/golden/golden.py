"""Writes the golden values of the transforms: torchvision's own results, on Pillow's images.

    python golden.py        # torch 2.13.0, torchvision 0.28.0, Pillow 13.0.0
"""

import json

import numpy as np
import torchvision.transforms.functional as F
from PIL import Image
from torchvision.transforms import CenterCrop, InterpolationMode, Resize


def picture(width, height):
    """Some slopes and an edge, each channel with its own."""
    y, x = np.mgrid[0:height, 0:width]
    red = (x * 7 + y * 3) % 256
    green = (x * y + 40) % 256
    blue = np.where(x + y > (width + height) // 2, 230, (x * 2) % 256)
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


def bytes_of(image):
    return np.array(image).flatten().tolist()


def write(name, size, cases):
    width, height = size
    pixels = picture(width, height)
    image = Image.fromarray(pixels)
    cases = {case: bytes_of(make(image)) for case, make in cases.items()}
    with open(f"{name}.json", "w") as file:
        json.dump({"width": width, "height": height, "pixels": pixels.flatten().tolist(), "cases": cases}, file)
        file.write("\n")


def pad(image):
    """The largest size that fits into 12×12, between black bars."""
    w, h = image.size
    long, short = max(w, h), min(w, h)
    short = max(1, int(12 * short / long))
    size = (12, short) if w > h else (short, 12)
    image = F.resize(image, [size[1], size[0]])
    left, top = (12 - size[0]) // 2, (12 - size[1]) // 2
    return F.pad(image, [left, top, 12 - size[0] - left, 12 - size[1] - top])


write("color_jitter", (16, 12), {
    f"{kind} {value}": (lambda image, f=f, value=value: f(image, value))
    for kind, f, values in [
        ("brightness", F.adjust_brightness, [0.0, 0.6, 1.0, 1.7]),
        ("contrast", F.adjust_contrast, [0.0, 0.5, 1.3]),
        ("saturation", F.adjust_saturation, [0.0, 0.4, 1.8]),
        ("hue", F.adjust_hue, [-0.5, -0.1, 0.0, 0.07, 0.25]),
    ]
    for value in values
})
write("sizes", (31, 22), {
    "squash 10×14": lambda image: F.resize(image, [14, 10]),
    "crop 12": lambda image: CenterCrop(12)(Resize(12)(image)),
    "crop 40": lambda image: CenterCrop(40)(Resize(40)(image)),
    "pad 12": pad,
    "center 15": lambda image: CenterCrop(15)(image),
    "center 26": lambda image: CenterCrop(26)(image),
    "rotate 17": lambda image: F.rotate(image, 17, InterpolationMode.BILINEAR),
    "rotate -90": lambda image: F.rotate(image, -90, InterpolationMode.BILINEAR),
    "hflip": F.hflip,
    "vflip": F.vflip,
    "part": lambda image: F.resized_crop(image, 3, 5, 17, 20, [8, 8]),
})
