# SPDX-License-Identifier: MIT
"""COCO's average recall by pycocotools, class-agnostic (useCats = 0):  proposal_recall_oracle.py OUT_DIR
Writes gt.json, dt.json and expected.json: recall [size][count][threshold], and the mean over the thresholds."""
import contextlib
import io
import json
import pathlib
import sys

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

COUNTS = [1, 10, 100, 300, 1000]


def random_box(rng, width, height, whole):
    side = np.exp(rng.uniform(np.log(4), np.log(min(width, height))))
    aspect = np.exp(rng.uniform(-1, 1))
    w, h = min(side * aspect, width), min(side / aspect, height)
    box = [rng.uniform(0, width - w), rng.uniform(0, height - h), w, h]
    return [float(round(v)) if whole else round(float(v), 2) for v in box]


def near(rng, box):
    """A box that overlaps `box` well: so that every threshold decides something."""
    x, y, w, h = box
    return [round(float(x + rng.normal(0, 0.08) * w), 1), round(float(y + rng.normal(0, 0.08) * h), 1),
            round(float(w * rng.uniform(0.8, 1.25)), 1), round(float(h * rng.uniform(0.8, 1.25)), 1)]


def make(rng, num_images=60):
    categories = [{"id": i, "name": f"c{i}"} for i in (5, 2, 9)]  # not in order of id
    images, annotations, results = [], [], []
    for image_id in range(1, num_images + 1):
        width, height = int(rng.integers(80, 400)), int(rng.integers(80, 400))
        images.append({"id": image_id, "file_name": f"{image_id}.jpg", "width": width, "height": height})
        boxes = []
        for _ in range(int(rng.integers(0, 9))):
            # Doubled objects and whole pixels make equal overlaps, whose order then matters.
            box = boxes[-1] if boxes and rng.random() < 0.15 else random_box(rng, width, height, rng.random() < 0.5)
            boxes.append(box)
            annotations.append({"id": len(annotations) + 1, "image_id": image_id, "category_id": int(rng.choice([5, 2, 9])),
                                "bbox": box, "area": box[2] * box[3] * float(rng.choice([1, 0.7])),
                                "iscrowd": int(rng.random() < 0.1)})
        count = int(rng.choice([0, 3, 40, 600, 1300], p=[0.1, 0.2, 0.4, 0.2, 0.1]))
        for _ in range(count):
            box = near(rng, boxes[rng.integers(len(boxes))]) if boxes and rng.random() < 0.3 else random_box(rng, width, height, True)
            if boxes and rng.random() < 0.02:
                box = boxes[rng.integers(len(boxes))]
            results.append({"image_id": image_id, "category_id": int(rng.choice([5, 2])), "bbox": box,
                            "score": round(float(rng.random()), 2)})  # two digits: many equal scores
    order = rng.permutation(len(results))  # images mixed
    return {"images": images, "annotations": annotations, "categories": categories}, [results[i] for i in order]


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    truth, results = make(np.random.default_rng(20))
    (out / "gt.json").write_text(json.dumps(truth))
    (out / "dt.json").write_text(json.dumps(results))
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO(str(out / "gt.json"))
        evaluation = COCOeval(gt, gt.loadRes(str(out / "dt.json")), "bbox")
        evaluation.params.useCats = 0
        evaluation.params.maxDets = COUNTS
        evaluation.evaluate()
        evaluation.accumulate()
    recall = evaluation.eval["recall"][:, 0]  # threshold, size, count
    (out / "expected.json").write_text(json.dumps({
        "counts": COUNTS, "sizes": evaluation.params.areaRngLbl, "thresholds": evaluation.params.iouThrs.tolist(),
        "recall": recall.transpose(1, 2, 0).tolist(), "average_recall": recall.mean(axis=0).tolist()}))


main()
