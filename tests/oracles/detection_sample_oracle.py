#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A detector's input made by numpy and Pillow after Detectron2's formulae (shortest edge, box and polygon transforms,
nearest masks, flip, normalise, padding): OUT.safetensors with num_cases and

  sizes [n, 6]: height, width, short edge, greatest edge, new height, new width
  case{i}.image [h, w, 3], .options [short edge, greatest edge, flip, bgr, divisor], .mean, .std, .boxes [k, 4] xywh,
  .boxes_out [k, 4] xyxy before those that are empty go, .polygon, .polygon_out, .mask [h, w], .mask_out, .pixels [3, H, W]"""
import pathlib
import sys

import numpy as np
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import safetensors_io  # noqa: E402

CASES, SIZES = 60, 3000


def new_size(height, width, short, most):
    scale = short * 1.0 / min(height, width)
    new_height, new_width = (short, scale * width) if height < width else (scale * height, short)
    if max(new_height, new_width) > most:
        shrink = most * 1.0 / max(new_height, new_width)
        new_height, new_width = new_height * shrink, new_width * shrink
    return int(new_height + 0.5), int(new_width + 0.5)


def transformed(points, size, new, flip):
    """[n, 2] x, y in float64"""
    points = np.array(points, np.float64)
    points[:, 0] = points[:, 0] * (new[1] * 1.0 / size[1])
    points[:, 1] = points[:, 1] * (new[0] * 1.0 / size[0])
    if flip:
        points[:, 0] = new[1] - points[:, 0]
    return points


def box_out(box, size, new, flip):
    corners = np.array(box, np.float32)
    corners[2:] += corners[:2]  # in float32
    x1, y1, x2, y2 = (float(v) for v in corners)
    points = transformed([[x1, y1], [x2, y1], [x1, y2], [x2, y2]], size, new, flip)
    result = np.concatenate([points.min(0), points.max(0)]).clip(min=0)
    return np.minimum(result, [new[1], new[0], new[1], new[0]]).astype(np.float32)


def case(rng):
    size = int(rng.integers(3, 70)), int(rng.integers(3, 70))
    short, most = int(rng.integers(8, 60)), int(rng.integers(20, 90))
    flip, bgr, divisor = bool(rng.integers(2)), bool(rng.integers(2)), int(rng.choice([1, 16, 32]))
    new = new_size(*size, short, most)
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    boxes = np.concatenate([rng.uniform(-4, 1, (8, 2)) + rng.uniform(0, 1, (8, 2)) * [size[1], size[0]], rng.uniform(0, 30, (8, 2))], 1).round(2)
    polygon = rng.uniform(-3, 73, (5, 2)).round(2)
    mask = (rng.random(size) < 0.5).astype(np.uint8)
    mean, std = rng.uniform(0.2, 0.6, 3), rng.choice([1 / 255, 0.2, 0.3], 3)

    pixels = np.asarray(Image.fromarray(image).resize((new[1], new[0]), Image.BILINEAR))
    mask_out = np.asarray(Image.fromarray(mask).resize((new[1], new[0]), Image.NEAREST))
    if flip:
        pixels, mask_out = pixels[:, ::-1], mask_out[:, ::-1]
    planes = (pixels.astype(np.float32) / np.float32(255) - mean.astype(np.float32)) / std.astype(np.float32)
    planes = planes.transpose(2, 0, 1)[::-1 if bgr else 1]
    padded = np.zeros((3, *(-(-side // divisor) * divisor for side in new)), np.float32)
    padded[:, :new[0], :new[1]] = planes
    return {"image": image.astype(np.float32), "options": np.array([short, most, flip, bgr, divisor], np.float64),
            "mean": mean, "std": std, "boxes": boxes,
            "boxes_out": np.stack([box_out(b, size, new, flip) for b in boxes]),
            "polygon": polygon, "polygon_out": transformed(polygon, size, new, flip),
            "mask": mask.astype(np.float32), "mask_out": mask_out.astype(np.float32), "pixels": padded}


def main():
    rng = np.random.default_rng(8)
    sizes = []
    for _ in range(SIZES):
        height, width = int(rng.integers(1, 5000)), int(rng.integers(1, 5000))
        short, most = int(rng.choice([320, 480, 640, 672, 704, 736, 768, 800])), int(rng.choice([800, 1333, 2000]))
        result = new_size(height, width, short, most)
        if min(result) > 0:
            sizes.append([height, width, short, most, *result])
    arrays = {"num_cases": np.array([CASES], np.int64), "sizes": np.array(sizes, np.int64)}
    for i in range(CASES):
        arrays.update({f"case{i}.{name}": np.ascontiguousarray(value) for name, value in case(rng).items()})
    safetensors_io.save(sys.argv[1], arrays)


if __name__ == "__main__":
    main()
