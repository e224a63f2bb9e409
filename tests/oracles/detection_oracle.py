# SPDX-License-Identifier: MIT
"""COCO's figures by pycocotools, masks by its mask tools, Pascal VOC's by a second implementation of the development
kit's rule:  detection_oracle.py OUT_DIR
coco.json: [{"iou_type", "gt", "dt", "stats" [12], "recall" [threshold][category][size][kept], "precision" and "scores",
both means over recalls, alike}]; masks.json, merges.json, voc.json."""
import contextlib
import copy
import io
import json
import pathlib
import sys

import numpy as np
from pycocotools import mask as mask_utils
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detection_cases import HEIGHT, WIDTH, make_some, polygon, random_box, rle_of, uncompressed


def coco_case(truth, results, iou_type):
    case = {"iou_type": iou_type, "gt": copy.deepcopy(truth), "dt": copy.deepcopy(results)}
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = truth
        gt.createIndex()
        evaluation = COCOeval(gt, gt.loadRes(results), iou_type)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    case["stats"] = evaluation.stats.tolist()
    case["recall"] = evaluation.eval["recall"].tolist()
    for key in ("precision", "scores"):
        case[key] = evaluation.eval[key].mean(axis=1).tolist()
    return case


def awkward_polygon(rng):
    kind = rng.random()
    if kind < 0.4:
        points = polygon(rng, random_box(rng, False))
    elif kind < 0.6:  # far outside on some side
        points = rng.uniform(-200, 600, 2 * int(rng.integers(3, 9))).round(2).tolist()
    elif kind < 0.8:  # whole and half pixels, steep and flat sides, corners doubled
        points = (rng.integers(-4, 90, 2 * int(rng.integers(3, 9))) / 2).tolist()
        points = points[:2] + points if rng.random() < 0.5 else points
    else:  # less than a pixel
        points = (rng.uniform(0, 50, 2).tolist() + rng.uniform(0, 50, 2).tolist()) * 2
        points = [p + float(rng.normal(0, 0.3)) for p in points]
    return points


def mask_case(rng):
    points = awkward_polygon(rng)
    height, width = (int(rng.integers(1, 60)), int(rng.integers(1, 60))) if rng.random() < 0.5 else (HEIGHT, WIDTH)
    rle = mask_utils.frPyObjects([points], height, width)[0]
    return {"height": height, "width": width, "polygon": points, "counts": rle["counts"].decode(),
            "area": int(mask_utils.area(rle)), "box": mask_utils.toBbox(rle).tolist()}


def merge_case(rng):
    boxes = [random_box(rng, False) for _ in range(3)]
    rles = [rle_of(rng, [b + float(rng.normal(0, 5)) for b in boxes[0]] if rng.random() < 0.5 else box) for box in boxes]
    raw = [{"size": r["size"], "counts": r["counts"].encode()} for r in rles]
    return {"masks": [r["counts"] for r in rles], "uncompressed": uncompressed(rles[0])["counts"],
            "union": mask_utils.merge(raw)["counts"].decode(),
            "intersection": mask_utils.merge(raw, intersect=True)["counts"].decode(),
            "iou": float(mask_utils.iou([raw[0]], [raw[1]], [0])[0, 0]),
            "crowd_iou": float(mask_utils.iou([raw[0]], [raw[1]], [1])[0, 0])}


def voc_ap(recall, precision, year):
    """VOCap.m of the development kits of 2007 and of 2010 and later."""
    if year == 2007:
        return sum(max([p for r, p in zip(recall, precision) if r >= k / 10], default=0.0) for k in range(11)) / 11
    r = np.concatenate([[0.0], recall, [1.0]])
    p = np.concatenate([[0.0], precision, [0.0]])
    for i in range(len(p) - 2, -1, -1):
        p[i] = max(p[i], p[i + 1])
    steps = np.flatnonzero(r[1:] != r[:-1]) + 1
    return float(np.sum((r[steps] - r[steps - 1]) * p[steps]))


def voc_category(truth, results, category, threshold, year, extra):
    """VOCevaldet.m; None for a category without objects that count."""
    objects = {}
    for a in truth["annotations"]:
        if a["category_id"] == category:
            objects.setdefault(a["image_id"], []).append({"box": a["bbox"], "difficult": a["difficult"], "found": False})
    positives = sum(not o["difficult"] for group in objects.values() for o in group)
    if positives == 0:
        return None
    ranked = [r for r in results if r["category_id"] == category]
    ranked = [ranked[i] for i in np.argsort([-r["score"] for r in ranked], kind="stable")]
    true, false = np.zeros(len(ranked)), np.zeros(len(ranked))
    for d, result in enumerate(ranked):
        x, y, w, h = result["bbox"]
        most, chosen = -np.inf, None
        for candidate in objects.get(result["image_id"], []):
            gx, gy, gw, gh = candidate["box"]
            iw = min(x + w, gx + gw) - max(x, gx) + extra
            ih = min(y + h, gy + gh) - max(y, gy) + extra
            if iw > 0 and ih > 0:
                union = (w + extra) * (h + extra) + (gw + extra) * (gh + extra) - iw * ih
                if iw * ih / union > most:
                    most, chosen = iw * ih / union, candidate
        if most >= threshold:
            if not chosen["difficult"]:
                (false if chosen["found"] else true)[d] = 1
                chosen["found"] = True
        else:
            false[d] = 1
    true, false = np.cumsum(true), np.cumsum(false)
    counted = true + false > 0  # 0 / 0 before the first that counts
    return voc_ap((true / positives)[counted], (true / np.maximum(true + false, 1))[counted], year)


def voc_case(truth, results, rng):
    for a in truth["annotations"]:
        a["difficult"], a["iscrowd"] = int(rng.random() < 0.2), 0
    extra = int(rng.random() < 0.5)
    expected = {str(year): {str(c["id"]): [voc_category(truth, results, c["id"], t, year, extra) for t in (0.5, 0.75)]
                            for c in truth["categories"]} for year in (2007, 2010)}
    return {"gt": truth, "dt": results, "inclusive": bool(extra), "expected": expected}


def write(name, cases):
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.json").write_text(json.dumps(cases))


def main():
    rng = np.random.default_rng(21)
    cases = [coco_case(*case, "bbox") for case in make_some(rng, 300)]
    for truth, results in make_some(rng, 200, masks=True):
        cases.append(coco_case(truth, results, "segm"))
    for truth, results in make_some(rng, 20, masks=True):  # boxes around masks, where there are none
        cases.append(coco_case(truth, results, "bbox"))
    write("coco", cases)
    write("masks", [mask_case(rng) for _ in range(3000)])
    write("merges", [merge_case(rng) for _ in range(300)])
    write("voc", [voc_case(*case, rng) for case in make_some(rng, 200)])


main()
