# SPDX-License-Identifier: MIT
"""Checks a data set of `soco synth` with pycocotools: masks, areas and boxes agree, masks of an image do not overlap.

  pip install pycocotools pillow
  python synth_coco_oracle.py FOLDER

Also prints the strings that tests/data/synth_mask_test.cpp expects of compress_rle.
"""
import sys
from collections import Counter

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO


def check_split(folder, split):
    coco = COCO(f"{folder}/annotations/instances_{split}.json")
    forms = Counter()
    for image in coco.loadImgs(coco.getImgIds()):
        with Image.open(f"{folder}/{split}/{image['file_name']}") as picture:
            assert picture.size == (image["width"], image["height"]), image
        covered = np.zeros((image["height"], image["width"]), int)
        for annotation in coco.loadAnns(coco.getAnnIds(image["id"])):
            mask = coco.annToMask(annotation)
            assert mask.sum() == annotation["area"], annotation["id"]
            ys, xs = np.where(mask)
            box = [xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1]
            assert box == annotation["bbox"], annotation["id"]
            covered += mask
            form = annotation["segmentation"]
            kind = "polygon" if isinstance(form, list) else type(form["counts"]).__name__
            if kind == "str":
                assert coco_mask.encode(np.asfortranarray(mask))["counts"].decode() == form["counts"]
            forms[kind, annotation["iscrowd"]] += 1
        assert covered.max() <= 1, image
    print(split, len(coco.imgs), "images", dict(forms))


def golden():
    for counts in ([1, 3, 2], [0, 4], [6, 1, 40, 4, 5, 4, 5, 4, 21]):
        size = [sum(counts), 1]
        print(counts, coco_mask.frPyObjects({"size": size, "counts": counts}, *size)["counts"].decode())


if __name__ == "__main__":
    golden()
    for name in ("train", "val"):
        check_split(sys.argv[1], name)
