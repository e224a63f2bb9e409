# SPDX-License-Identifier: MIT
"""Pictures that tell the branches of image operations apart, for image_oracle.py and photometric_oracle.py."""
import numpy as np

NUM_KINDS = 5


def random_picture(rng, height, width, kind):
    """uint8 [height, width, 3]: noise, few levels (many equal channels), a smooth picture, greys, or nearly one colour."""
    if kind == 0:
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if kind == 1:
        return (rng.integers(0, 4, (height, width, 3)) * 85).astype(np.uint8)
    if kind == 2:
        y, x = np.mgrid[0:height, 0:width][..., None] * rng.uniform(0.01, 0.4)
        return (127.5 + 127.5 * np.sin(x + y + rng.uniform(0, 6, 3))).astype(np.uint8)
    if kind == 3:
        return np.repeat(rng.integers(0, 256, (height, width, 1), dtype=np.uint8), 3, axis=2)
    base = rng.integers(0, 256, 3)
    return np.clip(base + rng.integers(-3, 4, (height, width, 3)), 0, 255).astype(np.uint8)
