#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Samples a second of soco's data path beside the same sample made with Pillow, torchvision and numpy, in turn.

The sample is that of recipe soco_fpn_100ep: the whole image and two random crops, their colours, normalised, and their
boxes. Pillow's pipeline is written plainly here after that recipe. Images: --images (JPEGs of about 500x375) in a folder
and in tar shards, and photographs of 4000x3000 px made from the first of them. Milliseconds are processor time an image
on one core, medians over rounds in which the tools take turns; images/s of two workers are by the clock. How far the fast
mode's views are from the exact ones is printed as well. With finish=device colours and normalisation, which are not
timed then, are left to the device that trains.

  python3 benchmarks/throughput/data_path.py --images DIR [--build build/release] [--rounds 5] [--seconds 2] [--json FILE]

Needs Pillow, torchvision and numpy (python3-pil, python3-torchvision, python3-numpy) and a C++ compiler.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import tarfile
import tempfile
import time

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from torchvision import transforms as T
from torchvision.transforms import functional as F

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STAGES = ("read", "boxes", "decode", "views", "total")
JITTER = T.RandomApply([T.ColorJitter(0.4, 0.4, 0.2, 0.1)], p=0.8)
NORMALIZE = T.Compose([T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
LIBRARIES = ["-lhwy", "-lsqlite3", "-lfmt", "-ljpeg", "-lpng", "-ltiff", "-lwebp", "-lwebpdemux", "-larchive", "-lz",
             "-lxxhash", "-lpthread"]


def photometric(picture, first):
    picture = JITTER(picture)
    if random.random() < 0.2:
        picture = F.rgb_to_grayscale(picture, num_output_channels=3)
    if first or random.random() < 0.1:
        picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0.1, 2.0)))
    if not first and random.random() < 0.2:
        picture = ImageOps.solarize(picture)
    return picture


def crop_of(picture):
    y, x, h, w = T.RandomResizedCrop.get_params(picture, (0.5, 1.0), (3 / 4, 4 / 3))
    return x, y, w, h


def boxes_of_pair(boxes, first, second):
    """Four boxes that lie in both crops, one side jittered, clipped to each crop, in shares of it."""
    low = np.maximum(first[:2], second[:2])
    high = np.minimum(np.add(first[:2], first[2:]), np.add(second[:2], second[2:]))
    inside = boxes[(boxes[:, 0] < high[0]) & (boxes[:, 1] < high[1]) & (boxes[:, 2] > low[0]) & (boxes[:, 3] > low[1])]
    chosen = inside[np.random.permutation(len(inside))[:4]] if len(inside) else boxes[:1]
    size = np.tile(chosen[:, 2:] - chosen[:, :2], 2)
    jittered = chosen + np.random.uniform(-0.1, 0.1, chosen.shape) * size * (np.random.rand(len(chosen), 1) < 0.5)
    sides = []
    for side, (x, y, w, h) in ((jittered, first), (chosen, second)):
        sides.append(np.clip((side - [x, y, x, y]) / [w, h, w, h], 0, 1).astype(np.float32))
    return sides


def cut_out(view, boxes):
    size = view.shape[1]
    for x1, y1, x2, y2 in boxes:
        if random.random() < 0.5:
            half = int(round((random.uniform(0.1, 0.3) * (x2 - x1) * (y2 - y1)) ** 0.5 * size)) // 2
            x, y = int(random.uniform(x1, x2) * size), int(random.uniform(y1, y2) * size)
            view[:, max(0, y - half):y + half + 1, max(0, x - half):x + half + 1] = 0


def grid(width, height):
    rows = [(x, y, x + s * width, y + s * height) for s in (0.3, 0.5, 0.7) for x in np.linspace(0, (1 - s) * width, 4)
            for y in np.linspace(0, (1 - s) * height, 4)]
    return np.array(rows)


def pillow_sample(path, seconds):
    clock = time.thread_time
    t0 = clock()
    data = pathlib.Path(path).read_bytes()
    t1 = clock()
    from io import BytesIO
    image = Image.open(BytesIO(data)).convert("RGB")
    t2 = clock()
    whole = (0, 0, *image.size)
    crops = [whole, crop_of(image), crop_of(image)]
    boxes = grid(*image.size)
    pairs = [boxes_of_pair(boxes, whole, crop) for crop in crops[1:]]
    t3 = clock()
    views = []
    for index, ((x, y, w, h), size) in enumerate(zip(crops, (224, 224, 112))):
        picture = (image if index == 0 else image.crop((x, y, x + w, y + h))).resize((size, size), Image.BILINEAR)
        if random.random() < 0.5:
            picture = picture.transpose(Image.FLIP_LEFT_RIGHT)
        views.append(NORMALIZE(photometric(picture, index == 0)))
        if index > 0:
            cut_out(views[-1], pairs[index - 1][1])
    for stage, spent in zip(STAGES, (t1 - t0, t3 - t2, t2 - t1, clock() - t3, clock() - t0)):
        seconds[stage] += spent
    return views


def run_pillow(paths, seconds_to_run):
    seconds, count, end = dict.fromkeys(STAGES, 0.0), 0, time.monotonic() + seconds_to_run
    while time.monotonic() < end:
        pillow_sample(paths[count % len(paths)], seconds)
        count += 1
    return {stage: spent / count for stage, spent in seconds.items()}


def compile_samples(folder, build):
    names = ("data", "proposals", "image", "structures", "config", "base")
    program = folder / "soco_samples"
    subprocess.run([os.environ.get("CXX", "g++"), "-std=c++20", "-O2", "-DFMT_SHARED", f"-I{ROOT}",
                    str(HERE / "data" / "soco_samples.cpp"), "-o", str(program)] +
                   [str(build / "soco" / name / f"libsoco_{name}.a") for name in names] + LIBRARIES, check=True)
    return program


def run_soco(program, source, workers, seconds, *keys):
    command = [str(program), str(source), str(workers), str(seconds), *keys]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def make_photographs(paths, folder):
    folder.mkdir()
    for index, path in enumerate(paths[:4]):
        picture = Image.open(path).convert("RGB").resize((4000, 3000), Image.BICUBIC)
        noise = np.random.default_rng(index).normal(0, 6, (3000, 4000, 3))  # a sensor's, so that files are as large
        pixels = np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.jpg", quality=90)
    return folder


def make_shards(paths, folder):
    folder.mkdir()
    for shard in range(2):
        with tarfile.open(folder / f"train-{shard:06d}.tar", "w") as tar:
            for path in paths[shard::2]:
                tar.add(path, path.name)
    return folder


def median_of(runs):
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    paths = sorted(p for p in arguments.images.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
    results = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        program = compile_samples(folder, arguments.build)
        differences = subprocess.run([str(program), str(arguments.images), "differences"], check=True,
                                     capture_output=True, text=True).stdout
        shards, large = make_shards(paths, folder / "shards"), make_photographs(paths, folder / "large")
        large_paths = sorted(large.iterdir())
        tools = {
            "Pillow": lambda s: run_pillow(paths, s),
            "soco exact": lambda s: run_soco(program, arguments.images, 1, s),
            "soco exact, finish=device": lambda s: run_soco(program, arguments.images, 1, s, "finish=device"),
            "soco fast": lambda s: run_soco(program, arguments.images, 1, s, "quality=fast"),
            "soco fast, bfloat16": lambda s: run_soco(program, arguments.images, 1, s, "quality=fast", "pixels=bfloat16"),
            "soco exact, tar shards": lambda s: run_soco(program, shards, 1, s),
            "soco exact, 2 workers": lambda s: run_soco(program, arguments.images, 2, s),
            "Pillow, 4000x3000": lambda s: run_pillow(large_paths, s),
            "soco exact, 4000x3000": lambda s: run_soco(program, large, 1, s),
            "soco fast, 4000x3000": lambda s: run_soco(program, large, 1, s, "quality=fast"),
        }
        for tool in tools.values():
            tool(0.2)  # warm
        runs = {tool: [] for tool in tools}
        for _ in range(arguments.rounds):
            for tool, run in tools.items():
                runs[tool].append(run(arguments.seconds))
        results = {tool: median_of(r) for tool, r in runs.items()}
    print(f"{'ms an image':<26}" + "".join(f"{stage:>9}" for stage in STAGES) + f"{'images/s':>11}{'x Pillow':>10}")
    for tool, result in results.items():
        base = results["Pillow, 4000x3000" if "4000" in tool else "Pillow"]["total"]
        print(f"{tool:<26}" + "".join(f"{1e3 * result[stage]:9.3f}" for stage in STAGES) +
              f"{1 / result['total']:11.1f}{base / result['total']:10.2f}")
    one, two = results["soco exact"]["images_per_s"], results["soco exact, 2 workers"]["images_per_s"]
    print(differences.rstrip())
    print(f"by the clock: 1 worker {one:.1f} images/s, 2 workers {two:.1f}, {two / one:.2f} times")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
