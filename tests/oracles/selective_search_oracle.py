# SPDX-License-Identifier: MIT
"""Expected proposals of the reference method, computed plainly with numpy and scikit-image (0.19).

Usage: python3 selective_search_oracle.py OUT_DIR [IMAGE...]

Makes 200 synthetic images (fixed seed), saves them below OUT_DIR as PNG, and writes OUT_DIR/expected.json:
{"scikit_image": version, "images": [{"file", "height", "width", "segments", "boxes": [[x, y, w, h], ...]}, ...]}
with the boxes in the release's convention (w = max_x - min_x), in order. Every IMAGE given is added, converted to RGB
and saved as PNG too, so that the comparison does not depend on a JPEG decoder.

scikit-image's labels hang on the numpy at hand in two ways: it sorts the edges of its graph segmentation with an
unstable sort, and the weights of its Gaussian come from an exponential whose last bit is another with AVX-512. Here the
sort is made stable and the exponential is the C library's: both are looked up in numpy at each call.
"""
import json
import math
import multiprocessing
import os
import sys

import numpy as np
import skimage
from PIL import Image, ImageFilter
from skimage.color import rgb2hsv
from skimage.feature import local_binary_pattern
from skimage.segmentation import felzenszwalb
from skimage.util import img_as_float

SCALE, SIGMA, MIN_SIZE = 300, 0.9, 100


def stable_labels(rgb, sort_kind="stable"):
    """Label map of the graph segmentation; sort_kind "quicksort" is what scikit-image does by itself."""
    argsort, exp = np.argsort, np.exp
    np.argsort, np.exp = lambda values: argsort(values, kind=sort_kind), np.vectorize(math.exp)
    try:
        return felzenszwalb(img_as_float(rgb), scale=SCALE, sigma=SIGMA, min_size=MIN_SIZE)
    finally:
        np.argsort, np.exp = argsort, exp


def histograms(values, num_bins):
    """One histogram over [0, 255] for each of the three columns, side by side, divided by the number of rows."""
    parts = [np.histogram(values[:, c], num_bins, (0.0, 255.0))[0] for c in range(3)]
    return np.concatenate(parts) / len(values)


class Region:
    def __init__(self, bounds, size, colour, texture):
        self.bounds, self.size, self.colour, self.texture = bounds, size, colour, texture


def initial_regions(rgb, labels):
    """Regions in the order in which a raster scan meets them."""
    values = rgb.astype(np.float64)
    hsv = rgb2hsv(values)  # of an image in 0..255
    codes = np.stack([local_binary_pattern(values[:, :, c], 8, 1.0) for c in range(3)], axis=2)
    flat = labels.ravel()
    found, first = np.unique(flat, return_index=True)
    regions = []
    for label in found[np.argsort(first, kind="stable")]:
        mask = labels == label
        ys, xs = np.nonzero(mask)
        bounds = (int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max()))
        regions.append(Region(bounds, len(xs), histograms(hsv[mask], 25), histograms(codes[mask], 10)))
    return regions


def joint_bounds(a, b):
    return (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))


def corner_inside(a, b):
    """A corner of b strictly inside a."""
    return any(a[0] < b[x] < a[2] and a[1] < b[y] < a[3] for x, y in ((0, 1), (2, 3), (0, 3), (2, 1)))


def common(a, b):
    total = 0
    for x, y in zip(a.tolist(), b.tolist()):  # left to right, as the order of addition shows in the last bits
        total = total + min(x, y)
    return total


def similarity(a, b, image_size):
    x1, y1, x2, y2 = joint_bounds(a.bounds, b.bounds)
    fill = 1.0 - ((x2 - x1) * (y2 - y1) - a.size - b.size) / image_size
    size = 1.0 - (a.size + b.size) / image_size
    return common(a.colour, b.colour) + common(a.texture, b.texture) + size + fill


def merged(a, b):
    size = a.size + b.size
    mean = lambda p, q: (p * a.size + q * b.size) / size
    return Region(joint_bounds(a.bounds, b.bounds), size, mean(a.colour, b.colour), mean(a.texture, b.texture))


def group(regions, image_size):
    """Greedy grouping; pairs are kept in the order in which they came to be."""
    regions = list(regions)
    pairs = {}
    for i in range(len(regions)):
        for j in range(i + 1, len(regions)):
            if corner_inside(regions[i].bounds, regions[j].bounds):
                pairs[(i, j)] = similarity(regions[i], regions[j], image_size)
    while pairs:
        greatest = max(pairs.values())
        best = [pair for pair, value in pairs.items() if value == greatest][-1]
        new = len(regions)
        regions.append(merged(regions[best[0]], regions[best[1]]))
        touched = [pair for pair in pairs if best[0] in pair or best[1] in pair]
        for pair in touched:
            del pairs[pair]
        for pair in touched:
            if pair != best:
                other = pair[1] if pair[0] in best else pair[0]
                pairs[(new, other)] = similarity(regions[new], regions[other], image_size)
    return regions


def expected(rgb, name, sort_kind="stable"):
    labels = stable_labels(rgb, sort_kind)
    first = initial_regions(rgb, labels)
    boxes = []
    for region in group(first, rgb.shape[0] * rgb.shape[1]):
        x1, y1, x2, y2 = region.bounds
        boxes.append([x1, y1, x2 - x1, y2 - y1])
    return {"file": name, "height": rgb.shape[0], "width": rgb.shape[1], "segments": len(first), "boxes": boxes}


def blurred_noise(rng, height, width, radius, channels=3, step=51):
    """Clouds in steps of `step` grey levels: many segments, and edges of equal cost."""
    noise = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    planes = [np.asarray(Image.fromarray(noise[:, :, c]).filter(ImageFilter.GaussianBlur(radius))) for c in
              range(channels)]
    stretched = np.stack(planes, axis=2).astype(np.float64)
    low, high = stretched.min(), stretched.max()
    unit = (stretched - low) / max(high - low, 1)
    return np.uint8(np.round(unit * 255 / step) * step)


def scene(rng, height, width):
    """Flat and textured rectangles and discs on a gradient: what photographs have, in small."""
    ys, xs = np.mgrid[0:height, 0:width]
    image = np.stack([xs * 255 // max(width - 1, 1), ys * 255 // max(height - 1, 1), (xs + ys) % 256], axis=2)
    for _ in range(int(rng.integers(12, 40))):
        cy, cx, r = rng.integers(0, height), rng.integers(0, width), rng.integers(5, max(6, min(height, width) // 3))
        if rng.random() < 0.5:
            mask = (ys - cy) ** 2 + (xs - cx) ** 2 < r * r
        else:
            mask = (abs(ys - cy) < r) & (abs(xs - cx) < r * 2 // 3)
        fill = rng.integers(0, 256, 3)
        texture = rng.integers(-20, 21, (height, width, 1)) if rng.random() < 0.5 else 0
        image = np.where(mask[:, :, None], np.clip(fill + texture, 0, 255), image)
    return np.uint8(image)


def synthetic_images():
    """(name, RGB array) of 200 images: scenes, smooth noise, noise, grey, flat, stripes, thin, one pixel; then scenes
    and smooth noise of random sizes, every third one grey."""
    rng = np.random.default_rng(20211)
    images = []
    for i, (height, width) in enumerate([(96, 128), (150, 100), (200, 300), (64, 64), (121, 173), (240, 180)]):
        images.append((f"scene{i}", scene(rng, height, width)))
    for i, (height, width, radius) in enumerate([(100, 140, 3), (180, 120, 8), (90, 90, 2), (160, 220, 15)]):
        images.append((f"smooth{i}", blurred_noise(rng, height, width, radius)))
    images.append(("noise", rng.integers(0, 256, (80, 110, 3), dtype=np.uint8)))
    images.append(("grey_scene", np.repeat(scene(rng, 130, 170)[:, :, :1], 3, axis=2)))
    images.append(("grey_smooth", np.repeat(blurred_noise(rng, 140, 140, 5, 1), 3, axis=2)))
    images.append(("flat", np.full((60, 75, 3), (200, 17, 93), dtype=np.uint8)))
    stripes = np.zeros((90, 120, 3), dtype=np.uint8)
    stripes[:, ::24] = 255
    stripes[30:60, 12:100] = (255, 128, 0)
    images.append(("stripes", stripes))
    board = (np.indices((112, 112)) // 14).sum(axis=0) % 2 * 255
    images.append(("board", np.repeat(board[:, :, None], 3, axis=2).astype(np.uint8)))
    images.append(("thin_row", blurred_noise(rng, 1, 400, 6)))
    images.append(("thin_column", blurred_noise(rng, 300, 2, 6)))
    images.append(("tiny", rng.integers(0, 256, (3, 5, 3), dtype=np.uint8)))
    images.append(("one_pixel", np.array([[[1, 2, 3]]], dtype=np.uint8)))
    while len(images) < 200:
        number = len(images)
        height, width = (int(v) for v in rng.integers(8, 200, 2))
        rgb = scene(rng, height, width) if number % 2 else blurred_noise(rng, height, width, int(rng.integers(2, 12)))
        images.append((f"random{number:03d}", np.repeat(rgb[:, :, :1], 3, axis=2) if number % 3 == 0 else rgb))
    return images


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    images = synthetic_images()
    for number, path in enumerate(sys.argv[2:]):
        stem = os.path.splitext(os.path.basename(path))[0]
        images.append((f"extra{number:03d}_{stem}", np.asarray(Image.open(path).convert("RGB"))))
    for name, rgb in images:
        Image.fromarray(rgb).save(os.path.join(out, name + ".png"))
    with multiprocessing.Pool() as pool:
        results = pool.starmap(expected, [(rgb, name + ".png") for name, rgb in images], chunksize=1)
    print(len(results), "images,", sum(len(result["boxes"]) for result in results), "boxes")
    with open(os.path.join(out, "expected.json"), "w") as file:
        json.dump({"scikit_image": skimage.__version__, "images": results}, file)


if __name__ == "__main__":
    main()
