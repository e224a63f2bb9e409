#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mask R-CNN R50-FPN of soco beside torchvision's: seconds of a training step and of inference, and peak memory, with the same
weights, images and rules (recipe mask_rcnn_r50_fpn_torchvision), in turn, `--rounds` times; medians are printed.

The comparison is fair on one libtorch: torchvision for CPUs comes from Debian, so build against Debian's (package libtorch-dev):

  cmake -S . -B build/debian -G Ninja -DSOCO_LIBTORCH_DIR= -DSOCO_BENCHMARKS=ON && cmake --build build/debian --target detector_step
  python3 benchmarks/throughput/detector.py --build build/debian --python /usr/bin/python3

Other builds may be added (--build takes several), such as one with pip's libtorch; each row says which it ran."""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
RECIPE = "mask_rcnn_r50_fpn_torchvision"


def run(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}\nfailed with exit code {done.returncode}")
    return json.loads(done.stdout) if done.stdout else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", nargs="+", default=["build/debian"])
    parser.add_argument("--python", default="/usr/bin/python3", help="interpreter with torchvision")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3, help="timed steps of each run, after one that warms up")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--height", type=int, default=800)
    parser.add_argument("--width", type=int, default=1088)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        batch = pathlib.Path(temporary) / "batch.safetensors"
        reference = [args.python, HERE / "reference_detector.py"]
        run([*reference, "--make", batch, "--images", args.images, "--height", args.height, "--width", args.width])
        for mode in ("train", "infer"):
            programs = {"torchvision": [*reference, "--batch", batch, "--mode", mode, "--threads", args.threads, "--steps", args.steps]}
            for build in args.build:
                programs[f"soco ({build})"] = [pathlib.Path(build) / "benchmarks" / "throughput" / "detector_step", mode, RECIPE, batch,
                                               args.threads, args.steps]
            results = {name: [] for name in programs}
            for _ in range(args.rounds):
                for name, command in programs.items():
                    results[name].append(run(command))
            print(f"{mode}: {args.images} images of {args.width}x{args.height}, {args.threads} threads, median of {args.rounds} rounds of {args.steps}")
            base = statistics.median(result["seconds"] for result in results["torchvision"])
            for name, rows in results.items():
                seconds = statistics.median(row["seconds"] for row in rows)
                print(f"  {name:24} libtorch {rows[0]['torch']:10} {seconds:7.3f} s {args.images / seconds:6.2f} images/s "
                      f"{max(row['peak_gib'] for row in rows):6.2f} GiB {base / seconds:5.2f} x"
                      + (f"  {rows[0]['detections']} detections" if mode == "infer" else ""), flush=True)


if __name__ == "__main__":
    main()
