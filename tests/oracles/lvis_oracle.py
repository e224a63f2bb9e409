# SPDX-License-Identifier: MIT
"""LVIS v1's figures by its own tool:  lvis_oracle.py OUT.json
[{"iou_type", "gt", "dt", "results": {name: share}}]. Its drawing modules, which it imports, need not be there."""
import copy
import importlib.util
import json
import logging
import sys
import types

import numpy as np

from detection_cases import make, make_some, near, random_box

if importlib.util.find_spec("lvis") is None:
    print("SKIPPED oracle lvis: no module lvis")
    sys.exit(0)
for name in ("cv2", "matplotlib", "matplotlib.pyplot", "matplotlib.patches", "matplotlib.lines", "matplotlib.figure",
             "matplotlib.backends", "matplotlib.backends.backend_agg"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["matplotlib.patches"].Polygon = sys.modules["matplotlib.lines"].Line2D = None
np.float = float  # which the tool still uses
from lvis import LVIS, LVISEval, LVISResults  # noqa: E402


def lvis_case(truth, results, iou_type):
    case = {"iou_type": iou_type, "gt": copy.deepcopy(truth), "dt": copy.deepcopy(results)}
    gt = LVIS.__new__(LVIS)
    gt.logger, gt.dataset = logging.getLogger("lvis"), truth
    gt._create_index()
    evaluation = LVISEval(gt, LVISResults(gt, results), iou_type)
    evaluation.run()
    case["results"] = {key: float(value) for key, value in evaluation.get_results().items()}
    return case


def crowded(rng):
    """An image with more than the 300 detections that count."""
    truth, results = make(rng, masks=False, lvis=True)
    image, categories = truth["images"][0]["id"], [c["id"] for c in truth["categories"]]
    boxes = [a["bbox"] for a in truth["annotations"]] or [random_box(rng, False)]
    for _ in range(700):
        results.append({"image_id": image, "category_id": int(rng.choice(categories)), "score": round(float(rng.random()), 2),
                        "bbox": near(rng, boxes[rng.integers(len(boxes))], 0.1)})
    return truth, results


def main():
    logging.disable(logging.CRITICAL)
    rng = np.random.default_rng(22)
    cases = [lvis_case(*case, "bbox") for case in make_some(rng, 150, lvis=True)]
    cases += [lvis_case(*crowded(rng), "bbox") for _ in range(10)]
    cases += [lvis_case(*case, "segm") for case in make_some(rng, 100, masks=True, lvis=True)]
    with open(sys.argv[1], "w") as out:
        json.dump(cases, out)


main()
