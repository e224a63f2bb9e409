#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Colour operations of soco on each instruction set beside Pillow's (torchvision's for normalise), on one photograph.

Processor nanoseconds a pixel, medians; both sides in turn in one run. soco works on planes, in place (`split` makes them);
Pillow makes a new image each time. `view_1`, `view_2`: whole views of the recipe soco_fpn_100ep after their resize, all
chances drawn anew, to normalised float32.

  cmake -S . -B build/core -DSOCO_TORCH=OFF -DSOCO_BENCHMARKS=ON && cmake --build build/core --target micro_photometric
  python3 benchmarks/micro/photometric.py PHOTOGRAPH [--build build/core] [--size 224] [--rounds 3]
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from torchvision.transforms import functional as F

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def normalized(image):
    return F.normalize(F.to_tensor(image), MEAN, STD)


def jittered(image, rng):
    changes = [lambda x: F.adjust_brightness(x, rng.uniform(0.6, 1.4)), lambda x: F.adjust_contrast(x, rng.uniform(0.6, 1.4)),
               lambda x: F.adjust_saturation(x, rng.uniform(0.8, 1.2)), lambda x: F.adjust_hue(x, rng.uniform(-0.1, 0.1))]
    for i in rng.permutation(4):
        image = changes[i](image)
    return image


def view(image, rng, blur_prob, solarize_prob):
    image = F.hflip(image)
    if rng.random() < 0.8:
        image = jittered(image, rng)
    if rng.random() < 0.2:
        image = F.rgb_to_grayscale(image, num_output_channels=3)
    if rng.random() < blur_prob:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.1, 2.0)))
    if rng.random() < solarize_prob:
        image = ImageOps.solarize(image, 128)
    return normalized(image)


def operations(rng):
    blur = lambda radius: lambda x: x.filter(ImageFilter.GaussianBlur(radius))
    return {"brightness": lambda x: F.adjust_brightness(x, 1.2), "contrast": lambda x: F.adjust_contrast(x, 0.8),
            "saturation": lambda x: F.adjust_saturation(x, 1.1), "hue": lambda x: F.adjust_hue(x, 0.05),
            "grayscale": lambda x: F.rgb_to_grayscale(x, num_output_channels=3), "solarize": lambda x: ImageOps.solarize(x, 128),
            "blur_0.5": blur(0.5), "blur_1.5": blur(1.5), "blur_2": blur(2.0), "blur_15": blur(15.0),
            "normalize_f32_chw": normalized, "normalize_f32_chw_mirror": lambda x: normalized(F.hflip(x)),
            "view_1": lambda x: view(x, rng, 1.0, 0.0), "view_2": lambda x: view(x, rng, 0.1, 0.2)}


def nanoseconds(run, image, summed):
    """Of one pixel: the median of single calls, or the mean where each call draws its own chances (`summed`)."""
    seconds = []
    while sum(seconds) < 0.3 or len(seconds) < 5:
        begin = time.process_time()
        run(image)
        seconds.append(time.process_time() - begin)
    return (statistics.mean if summed else statistics.median)(seconds) * 1e9 / (image.width * image.height)


def soco_times(program, image):
    lines = subprocess.run([program, str(image.height), str(image.width)], input=image.tobytes(), check=True,
                           capture_output=True).stdout.decode().split("\n")
    return {(target, name): float(ns) for target, name, ns in (line.split() for line in lines if line)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photograph")
    parser.add_argument("--build", default=str(ROOT / "build/core"))
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    program = pathlib.Path(args.build) / "benchmarks/micro/micro_photometric"
    if not program.exists():
        sys.exit(f"{program} is not there; see --help")
    torch.set_num_threads(1)
    image = Image.open(args.photograph).convert("RGB").resize((args.size, args.size), Image.BILINEAR)
    rng, ours, pillow = np.random.default_rng(1), {}, {}
    for _ in range(args.rounds):
        for key, ns in soco_times(program, image).items():
            ours.setdefault(key, []).append(ns)
        for name, run in operations(rng).items():
            pillow.setdefault(name, []).append(nanoseconds(run, image, name.startswith("view")))
    targets, names = list(dict.fromkeys(t for t, _ in ours)), list(dict.fromkeys(n for _, n in ours))
    print("ns a pixel".ljust(26) + "".join(t.rjust(9) for t in targets) + "   Pillow")
    for name in names:
        row = "".join(f"{statistics.median(ours[t, name]):9.2f}" for t in targets)
        print(name.ljust(26) + row + (f"{statistics.median(pillow[name]):9.2f}" if name in pillow else "        -"))


main()
