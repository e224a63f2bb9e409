#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seconds, memory and operations of one training step in plain PyTorch, with the data ready: what the authors' release computes
(in SoCo-FPN sixteen head calls a network, each with its own BatchNorm), by tests/oracles/training_step_oracle.py. It stands in
for the release, whose loader and mixed precision do not run on a CPU.

  python3 benchmarks/throughput/reference_step.py --recipe soco_fpn_100ep [--batch 8] [--threads 2] [--steps 3]
                                                  [--head-mode assigned] [--make FILE] [--flops]
                                                  [--device cuda --precision bf16 --channels-last]

Prints one JSON object: seconds [wall clock, processor time] of a step (medians, a first step left out) and peak_gib of the
process, or of the device; with --flops the operations of a step instead, as PyTorch counts those of convolutions and products. --make writes
the batch to FILE (as `soco replay` reads it) and does nothing else."""
import argparse
import json
import pathlib
import resource
import statistics
import sys
import time

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "oracles"))
import safetensors_io  # noqa: E402
import training_step_oracle as oracle  # noqa: E402
from training_step_recipe import RecipeCase  # noqa: E402


def realistic_batch(case, num_images, rng, num_boxes=4):
    """Random pixels; boxes with sides of 0.3 to 0.8 of the view, as the filter of proposals leaves them, on the levels that the
    recipe's thresholds give; every box has its match."""
    batch = {f"views.{v}": rng.normal(0, 1, (num_images, 3, size, size)).astype(np.float32) for v, size in enumerate(case.sizes)}
    for p in range(len(case.sizes) - 1):
        batch[f"pairs.{p}.views"] = np.array([0, p + 1], np.int64)
        for s, size in (("a", case.sizes[0]), ("b", case.sizes[p + 1])):
            sides = rng.uniform(0.3, 0.8, (num_images, num_boxes, 2))
            corners = rng.uniform(0, 1 - sides)
            pixels = size * np.sqrt(sides.prod(-1))
            batch[f"pairs.{p}.{s}.boxes"] = np.concatenate([corners, corners + sides], -1).astype(np.float32)
            batch[f"pairs.{p}.{s}.ids"] = np.tile(np.arange(num_boxes, dtype=np.int64), (num_images, 1))
            batch[f"pairs.{p}.{s}.levels"] = np.searchsorted(case.thresholds, pixels).astype(np.int64)
    return batch


def count_operations(case, training, num_images):
    """Of a step of `num_images`, counted on two images: all that counts is proportional to them."""
    from torch.utils.flop_counter import FlopCounterMode
    batch = training.read_batch(realistic_batch(case, 2, np.random.default_rng(0)))
    with FlopCounterMode(display=False) as counter:
        training.train(batch, case.head_mode, 0.1, 0.99)
    return counter.get_total_flops() * num_images / 2


def on_device(training, batch, args):
    """Network, optimiser and batch on --device, and in --channels-last."""
    memory = {"memory_format": torch.channels_last} if args.channels_last else {}
    for network in (training.online, training.target):
        network.to(args.device, **memory)
    training.velocity = {name: buffer.to(args.device) for name, buffer in training.velocity.items()}
    batch["views"] = [view.to(args.device, **memory) for view in batch["views"]]
    for pair in batch["pairs"]:
        for side in "ab":
            pair[side].update({name: value.to(args.device) for name, value in pair[side].items() if torch.is_tensor(value)})
    return batch


def timed_steps(case, training, batch, args):
    seconds = []
    for i in range(args.steps + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        with torch.autocast(args.device, torch.bfloat16, enabled=args.precision == "bf16"):
            training.train(batch, case.head_mode, 0.1, 0.99)
        if args.device == "cuda":
            torch.cuda.synchronize()
        seconds.append((time.perf_counter() - wall, time.process_time() - cpu))
    return [statistics.median(column) for column in zip(*seconds[1:])]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="soco_fpn_100ep")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3, help="timed steps, after one that warms up")
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--head-mode", default="reference", choices=["reference", "assigned"])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"], help="bf16: PyTorch's autocast")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--make", type=pathlib.Path)
    parser.add_argument("--flops", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    case = RecipeCase(args.recipe, backbone=args.backbone, head_mode=args.head_mode)
    arrays = realistic_batch(case, args.batch, np.random.default_rng(0))
    if args.make:
        return safetensors_io.save(args.make, arrays)
    training = oracle.Training(case.shape(), torch.float32, solver=case.solver)
    if args.flops:
        return print(json.dumps({"operations": count_operations(case, training, args.batch)}))
    seconds = timed_steps(case, training, on_device(training, training.read_batch(arrays), args), args)
    peak = (torch.cuda.max_memory_allocated() / 2**30 if args.device == "cuda"
            else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
    print(json.dumps({"seconds": seconds, "peak_gib": peak, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
