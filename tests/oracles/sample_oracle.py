# SPDX-License-Identifier: MIT
"""Recomputes training samples with Pillow, torchvision and numpy, and compares.

Usage: sample_oracle.py FOLDER. Each folder below FOLDER is a case: `case.json` (plan, proposals, the random decisions
and the boxes that were found), `image.rgb` (H x W x 3 uint8) and `view<i>.f32` ([3, S, S] float32). Every random
decision is replayed; everything that follows from it must be equal, pixel for pixel and number for number.
Exit status 0: all equal.
"""
import json
import pathlib
import sys

import numpy as np
from PIL import Image, ImageFilter, ImageOps
from torchvision.transforms import functional as F

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def check_crop(view, options, height, width):
    crop, draw = view["crop"], view["draw"]
    if options["crop"] == "whole":
        check(crop == [0, 0, width, height], "a whole crop is not the whole image")
    if options["crop"] != "random":
        return
    if draw["fallback"]:
        low, high, ratio = options["min_aspect"], options["max_aspect"], width / height
        w = int(round(height * high)) if ratio > high else width
        h = int(round(width / low)) if ratio < low else height
        check(crop == [(width - w) // 2, (height - h) // 2, w, h], f"central crop {crop}")
        return
    area = draw["area_ratio"] * height * width
    w = int(round((area * draw["aspect"]) ** 0.5))
    h = int(round((area / draw["aspect"]) ** 0.5))
    check(crop[2:] == [w, h], f"crop {crop}, expected size {w} x {h}")
    check(0 <= crop[0] <= width - w and 0 <= crop[1] <= height - h, f"crop {crop} leaves the image")


def base_view(image, case, index, made):
    options, crop = case["views"][index]["options"], case["views"][index]["crop"]
    size = (options["size"], options["size"])
    if options["crop"].startswith("same:"):
        return made[int(options["crop"][5:])].resize(size, Image.BILINEAR)
    x, y, w, h = crop
    return image.crop((x, y, x + w, y + h)).resize(size, Image.BILINEAR)


def recolored(picture, decision):
    if decision["jitter"]:
        for step in decision["order"]:
            if step == 0:
                picture = F.adjust_brightness(picture, decision["brightness"])
            elif step == 1:
                picture = F.adjust_contrast(picture, decision["contrast"])
            elif step == 2:
                picture = F.adjust_saturation(picture, decision["saturation"])
            else:
                picture = F.adjust_hue(picture, decision["hue"])
    if decision["gray"]:
        picture = F.rgb_to_grayscale(picture, num_output_channels=3)
    if decision["blur"]:
        picture = picture.filter(ImageFilter.GaussianBlur(radius=decision["blur_radius"]))
    if decision["solarize"]:
        picture = ImageOps.solarize(picture, threshold=decision["solarize_threshold"])
    return picture


def check_views(folder, case):
    height, width = case["height"], case["width"]
    pixels = np.fromfile(folder / "image.rgb", dtype=np.uint8).reshape(height, width, 3)
    image, made = Image.fromarray(pixels), []
    for index, view in enumerate(case["views"]):
        check_crop(view, view["options"], height, width)
        made.append(base_view(image, case, index, made))
        picture = made[index].transpose(Image.FLIP_LEFT_RIGHT) if view["flipped"] else made[index]
        expected = F.normalize(F.to_tensor(recolored(picture, view["photometric"])), MEAN, STD).numpy()
        for x1, y1, x2, y2 in view["cutouts"]:
            expected[:, y1:y2 + 1, x1:x2 + 1] = 0.0
        found = np.fromfile(folder / f"view{index}.f32", dtype=np.float32).reshape(expected.shape)
        different = int((found != expected).sum())
        check(different == 0, f"view {index}: {different} of {found.size} values differ, by up to "
                              f"{np.abs(found - expected).max()}; {view['photometric']}")


def overlaps(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def corners_of_crop(crop):
    x, y, w, h = crop
    return np.array([x, y, x + w - 1, y + h - 1], dtype=np.float64)


def common_region(a, b):
    if not overlaps(a, b):
        return None
    return np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:4], b[2:4])])


def proposals_with_ids(case):
    # True bounds (x2 exclusive) to the release's inclusive corners: width w = max - min, x2 = x + w - 1.
    rows = [[x1, y1, x2 - 2, y2 - 2, i + 1] for i, (x1, y1, x2, y2) in enumerate(case["proposals"])]
    return np.array(rows or [[0, 0, case["width"] - 1, case["height"] - 1, 1]], dtype=np.float64)


def jittered(box, jitter):
    if not jitter["active"]:
        return box
    w, h = box[2] - box[0] + 1, box[3] - box[1] + 1
    x, y = box[0] + jitter["dx"] * w, box[1] + jitter["dy"] * h
    return np.array([x, y, x + (w + jitter["dw"] * w) - 1, y + (h + jitter["dh"] * h) - 1, box[4]])


def clipped(boxes, crop):
    rows = []
    for box in boxes:
        region = common_region(box[:4], corners_of_crop(crop))
        if region is not None:
            rows.append([*(region - [crop[0], crop[1], crop[0], crop[1]]), box[4]])
    return np.array(rows or [[0, 0, crop[2] - 1, crop[3] - 1, 1]], dtype=np.float64)


def padded(boxes, other, rows, count):
    check(len(rows) == max(0, count - len(boxes)), f"{len(rows)} rows of padding for {len(boxes)} boxes")
    common = np.isin(boxes[:, 4], other[:, 4])
    for row in rows:
        check(common[row] or not common.any(), f"row {row} is padding, but its id is not on both sides")
    return np.concatenate([boxes, boxes[rows]]) if rows else boxes


def side_in_view(boxes, view, thresholds):
    x, y, w, h = view["crop"]
    size = view["options"]["size"]
    scale = np.array([w, h, w, h], dtype=np.float64)
    whole = (boxes[:, :4] / scale * size).astype(int)
    sizes = np.sqrt((whole[:, 2] - whole[:, 0] + 1) * (whole[:, 3] - whole[:, 1] + 1))
    levels = [next((i for i, limit in enumerate(thresholds) if s <= limit), -1) for s in sizes]
    result = (boxes[:, :4] / scale).astype(np.float32)
    if view["flipped"]:
        one = np.float32(1)
        result = np.stack([one - result[:, 2], result[:, 1], one - result[:, 0], result[:, 3]], axis=1)
    return result, boxes[:, 4].astype(int), levels if thresholds else [0] * len(boxes)


def check_selection(case, trace, pair, proposals):
    crops = [corners_of_crop(case["views"][pair[side]]["crop"]) for side in ("view_a", "view_b")]
    region = common_region(*crops)
    inside = [p for p in proposals if region is not None and overlaps(region, p)]
    ids = [int(p[4]) for p in inside]
    check(len(ids) == trace["num_candidates"], f"{trace['num_candidates']} candidates, expected {len(ids)}")
    chosen, count = trace["selected_ids"], case["num_boxes"]
    if len(ids) < count:
        check(chosen == ids, "too few candidates: all should be taken, in order")
    check(len(chosen) == min(count, len(ids)) == len(set(chosen)) and set(chosen) <= set(ids), f"selected {chosen}")


def check_pair(case, pair, proposals):
    trace = case["box_sets"][pair["box_set"]]
    check_selection(case, trace, pair, proposals)
    selected = [proposals[i - 1] for i in trace["selected_ids"]]
    view_a, view_b = case["views"][pair["view_a"]], case["views"][pair["view_b"]]
    a = clipped([jittered(box, j) for box, j in zip(selected, trace["jitters"])], view_a["crop"])
    b = clipped(selected, view_b["crop"])
    sides = {"a": (padded(a, b, trace["padding_a"], case["num_boxes"]), view_a),
             "b": (padded(b, a, trace["padding_b"], case["num_boxes"]), view_b)}
    for name, (boxes, view) in sides.items():
        expected, ids, levels = side_in_view(boxes, view, case["level_thresholds"])
        found = np.array(pair[name]["boxes"], dtype=np.float64)
        check((found == expected.astype(np.float64)).all(), f"side {name}: boxes {found}, expected {expected}")
        check(pair[name]["ids"] == ids.tolist(), f"side {name}: ids {pair[name]['ids']}, expected {ids}")
        check(pair[name]["levels"] == levels, f"side {name}: levels {pair[name]['levels']}, expected {levels}")


def check_cutouts(case):
    """Squares of an odd side, centred on a pixel of one of the view's boxes, unless the border cuts them."""
    for index, view in enumerate(case["views"]):
        size = view["options"]["size"]
        boxes = [box for pair in case["pairs"] for side in "ab" if pair[f"view_{side}"] == index
                 for box in pair[side]["boxes"]]
        check(view["options"]["cutout"] or not view["cutouts"], f"view {index} has a cutout it should not have")
        check(len(view["cutouts"]) <= len(boxes), f"view {index} has more cutouts than boxes")
        for x1, y1, x2, y2 in view["cutouts"]:
            check(0 <= x1 <= x2 < size and 0 <= y1 <= y2 < size, f"cutout {x1, y1, x2, y2} leaves view {index}")
            if x1 > 0 and y1 > 0 and x2 < size - 1 and y2 < size - 1:
                x, y = (x1 + x2) // 2, (y1 + y2) // 2
                inside = any(int(b[0] * size) <= x <= int(b[2] * size) and int(b[1] * size) <= y <= int(b[3] * size)
                             for b in boxes)
                check(x2 - x1 == y2 - y1 and (x2 - x1) % 2 == 0 and inside, f"cutout {x1, y1, x2, y2} of {boxes}")


def main(root):
    folders = sorted(p for p in pathlib.Path(root).iterdir() if (p / "case.json").exists())
    check(folders, f"no case below {root}")
    for folder in folders:
        case = json.loads((folder / "case.json").read_text())
        proposals = proposals_with_ids(case)
        try:
            for pair in case["pairs"]:
                check_pair(case, pair, proposals)
            check_cutouts(case)
            check_views(folder, case)
        except AssertionError as error:
            sys.exit(f"{folder.name}: {error}")
    print(f"{len(folders)} samples agree")


if __name__ == "__main__":
    main(sys.argv[1])
