#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Weak scaling of pretraining on this machine, and what the model of docs/planning.md says beforehand.

Every rank trains with --batch images a step and one thread: one alone; N at a time that do not know of each other, for ranks of
one machine share its caches, memory and clock; and N that train one model. From the second and from the measured cost of a sum
over the ranks (allreduce_rate) the model says how long a step of the third takes; the third says how long it took, and which
share of it was communication.

  cmake -S . -B build/release -DSOCO_BENCHMARKS=ON ... && cmake --build build/release --target soco allreduce_rate
  python3 benchmarks/throughput/weak_scaling.py --build build/release [--ranks 2] [--batch 8] [--rounds 3]
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import socket
import statistics
import subprocess
import tempfile

STEPS = 12  # the first two of them warm up


def run(command, **environment):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}\nfailed with exit code {done.returncode}")
    return done.stdout


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def sum_costs(program, ranks):
    """Seconds of a small sum over the ranks between work, and {bytes: seconds} of sums without work."""
    place = {"WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    processes = [subprocess.Popen([program], stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, **place, "RANK": str(rank), "LOCAL_RANK": str(rank)}) for rank in range(ranks)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    figures = json.loads(outputs[0])
    return figures["small_sum"], {int(size): seconds for size, seconds in figures["sums"].items()}


def train(args, folder, name, ranks, batch):
    """Medians over the steps of one run: seconds a step, share of communication, sums and megabytes a step."""
    out = folder / name
    words = ["pretrain", "--images", folder / "scenes" / "train", "--proposals", folder / "proposals.db", "--out", out, "--overwrite",
             "--config", args.recipe, f"train.batch_size={batch}", "train.num_threads=1", "loader.num_workers=1", "train.epochs=1000",
             f"train.max_steps={STEPS}", "train.log_every_steps=1", "train.checkpoint_every_steps=100000"]
    run([args.soco, *words] if ranks == 1 else [args.soco, "launch", "--ranks", ranks, "--", *words])
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()][2:]
    figures = {name: statistics.median(line.get(name, 0) for line in lines) for name in ("communication", "sums_per_step", "summed_mb_per_step")}
    return {"seconds": statistics.median(batch / line["images_per_s"] for line in lines), **figures}


def train_side_by_side(args, folder):
    """As train(), of as many runs of one rank each as there are ranks, all at the same time; the mean of their figures."""
    with concurrent.futures.ThreadPoolExecutor(args.ranks) as pool:
        rows = list(pool.map(lambda i: train(args, folder, f"beside{i}", 1, args.batch), range(args.ranks)))
    return {key: statistics.mean(row[key] for row in rows) for key in rows[0]}


def predicted(compute_seconds, figures, latency, costs):
    """A step of N ranks: what a rank computes with the others at work, and the sums: each has the latency of a small one between
    work, and the bytes go at the rate of a large one."""
    small, large = min(costs), max(costs)
    rate = (large - small) / (costs[large] - costs[small])
    return compute_seconds + figures["sums_per_step"] * latency + figures["summed_mb_per_step"] * 1e6 / rate


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--recipe", default="cpu/soco_fpn")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8, help="images of a rank")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    args.soco = pathlib.Path(args.build) / "bin" / "soco"
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        run([args.soco, "synth", "--out", folder / "scenes", "--images", 100, "val_ratio=0"])
        run([args.soco, "propose", "--images", folder / "scenes" / "train", "--out", folder / "proposals.db"])
        latencies, costs, one, beside, many = [], [], [], [], []
        for _ in range(args.rounds):
            for rows, value in zip((latencies, costs),
                                   sum_costs(pathlib.Path(args.build) / "benchmarks" / "throughput" / "allreduce_rate", args.ranks)):
                rows.append(value)
            one.append(train(args, folder, "one", 1, args.batch))
            beside.append(train_side_by_side(args, folder))
            many.append(train(args, folder, "many", args.ranks, args.batch * args.ranks))
    costs = {size: statistics.median(row[size] for row in costs) for size in costs[0]}
    one, beside, many = ({key: statistics.median(row[key] for row in rows) for key in rows[0]} for rows in (one, beside, many))
    latency = statistics.median(latencies)
    guess = predicted(beside["seconds"], many, latency, costs)
    print(f"{args.recipe}, {args.batch} images and one thread a rank, medians of {args.rounds} rounds of {STEPS - 2} steps")
    print(f"a sum over the ranks: a small one between work {1e6 * latency:.0f} us, " +
          ", ".join(f"{size} bytes {1e6 * seconds:.0f} us" for size, seconds in costs.items()))
    for label, ranks, row in (("1 rank", 1, one), (f"{args.ranks} apart", args.ranks, beside), (f"{args.ranks} ranks", args.ranks, many)):
        print(f"  {label:9} {row['seconds']:7.3f} s a step {args.batch * ranks / row['seconds']:7.2f} images/s, "
              f"{100 * row['communication']:5.1f} % communication ({row['sums_per_step']:.0f} sums, {row['summed_mb_per_step']:.1f} MB a step)")
    print(f"  predicted {guess:7.3f} s a step of {args.ranks} ranks: {100 * (guess / many['seconds'] - 1):+.1f} %")
    print(f"  {args.ranks} ranks do {args.ranks * one['seconds'] / many['seconds']:.2f} times the images of one")


if __name__ == "__main__":
    main()
