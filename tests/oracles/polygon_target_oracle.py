#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mask targets of polygons by pycocotools' rasteriser, after Detectron2's rule for polygons within a box (moved to its
corner, scaled by size over sides of at least 0.1): OUT.json, a list of {polygons, box, size, target: "0110..."}."""
import json
import sys

import numpy as np
from pycocotools import mask as mask_utils

CASES = 400


def polygon(rng, box):
    """A star of 3 to 20 corners, or a rectangle on whole px, around or beside the box."""
    x, y = (box[0] + box[2]) / 2 + rng.normal(0, 8), (box[1] + box[3]) / 2 + rng.normal(0, 8)
    if rng.random() < 0.3:
        x, y, w, h = (int(v) for v in (x, y, rng.integers(1, 80), rng.integers(1, 80)))
        return [float(v) for v in (x - w, y - h, x + w, y - h, x + w, y + h, x - w, y + h)]
    count = int(rng.integers(3, 21))
    angle = np.sort(rng.uniform(0, 2 * np.pi, count))
    radius = rng.uniform(0.1, 1.2, count) * rng.uniform(1, 90)
    return [float(v) for v in np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1).ravel()]


def random_box(rng):
    x, y, w, h = rng.uniform(0, 300), rng.uniform(0, 300), np.exp(rng.uniform(-3, 5)), np.exp(rng.uniform(-3, 5))
    box = [x, y, x + w, y + h]
    return np.array(np.round(box) if rng.random() < 0.3 else box, np.float32)


def target(polygons, box, size):
    w, h = float(box[2] - box[0]), float(box[3] - box[1])
    moved = []
    for points in polygons:
        p = np.array(points, np.float64)
        p[0::2] = (p[0::2] - float(box[0])) * (size / max(w, 0.1))
        p[1::2] = (p[1::2] - float(box[1])) * (size / max(h, 0.1))
        moved.append(p.tolist())
    return mask_utils.decode(mask_utils.merge(mask_utils.frPyObjects(moved, size, size)))


def main():
    rng = np.random.default_rng(5)
    cases = []
    for _ in range(CASES):
        box, size = random_box(rng), int(rng.choice([1, 7, 14, 28, 56]))
        polygons = [polygon(rng, box) for _ in range(int(rng.integers(1, 4)))]
        pixels = target(polygons, box, size)
        cases.append({"polygons": polygons, "box": [float(v) for v in box], "size": size,
                      "target": "".join(str(int(v)) for v in pixels.ravel())})
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(cases, file)


if __name__ == "__main__":
    main()
