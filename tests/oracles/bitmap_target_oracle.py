#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mask targets of bitmaps by torchvision's RoIAlign in float32 (aligned, adaptive sampling), at least a half: OUT.json,
a list of {height, width, mask: "0110...", boxes, size, targets: ["0110...", ...]}, all row after row."""
import json
import sys

import numpy as np
import torch
from torchvision.ops import roi_align

CASES, BOXES = 60, 12


def bitmap(rng, height, width):
    """Rectangles and discs, so that edges lie on whole px, or noise."""
    if rng.random() < 0.2:
        return (rng.random((height, width)) < 0.5).astype(np.float32)
    y, x = np.mgrid[:height, :width]
    pixels = np.zeros((height, width), bool)
    for _ in range(int(rng.integers(1, 4))):
        cy, cx, ry, rx = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(1, 1 + height / 2), rng.uniform(1, 1 + width / 2)
        if rng.random() < 0.5:
            pixels |= ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1
        else:
            pixels |= (abs(y - round(cy)) < ry) & (abs(x - round(cx)) < rx)
    return pixels.astype(np.float32)


def boxes(rng, height, width):
    """Inside the image, on whole px or between, up to its edges, some without extent."""
    corners = np.sort(rng.uniform(0, 1, (BOXES, 2, 2)), axis=1) * [width, height]
    result = corners.reshape(BOXES, 4)
    whole = rng.random(BOXES) < 0.4
    result[whole] = np.round(result[whole])
    result[0] = [0, 0, width, height]
    result[1, 2:] = result[1, :2]
    return result.astype(np.float32)


def text(pixels):
    return "".join(str(int(v)) for v in np.asarray(pixels).ravel())


def main():
    rng = np.random.default_rng(6)
    cases = []
    for _ in range(CASES):
        height, width, size = int(rng.integers(1, 120)), int(rng.integers(1, 160)), int(rng.choice([1, 7, 14, 28]))
        pixels, rois = bitmap(rng, height, width), boxes(rng, height, width)
        rois_of_image = torch.from_numpy(np.concatenate([np.zeros((BOXES, 1), np.float32), rois], 1))
        averages = roi_align(torch.from_numpy(pixels)[None, None], rois_of_image, (size, size), 1.0, 0, True)
        cases.append({"height": height, "width": width, "mask": text(pixels), "boxes": rois.astype(float).tolist(), "size": size,
                      "targets": [text(target) for target in (averages[:, 0] >= 0.5).numpy()]})
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(cases, file)


if __name__ == "__main__":
    main()
