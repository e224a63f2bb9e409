# SPDX-License-Identifier: MIT
"""Colours in HSV and CIE L*a*b* by scikit-image, unrounded, for tests/proposals/oracle_test.cpp.

Usage: python3 colour_space_oracle.py OUT_FILE
Writes JSON: {"rgb": [[r, g, b], ...], "hsv": [[...], ...], "lab": [[...], ...]} of 4,096 colours: every combination of
eight levels, then random ones; hsv in 0..1, lab as it is defined (L 0..100).
"""
import json
import sys

import numpy as np
from skimage.color import rgb2hsv, rgb2lab


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    levels = np.array([0, 1, 10, 64, 127, 128, 200, 255])
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    rng = np.random.default_rng(5)
    rgb = np.concatenate([grid, rng.integers(0, 256, (4096 - len(grid), 3))]).astype(np.uint8)
    row = rgb[None]
    with open(sys.argv[1], "w") as file:
        json.dump({"rgb": rgb.tolist(), "hsv": rgb2hsv(row)[0].tolist(), "lab": rgb2lab(row)[0].tolist()}, file)


if __name__ == "__main__":
    main()
