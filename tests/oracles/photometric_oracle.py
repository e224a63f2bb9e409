#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes what Pillow and torchvision make of random colours, for the photometric oracle tests in tests/image and tests/data.

    photometric_oracle.py OUT_DIR        writes OUT_DIR/images.bin and OUT_DIR/index.json

Needs Pillow 9.4, numpy, torch and torchvision 0.14. images.bin: uint8 pixels [height, width, 3], one image after the
other. index.json: "images": [height, width] of each; "cases": operation -> parameters of each image in turn with the
CRC-32 of the result's bytes; "all_colours": the same of 256 pictures [256, 256, 3], each with all colours of one red:
the parameter and a list of CRCs.
"""
import json
import pathlib
import sys
import zlib

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from torchvision.transforms import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from random_picture import NUM_KINDS, random_picture  # noqa: E402

NUM_IMAGES = 2000
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
JITTER = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue]


def random_image(rng, index):
    """1 to 40 px a side, now and then a long one."""
    h, w = (int(x) for x in rng.integers(1, 41, 2))
    if index < 64:
        h, w = 1 + index // 8, 1 + index % 8
    elif index % 25 == 0:
        h, w = (h, w * 8) if index % 2 else (h * 8, w)
    return random_picture(rng, h, w, index % NUM_KINDS)


def crc(values):
    return zlib.crc32(np.ascontiguousarray(values).tobytes())


def blurred(image, radius):
    return image.filter(ImageFilter.GaussianBlur(radius))


def draw_factor(rng, index, edges, low, high):
    return edges[index] if index < len(edges) else float(rng.uniform(low, high))


def draw_decision(rng):
    """As drawn for a view, with the rarer steps oftener."""
    return {"jitter": bool(rng.random() < 0.8), "order": [int(x) for x in rng.permutation(4)],
            "factors": [float(rng.uniform(0.6, 1.4)), float(rng.uniform(0.6, 1.4)), float(rng.uniform(0.8, 1.2)),
                        float(rng.uniform(-0.1, 0.1))],
            "gray": bool(rng.random() < 0.2), "blur": bool(rng.random() < 0.5), "radius": float(rng.uniform(0.1, 2.0)),
            "solarize": bool(rng.random() < 0.3), "threshold": 128, "mirror": bool(rng.random() < 0.5)}


def view(image, decision):
    """One view's way in the release's order: mirror, colours, tensor, normalise."""
    if decision["mirror"]:
        image = F.hflip(image)
    if decision["jitter"]:
        for step in decision["order"]:
            image = JITTER[step](image, decision["factors"][step])
    if decision["gray"]:
        image = F.rgb_to_grayscale(image, num_output_channels=3)
    if decision["blur"]:
        image = blurred(image, decision["radius"])
    if decision["solarize"]:
        image = ImageOps.solarize(image, decision["threshold"])
    return F.normalize(F.to_tensor(image), MEAN, STD)


def view_case(image, decision):
    """CRCs of the four forms: float32 and bfloat16, each as planes and as pixels."""
    chw = view(image, decision)
    hwc = chw.permute(1, 2, 0).contiguous()
    half = [t.to(torch.bfloat16).view(torch.int16).numpy() for t in (chw, hwc)]
    return {**decision, "crcs": [crc(chw.numpy()), crc(hwc.numpy()), crc(half[0]), crc(half[1])]}


def cases_of_images(rng, images):
    one = {"brightness": (F.adjust_brightness, [0.0, 1.0, 0.5, 2.0], 0, 2),
           "contrast": (F.adjust_contrast, [0.0, 1.0, 0.5, 2.0], 0, 2),
           "saturation": (F.adjust_saturation, [0.0, 1.0, 0.5, 2.0], 0, 2),
           "hue": (F.adjust_hue, [0.0, 0.5, -0.5, 0.1, -0.1], -0.5, 0.5)}
    cases = {}
    for name, (op, edges, low, high) in one.items():
        factors = [draw_factor(rng, i, edges, low, high) for i in range(len(images))]
        cases[name] = [[f, crc(op(image, f))] for image, f in zip(images, factors)]
    radii = [draw_factor(rng, i, [0.0, 0.1, 2.0, 40.0, 100.0, 1000.0], 0.1, 2.0 if i % 4 else 15.0)
             for i in range(len(images))]
    cases["blur"] = [[r, crc(blurred(image, r))] for image, r in zip(images, radii)]
    thresholds = [i if i < 257 else int(rng.integers(0, 257)) for i in range(len(images))]
    cases["solarize"] = [[t, crc(ImageOps.solarize(image, t))] for image, t in zip(images, thresholds)]
    cases["grayscale"] = [[0, crc(F.to_grayscale(image, 3))] for image in images]
    cases["flip"] = [[0, crc(F.hflip(image))] for image in images]
    cases["normalize"] = [[0, crc(F.normalize(F.to_tensor(image), MEAN, STD).numpy())] for image in images]
    cases["view"] = [view_case(image, draw_decision(rng)) for image in images]
    return cases


def cases_of_all_colours():
    """All reds one below the other in one picture: what an operation makes of a colour depends on nothing else."""
    i = np.arange(1 << 24, dtype=np.uint32)
    image = Image.fromarray(np.stack([i >> 16, i >> 8 & 255, i & 255], -1).astype(np.uint8).reshape(65536, 256, 3))

    def crcs(result):
        return [crc(part) for part in np.asarray(result).reshape(256, 256, 256, 3)]

    return {"hue": [[f, crcs(F.adjust_hue(image, f))] for f in (0.0, 0.1)],
            "saturation": [[f, crcs(F.adjust_saturation(image, f))] for f in (0.8371, 1.1893)],
            "grayscale": [[0, crcs(F.to_grayscale(image, 3))]]}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20210603)
    pixels = [random_image(rng, i) for i in range(NUM_IMAGES)]
    (folder / "images.bin").write_bytes(b"".join(p.tobytes() for p in pixels))
    index = {"images": [p.shape[:2] for p in pixels], "cases": cases_of_images(rng, [Image.fromarray(p) for p in pixels]),
             "all_colours": cases_of_all_colours()}
    (folder / "index.json").write_text(json.dumps(index))
    print(f"{sum(len(c) for c in index['cases'].values())} cases in {folder}")


main()
