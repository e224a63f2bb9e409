#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times the evaluation of detections against pycocotools (and faster-coco-eval, where it is installed), in turn in one
run on the same random files, and compares all numbers:

    evaluate.py SOCO [--images 5000] [--detections 500000] [--iou-type bbox|segm] [--workers 1,2] [--folder DIR]

SOCO: the program. The Python that runs this needs numpy and pycocotools. Each tool is a process of its own; a time is
its wall clock, with CPU seconds and peak memory beside it. "load" ends where the files are in the tool's own form."""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import numpy as np

CATEGORIES = 80
WIDTH, HEIGHT = 640, 480

PEER = r"""
import contextlib, io, json, sys, time
module, gt_file, dt_file, iou_type = sys.argv[1:]
t = [time.perf_counter()]
with contextlib.redirect_stdout(io.StringIO()):
    if module == "pycocotools":
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
        gt = COCO(gt_file)
        dt = gt.loadRes(dt_file)
    else:
        from faster_coco_eval import COCO, COCOeval_faster as COCOeval
        gt = COCO(gt_file)
        dt = gt.loadRes(dt_file)
    t.append(time.perf_counter())
    evaluation = COCOeval(gt, dt, iou_type)
    evaluation.evaluate()
    t.append(time.perf_counter())
    evaluation.accumulate()
    t.append(time.perf_counter())
    evaluation.summarize()
names = ("load", "evaluate", "accumulate")
print(json.dumps({"stats": [float(s) for s in evaluation.stats[:12]], "stages": {n: b - a for n, a, b in zip(names, t, t[1:])}}))
"""


def make_boxes(rng, count):
    """About COCO's: two in five small, a quarter large."""
    side = np.exp(rng.normal(np.log(55), 0.95, count)).clip(4, 400)
    aspect = np.exp(rng.normal(0, 0.4, count))
    w, h = np.minimum(side * aspect, WIDTH - 1), np.minimum(side / aspect, HEIGHT - 1)
    return np.stack([rng.uniform(0, WIDTH - w), rng.uniform(0, HEIGHT - h), w, h], axis=1)


def stars(rng, boxes):
    """A star-shaped polygon of 24 corners in each box."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radius = rng.uniform(0.6, 1, (len(boxes), 24))
    x = boxes[:, :1] + boxes[:, 2:3] / 2 * (1 + radius * np.cos(angle))
    y = boxes[:, 1:2] + boxes[:, 3:] / 2 * (1 + radius * np.sin(angle))
    return np.stack([x, y], axis=2).reshape(len(boxes), 48).round(2)


def make_files(folder, num_images, num_detections, masks):
    """Categories as uneven as COCO's; half of the detections near an object."""
    rng = np.random.default_rng(5)
    share = 1 / np.arange(1, CATEGORIES + 1)
    share /= share.sum()
    num_objects = num_images * 7
    boxes, image, category = make_boxes(rng, num_objects), rng.integers(0, num_images, num_objects), rng.choice(CATEGORIES, num_objects, p=share)
    polygons = stars(rng, boxes)
    near = rng.random(num_detections) < 0.5
    source = rng.integers(0, num_objects, num_detections)
    moved = boxes[source] + rng.normal(0, 0.12, (num_detections, 4)) * np.tile(boxes[source][:, 2:], 2)
    moved[:, 2:] = np.maximum(moved[:, 2:], 2)
    dt_boxes = np.where(near[:, None], moved, make_boxes(rng, num_detections)).round(2)
    dt_image = np.where(near, image[source], rng.integers(0, num_images, num_detections))
    dt_category = np.where(near, category[source], rng.choice(CATEGORIES, num_detections, p=share))
    score = np.where(near, rng.beta(3, 2, num_detections), rng.beta(1, 5, num_detections)).round(5)
    gt = {"images": [{"id": i + 1, "file_name": f"{i + 1}.jpg", "width": WIDTH, "height": HEIGHT} for i in range(num_images)],
          "annotations": [{"id": k + 1, "image_id": int(image[k]) + 1, "category_id": int(category[k]) + 1,
                           "bbox": boxes[k].round(2).tolist(), "area": round(float(boxes[k, 2] * boxes[k, 3]) * 0.7, 2),
                           "segmentation": [polygons[k].tolist()], "iscrowd": int(k % 100 == 0)} for k in range(num_objects)],
          "categories": [{"id": c + 1, "name": f"c{c + 1}"} for c in range(CATEGORIES)]}
    results = []
    if masks:
        from pycocotools import mask as mask_utils
        dt_polygons = stars(rng, dt_boxes)
    for k in range(num_detections):
        result = {"image_id": int(dt_image[k]) + 1, "category_id": int(dt_category[k]) + 1, "score": float(score[k])}
        if masks:
            rle = mask_utils.frPyObjects([dt_polygons[k].tolist()], HEIGHT, WIDTH)[0]
            result["segmentation"] = {"size": rle["size"], "counts": rle["counts"].decode()}
        else:
            result["bbox"] = dt_boxes[k].tolist()
        results.append(result)
    (folder / "gt.json").write_text(json.dumps(gt))
    (folder / "dt.json").write_text(json.dumps(results))


def timed(command):
    """(output, error output, wall seconds, CPU seconds, peak MiB)"""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} failed: {errors[-2000:]}")
    return output, errors, time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def run_soco(program, folder, iou_type, workers):
    out = folder / "out.json"
    _, log, wall, cpu, memory = timed([program, "evaluate", "--gt", folder / "gt.json", "--dt", folder / "dt.json", "--iou-type",
                                       iou_type, "--workers", str(workers), "--json", out])
    read, evaluated = map(float, re.search(r"read in ([\d.]+)s, evaluated in ([\d.]+)s", log).groups())
    stats = list(json.loads(out.read_text())["figures"].values())
    return {"stats": stats, "stages": {"load": read, "evaluate and accumulate": evaluated}, "wall": wall, "cpu": cpu, "memory": memory}


def run_peer(module, folder, iou_type):
    output, _, wall, cpu, memory = timed([sys.executable, "-c", PEER, module, folder / "gt.json", folder / "dt.json", iou_type])
    return {**json.loads(output), "wall": wall, "cpu": cpu, "memory": memory}


def has(module):
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("soco")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--detections", type=int, default=500000)
    parser.add_argument("--iou-type", choices=["bbox", "segm"], default="bbox")
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--folder", help="where the files go, and stay [a temporary one]")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(a.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        make_files(folder, a.images, a.detections, a.iou_type == "segm")
        sizes = [(folder / f"{name}.json").stat().st_size / 2**20 for name in ("gt", "dt")]
        print(f"{a.images} images, {a.detections} detections, {a.iou_type}; files of {sizes[0]:.0f} and {sizes[1]:.0f} MiB")
        runs = {f"soco, {w} worker(s)": run_soco(a.soco, folder, a.iou_type, w) for w in a.workers.split(",")}
        for module in ("faster_coco_eval", "pycocotools"):
            if has(module):
                runs[module] = run_peer(module, folder, a.iou_type)
            else:
                print(f"SKIPPED {module}: not installed")
        reference = runs.get("pycocotools")
        print(f"{'':24} {'wall s':>8} {'CPU s':>8} {'MiB':>7} {'times':>6}  {'difference':>10}  stages")
        for name, r in runs.items():
            ratio = f"{reference['wall'] / r['wall']:.1f}" if reference else "-"
            worst = max(abs(x - y) for x, y in zip(r["stats"], reference["stats"])) if reference else float("nan")
            stages = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in r["stages"].items())
            print(f"{name:24} {r['wall']:8.2f} {r['cpu']:8.2f} {r['memory']:7.0f} {ratio:>6}  {worst:10.1e}  {stages}")


main()
