# SPDX-License-Identifier: MIT
"""Random ground truths and results for the oracles of detection metrics, made to be awkward: equal scores and boxes,
areas at the edges of the size groups, crowds, empty images and categories, more detections than count."""
import numpy as np
from pycocotools import mask as mask_utils

WIDTH, HEIGHT = 320, 240


def random_box(rng, edge_areas):
    if edge_areas:  # areas of 32 * 32 and 96 * 96, at the edges of the size groups, and just beside them
        side = float(rng.choice([32, 96]))
        w, h = side, side + float(rng.choice([0, 0, 0, 0.25, -0.25]))
    else:
        side = float(np.exp(rng.uniform(np.log(4), np.log(200))))
        w, h = side * float(rng.uniform(0.6, 1.6)), side
    box = [float(rng.uniform(0, max(1, WIDTH - w))), float(rng.uniform(0, max(1, HEIGHT - h))), w, h]
    return [float(round(v)) for v in box] if edge_areas or rng.random() < 0.5 else [round(v, 2) for v in box]


def near(rng, box, spread):
    x, y, w, h = box
    return [round(float(v), 2) for v in (x + rng.normal(0, spread) * w, y + rng.normal(0, spread) * h,
                                         w * np.exp(rng.normal(0, spread)), h * np.exp(rng.normal(0, spread)))]


def polygon(rng, box):
    """A star around the box's centre, or its corners; may leave the image."""
    x, y, w, h = box
    if rng.random() < 0.3:
        return [x, y, x, y + h, x + w, y + h, x + w, y]
    count = int(rng.integers(3, 12))
    angle = np.sort(rng.uniform(0, 2 * np.pi, count))
    radius = rng.uniform(0.5, 1.1, count)
    points = np.stack([x + w / 2 + w / 2 * radius * np.cos(angle), y + h / 2 + h / 2 * radius * np.sin(angle)], axis=1)
    return [round(float(v), 2) for v in points.ravel()]


def rle_of(rng, box):
    rle = mask_utils.merge(mask_utils.frPyObjects([polygon(rng, box)], HEIGHT, WIDTH))
    return {"size": [HEIGHT, WIDTH], "counts": rle["counts"].decode()}


def uncompressed(rle):
    pixels = mask_utils.decode({"size": rle["size"], "counts": rle["counts"].encode()}).ravel(order="F")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], pixels])))
    return {"size": rle["size"], "counts": np.diff(np.concatenate([[0], edges, [pixels.size]])).tolist()}


def shape_of(rng, box):
    kind = rng.random()
    if kind < 0.5:
        return [polygon(rng, box) for _ in range(int(rng.integers(1, 3)))]
    return rle_of(rng, box) if kind < 0.8 else uncompressed(rle_of(rng, box))


def make(rng, masks, lvis=False):
    """(annotations, results, what results hold: "box", "mask" or "both")"""
    num_categories, num_images = int(rng.integers(1, 5)), int(rng.integers(1, 6))
    category_ids = rng.choice(np.arange(1, 30), num_categories, replace=False).tolist()
    image_ids = rng.choice(np.arange(1, 1000), num_images, replace=False).tolist()
    edge_areas, spread = rng.random() < 0.2, float(rng.choice([0, 0.03, 0.08, 0.2]))
    digits = int(rng.choice([1, 2, 6]))  # of scores: few digits make many equal
    holds = str(rng.choice(["box", "mask", "both"])) if masks else "box"
    images = [{"id": i, "file_name": f"{i}.jpg", "width": WIDTH, "height": HEIGHT} for i in image_ids]
    annotations, results = [], []
    for image in images:
        if lvis:
            image["neg_category_ids"] = [c for c in category_ids if rng.random() < 0.4]
            image["not_exhaustive_category_ids"] = [c for c in category_ids if rng.random() < 0.3]
        for category in category_ids:
            boxes = []
            for _ in range(int(rng.choice([0, 1, 2, 3, 8], p=[0.3, 0.25, 0.2, 0.15, 0.1]))):
                box = boxes[-1] if boxes and rng.random() < 0.2 else random_box(rng, edge_areas)
                boxes.append(box)
                area = box[2] * box[3] * (1 if edge_areas or rng.random() < 0.5 else float(rng.uniform(0.4, 1)))
                annotation = {"id": len(annotations) + 1, "image_id": image["id"], "category_id": category, "bbox": box,
                              "area": area, "iscrowd": int(rng.random() < 0.12)}
                if lvis:
                    annotation["ignore"] = int(rng.random() < 0.1)
                if masks:
                    annotation["segmentation"] = shape_of(rng, box)
                annotations.append(annotation)
            count = int(rng.choice([0, 1, 4, 15, 130], p=[0.2, 0.25, 0.3, 0.2, 0.05]))
            count = count if not masks else min(count, 15)
            for _ in range(count):
                box = near(rng, boxes[rng.integers(len(boxes))], spread) if boxes and rng.random() < 0.7 else random_box(rng, edge_areas)
                result = {"image_id": image["id"], "category_id": category, "score": round(float(rng.random()), digits)}
                if holds != "mask":
                    result["bbox"] = box
                if holds != "box":
                    result["segmentation"] = rle_of(rng, box)
                results.append(result)
    categories = [{"id": c, "name": f"c{c}"} for c in category_ids]
    if lvis:
        for category in categories:
            category["frequency"] = str(rng.choice(["r", "c", "f"]))
    order = rng.permutation(len(results))
    return {"images": images, "annotations": annotations, "categories": categories}, [results[i] for i in order]


def make_some(rng, count, masks=False, lvis=False):
    """Cases that have results at all: the tools fail without any."""
    cases = []
    while len(cases) < count:
        truth, results = make(rng, masks, lvis)
        if results:
            cases.append((truth, results))
    return cases
