#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Speed and recall of soco's proposals beside those of others, in turn on the same images and one core.

Peers: the authors' own generator (--release, a checkout of theirs), its algorithm with scikit-image written plainly
(tests/oracles/selective_search_oracle.py), OpenCV's selective search (python3-opencv, cv2.ximgproc) and dlib's
find_candidate_object_locations (libdlib-dev). One that is not installed is skipped by name. Each tool first warms up on
the largest image, untimed. Seconds are processor seconds of the search alone, on decoded images. Recall is over all
objects of --annotations that are no crowds, for the first N boxes in the order that each tool gives.

  python3 benchmarks/throughput/proposals.py --images DIR [--annotations ANN.json --coco-images DIR] \\
      [--build build/release] [--release CHECKOUT] [--limit 20] [--coco-limit 40] [--tools soco,opencv_fast,...] [--core 1]
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COUNTS = (100, 200, 500, 1000, 2000)
THRESHOLDS = np.arange(0.5, 0.96, 0.05)


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Program:
    """A program with the protocol of proposals/soco_boxes.cpp."""

    def __init__(self, command, as_ppm=False):
        self.as_ppm = as_ppm
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, path):
        if not self.as_ppm:
            return self.ask(path)
        with tempfile.NamedTemporaryFile(suffix=".ppm") as file:
            Image.open(path).convert("RGB").save(file.name)
            return self.ask(file.name)

    def ask(self, path):
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().split()
        if not line:
            raise SystemExit(f"{self.process.args[0]} ended at {path}")
        return float(line[0]), np.array(line[2:], dtype=float).reshape(-1, 4)


def timed(search):
    """A tool from a function of an RGB array that returns x, y, w, h boxes."""

    def run(path):
        image = np.asarray(Image.open(path).convert("RGB"))
        begin = cpu_seconds()
        boxes = np.asarray(search(image), dtype=float).reshape(-1, 4)
        seconds = cpu_seconds() - begin
        boxes[:, 2:] += boxes[:, :2]
        return seconds, boxes

    return run


def opencv(mode):
    import cv2

    cv2.setNumThreads(1)
    segmentation = cv2.ximgproc.segmentation

    def search(image):
        cv2.setRNGSeed(0)
        tool = segmentation.createSelectiveSearchSegmentation()
        tool.setBaseImage(np.ascontiguousarray(image[:, :, ::-1]))
        switch = {"soco": lambda: tool.switchToSingleStrategy(300, 0.9), "single": tool.switchToSingleStrategy, "fast": tool.switchToSelectiveSearchFast,
                  "quality": tool.switchToSelectiveSearchQuality}
        switch[mode]()
        return tool.process()

    return timed(search)


def release(checkout):
    if checkout is None:
        raise ImportError("--release names no checkout of the authors' repository")
    sys.path.insert(0, str(checkout / "selective_search"))
    from selective_search import selective_search

    def search(image):
        boxes = np.array([region["rect"] for region in selective_search(image, scale=300, sigma=0.9, min_size=100)[1]], dtype=float)
        boxes[:, 2:] += 1  # the release's boxes are a pixel short
        return boxes

    return timed(search)


def plain():
    sys.path.insert(0, str(ROOT / "tests" / "oracles"))
    import selective_search_oracle

    def search(image):
        boxes = np.array(selective_search_oracle.expected(image, "", "quicksort")["boxes"], dtype=float)
        boxes[:, 2:] += 1  # the release's boxes are a pixel short
        return boxes

    return timed(search)


def compiled(folder, source, build, libraries, includes=()):
    program = pathlib.Path(folder) / source.stem
    compiler = os.environ.get("CXX", "c++")
    subprocess.run([compiler, "-std=c++20", "-O3", "-march=native", "-w", *includes, str(source), "-o", str(program), *libraries],
                   check=True, capture_output=True, text=True)
    return str(program)


def soco(folder, build):
    libraries = [str(build / "soco" / name / f"libsoco_{name}.a") for name in ("proposals", "image", "config", "base")]
    return compiled(folder, HERE / "proposals" / "soco_boxes.cpp", build, libraries + [
        "-lhwy", "-lsqlite3", "-lfmt", "-ljpeg", "-lpng", "-ltiff", "-lwebp", "-lwebpdemux", "-lz", "-lxxhash",
        "-lpthread"], ["-DFMT_SHARED", f"-I{ROOT}"])


def make_tools(names, folder, build, checkout):
    program = soco(folder, build)
    makers = {f"soco_{s}": (lambda s=s: Program([program, f"strategy={s}"])) for s in
              ("soco", "single", "fast", "quality")}
    makers["release"] = lambda: release(checkout)
    makers["plain"] = plain
    for mode in ("soco", "single", "fast", "quality"):
        makers[f"opencv_{mode}"] = lambda mode=mode: opencv(mode)
    makers["dlib"] = lambda: Program([compiled(folder, HERE / "proposals" / "dlib_boxes.cpp", build, ["-ldlib"])], True)
    unknown = sorted(set(names or ()) - set(makers))
    if unknown:
        raise SystemExit(f"--tools: {', '.join(unknown)} unknown; choose from {', '.join(makers)}")
    tools = {}
    for name in names or makers:
        try:
            tools[name] = makers[name]()
        except (ImportError, AttributeError, subprocess.CalledProcessError) as error:
            print(f"SKIPPED {name}: {str(getattr(error, 'stderr', None) or error).strip().splitlines()[0]}")
    return tools


def overlaps(objects, boxes):
    low = np.maximum(objects[:, None, :2], boxes[None, :, :2])
    high = np.minimum(objects[:, None, 2:], boxes[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    area = lambda b: np.prod(b[:, 2:] - b[:, :2], axis=1)
    return common / (area(objects)[:, None] + area(boxes)[None] - common)


def objects_by_image(paths):
    objects = {}
    for path in paths:
        content = json.loads(pathlib.Path(path).read_text())
        names = {image["id"]: image["file_name"] for image in content["images"]}
        for annotation in content["annotations"]:
            if not annotation.get("iscrowd"):
                x, y, w, h = annotation["bbox"]
                objects.setdefault(names[annotation["image_id"]], []).append([x, y, x + w, y + h])
    return {name: np.array(boxes) for name, boxes in objects.items()}


def run_in_turn(tools, paths, objects=None):
    """Seconds and counts of boxes by tool; with objects, also the best overlap of each among the first N boxes."""
    seconds, counts = {n: [] for n in tools}, {n: [] for n in tools}
    best = {n: {k: [] for k in COUNTS} for n in tools}
    largest = max(paths, key=lambda path: np.prod(Image.open(path).size))
    for tool in tools.values():
        tool(largest)
    for number, path in enumerate(paths, 1):
        for name, tool in tools.items():
            spent, boxes = tool(path)
            seconds[name].append(spent)
            counts[name].append(len(boxes))
            if objects is not None:
                so_far = np.maximum.accumulate(overlaps(objects[path.name], boxes), axis=1)
                for k in COUNTS:
                    best[name][k].extend(so_far[:, min(k, len(boxes)) - 1])
        print(f"\r{number}/{len(paths)} images", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return seconds, counts, best


def print_speed(title, seconds, counts):
    print(f"\n{title}\n{'tool':17} {'s/image median':>14} {'mean':>8} {'images/s':>9} {'boxes':>7}  times as long as soco's")
    for name, values in seconds.items():
        mine = {"release": "soco_soco", "plain": "soco_soco", "dlib": "soco_fast"}.get(name, name.replace("opencv", "soco"))
        ratio = ""
        if mine in seconds and mine != name:
            ratio = f"{statistics.median(values) / statistics.median(seconds[mine]):.1f} ({mine})"
        print(f"{name:17} {statistics.median(values):14.4f} {statistics.mean(values):8.4f} {1 / statistics.mean(values):9.2f} "
              f"{statistics.mean(counts[name]):7.0f}  {ratio}")


def print_recall(best):
    print(f"\n{'recall of the first':20}" + "".join(f"{k:>8}" for k in COUNTS) + "   AR" + "".join(f"{k:>8}" for k in COUNTS))
    for name, by_count in best.items():
        values = {k: np.array(v) for k, v in by_count.items()}
        at_half = "".join(f"{(values[k] >= 0.5).mean():8.3f}" for k in COUNTS)
        average = "".join(f"{np.mean([(values[k] >= t).mean() for t in THRESHOLDS]):8.3f}" for k in COUNTS)
        print(f"{name:20}{at_half}     {average}")


def print_scaling(program, images, folder, num_images):
    """The whole job, decoding and storing included, with one worker and with two, in turn; wall seconds."""
    copies = pathlib.Path(folder) / "scaling"
    copies.mkdir()
    for i in range(num_images):  # a few photographs again and again: jobs of a second would measure their start
        source = images[i % len(images)]
        shutil.copyfile(source, copies / f"{i}{source.suffix}")
    print(f"\nsoco propose on {num_images} photographs, least of two runs in turn: seconds with 1 worker, with 2, times as fast")
    for strategy in ("soco", "fast"):
        seconds = {1: [], 2: []}
        for run, workers in enumerate((1, 2, 1, 2)):
            begin = time.monotonic()
            subprocess.run([program, "propose", "--images", copies, "--out", pathlib.Path(folder) / f"{strategy}{run}.db",
                            "--strategy", strategy, "--workers", str(workers)], check=True, capture_output=True)
            seconds[workers].append(time.monotonic() - begin)
        one, two = min(seconds[1]), min(seconds[2])
        print(f"{strategy:10} {one:8.2f} {two:8.2f} {one / two:6.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=pathlib.Path, required=True, help="folder of photographs, for speed")
    parser.add_argument("--annotations", nargs="*", default=[], help="COCO annotation files, for recall")
    parser.add_argument("--coco-images", type=pathlib.Path, nargs="*", default=[], help="folders of their images")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help="where soco was built")
    parser.add_argument("--release", type=pathlib.Path, help="checkout of the authors' repository")
    parser.add_argument("--limit", type=int, default=20, help="photographs, spread over the folder")
    parser.add_argument("--coco-limit", type=int, default=40)
    parser.add_argument("--tools", help="comma-separated; default: all")
    parser.add_argument("--core", type=int, help="run on this core alone")
    parser.add_argument("--soco", help="the program, to compare one and two workers (without --core)")
    parser.add_argument("--scaling-images", type=int, default=400, help="photographs for that, repeated when there are fewer")
    args = parser.parse_args()
    if args.soco and args.core is not None:
        parser.error("--soco compares one and two workers: leave out --core")
    if args.core is not None:
        os.sched_setaffinity(0, {args.core})  # for the programs it starts too
    with tempfile.TemporaryDirectory() as folder:
        tools = make_tools(args.tools.split(",") if args.tools else None, folder, args.build, args.release)
        photographs = sorted(p for p in args.images.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
        chosen = [photographs[i * len(photographs) // args.limit] for i in range(min(args.limit, len(photographs)))]
        seconds, counts, _ = run_in_turn(tools, chosen)
        print_speed(f"{len(chosen)} photographs of {args.images}", seconds, counts)
        if args.annotations:
            objects = objects_by_image(args.annotations)
            paths = sorted(p for folder in args.coco_images for p in folder.iterdir() if p.name in objects)[: args.coco_limit]
            seconds, counts, best = run_in_turn(tools, paths, objects)
            number = len(next(iter(best.values()))[COUNTS[0]])
            print_speed(f"{len(paths)} annotated images, {number} objects", seconds, counts)
            print_recall(best)
        if args.soco:
            print_scaling(args.soco, photographs, folder, args.scaling_images)


if __name__ == "__main__":
    main()
