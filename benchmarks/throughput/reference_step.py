#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seconds and memory of one SoCo-FPN training step in plain PyTorch: what the authors' release computes (sixteen head calls a
network, each with its own BatchNorm), by tests/oracles/training_step_oracle.py, with the data ready. It stands in for the
release, whose loader and mixed precision do not run on a CPU.

  python3 benchmarks/throughput/reference_step.py [--batch 8] [--threads 2] [--steps 3] [--backbone resnet50]

Prints a line a step, then `s/step X` (the median, first step left out) and the peak memory of the process."""
import argparse
import pathlib
import resource
import statistics
import sys
import time

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "oracles"))
import training_step_oracle as oracle  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3, help="timed steps, after one that warms up")
    parser.add_argument("--sizes", type=int, nargs="+", default=[224, 224, 112])
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--head-mode", default="reference", choices=["reference", "assigned"])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    training = oracle.Training({**oracle.SHAPE, "depth": int(args.backbone.removeprefix("resnet"))}, torch.float32)
    batch = training.read_batch(oracle.random_batch(np.random.default_rng(0), args.batch, args.sizes, oracle.LEVELS["fpn"]))
    seconds = []
    for i in range(args.steps + 1):
        start, cpu = time.perf_counter(), time.process_time()
        loss, _ = training.train(batch, args.head_mode, 0.1, 0.99)
        elapsed, cpu = time.perf_counter() - start, time.process_time() - cpu
        print(f"step {i}: loss {float(loss):+.4f}, {elapsed:.2f} s ({cpu:.2f} s of processor time){' (warm-up)' if i == 0 else ''}", flush=True)
        seconds += [elapsed] if i > 0 else []
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{args.backbone}, batch {args.batch}, views {args.sizes}, {args.head_mode} heads, {args.threads} threads, torch {torch.__version__}")
    print(f"s/step {statistics.median(seconds):.2f}")
    print(f"peak memory {peak:.2f} GiB")


if __name__ == "__main__":
    main()
