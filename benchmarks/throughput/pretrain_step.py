#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seconds per pretraining step, peak memory and data wait of soco, beside the method's reference computation.

Runs in turn, on the same machine and threads: the plain PyTorch step of reference_step.py (which makes the sixteen head
calls of the authors' release), `soco pretrain` with reference heads, and with assigned heads.

  python3 benchmarks/throughput/pretrain_step.py --soco build/release/bin/soco [--python /usr/bin/python3] [--steps 6]
"""
import argparse
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import tempfile


def children_peak_gib():
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20


def run_measured(command):
    """Runs `command` in a child of its own, so that the peak memory is that of this command alone."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        with os.fdopen(write, "w") as pipe:
            json.dump([done.returncode, done.stdout, children_peak_gib()], pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        code, output, peak = json.load(pipe)
    os.waitpid(child, 0)
    if code != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\n{output}\nfailed with exit code {code}")
    return output, peak


def soco_row(args, images, folder, head_mode):
    run = folder / f"run_{head_mode}"
    _, peak = run_measured([
        args.soco, "pretrain", "--images", images, "--out", run, "--config", "soco_fpn_100ep",
        f"model.head_mode={head_mode}", f"model.backbone={args.backbone}", f"train.batch_size={args.batch}",
        f"train.num_threads={args.threads}", "train.epochs=10", f"train.max_steps={args.steps}", "loader.num_workers=2",
        "train.checkpoint_every_steps=1000000", "train.device=cpu"])
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][1:]  # the first step warms up
    seconds = statistics.median(args.batch / line["images_per_s"] for line in lines)
    wait = sum(line["data_wait"] * args.batch / line["images_per_s"] for line in lines)
    total = sum(args.batch / line["images_per_s"] for line in lines)
    return f"soco, {head_mode} heads", seconds, peak, f"{100 * wait / total:.2f} %"


def reference_row(args):
    script = pathlib.Path(__file__).with_name("reference_step.py")
    output, peak = run_measured([args.python, script, "--batch", str(args.batch), "--threads", str(args.threads),
                                 "--steps", str(max(2, args.steps // 2))])
    seconds = float(re.search(r"s/step[:=\s]+([0-9.]+)", output).group(1))
    return "PyTorch, as the release computes it", seconds, peak, "none (data ready)"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--soco", default="build/release/bin/soco")
    parser.add_argument("--python", default="/usr/bin/python3", help="interpreter with torch and torchvision")
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--images", help="folder of images (default: synthetic scenes of 500x375)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        images = args.images
        if not images:
            subprocess.run([args.soco, "synth", "--out", folder / "scenes", "--images", "80", "width=500", "height=375",
                            "size_variation=0", "val_ratio=0"], check=True, stderr=subprocess.DEVNULL)
            images = folder / "scenes" / "train"
        rows = []
        for make in (lambda: reference_row(args), lambda: soco_row(args, images, folder, "reference"),
                     lambda: soco_row(args, images, folder, "assigned")):
            rows.append(make())
            name, seconds, peak, wait = rows[-1]
            print(f"{name:38} {seconds:7.2f} s/step {args.batch / seconds:7.2f} images/s {peak:6.2f} GiB peak, "
                  f"data wait {wait}, {rows[0][1] / seconds:5.2f} x", flush=True)


if __name__ == "__main__":
    main()
