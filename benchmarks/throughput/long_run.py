#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Memory and file handles of a long pretraining of a small network, sampled while it runs.

    python3 benchmarks/throughput/long_run.py [--steps 100000] [--every 30]

Prints a line every --every seconds, and in the end by how much memory and handles grew from a tenth of the steps on. Ends with 1
if memory grew by more than 5 % or more than two handles stayed open. A run is interrupted by Ctrl-C as any other."""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

MOST_GROWTH = 0.05  # the allocator keeps and returns pages in steps of some MB
LOG_EVERY = 20  # steps
# The least that is still SoCo-FPN: four images, one pixel of res5 each.
KEYS = ["--config", "cpu/soco_fpn_tiny", "train.batch_size=4", "train.num_threads=1", "loader.num_workers=1", "train.epochs=1000000",
        "train.checkpoint_every_steps=5000", f"train.log_every_steps={LOG_EVERY}", "model.backbone_width=4",
        "model.fpn_channels=8", "model.head_fc_channels=16",
        "model.projector_hidden_channels=16", "model.projector_out_channels=8", "plan.views.0.size=32", "plan.views.1.size=32",
        "plan.views.2.size=32", "solver.warmup_epochs=0"]


def sample(process, run):
    """Megabytes in memory, open files, steps logged."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    resident = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))
    handles = len(os.listdir(f"/proc/{process.pid}/fd"))
    metrics = run / "metrics.jsonl"
    steps = LOG_EVERY * metrics.read_bytes().count(b"\n") if metrics.exists() else 0
    return resident, handles, steps


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--soco", default=os.environ.get("SOCO_BIN", "build/release/bin/soco"))
    parser.add_argument("--steps", type=int, default=100_000, help="steps of training; some 35 a second on one core")
    parser.add_argument("--every", type=float, default=30, help="seconds between samples")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        scenes, run = folder / "scenes", folder / "run"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([args.soco, "synth", "--out", scenes, "--images", "64", "val_ratio=0", "width=96", "height=72", "min_size=0.3"],
                       check=True, **quiet)
        process = subprocess.Popen([args.soco, "pretrain", "--images", scenes / "train", "--out", run, *KEYS,
                                    f"train.max_steps={args.steps}"], **quiet)
        samples, start = [], time.monotonic()
        while process.poll() is None:
            time.sleep(args.every)
            try:
                samples.append(sample(process, run))
            except (OSError, StopIteration):  # it ended just now
                break
            resident, handles, steps = samples[-1]
            print(f"{time.monotonic() - start:7.0f} s {steps:8} steps {resident:8.1f} MB {handles:4} handles", flush=True)
        if process.wait() != 0:
            sys.exit(f"soco pretrain failed with {process.returncode}; run it by hand with the keys of this file")
        files = sorted(path.name for path in run.iterdir())
    settled = [s for s in samples if s[2] >= args.steps / 10]
    if len(settled) < 2:
        sys.exit("too few samples: take more steps or a smaller --every")
    growth, handles = settled[-1][0] / settled[0][0] - 1, settled[-1][1] - settled[0][1]
    print(f"from step {settled[0][2]} to {settled[-1][2]}: memory {100 * growth:+.1f} %, handles {handles:+d}; files: {', '.join(files)}")
    sys.exit(growth > MOST_GROWTH or handles > 2)  # a checkpoint may just be on its way to the disk


if __name__ == "__main__":
    main()
