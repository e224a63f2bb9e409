#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A pretraining step of soco beside the method's reference computation: seconds, peak memory, the share of each part, and the
floor that the operations and this machine's rate of matrix products set.

Same machine, libtorch, threads and batch: reference_step.py (the plain PyTorch step, which makes the head calls of the authors'
release) and step_parts (the program's own step) run in turn, `--rounds` times; the medians are printed. The interpreter of
--python should have the libtorch that step_parts was built with.

  cmake -S . -B build/release -DSOCO_BENCHMARKS=ON ... && cmake --build build/release --target soco step_parts
  python3 benchmarks/throughput/pretrain_step.py --build build/release --python PYTHON [--variants fpn,c4,star] [--steps 3]

On a GPU: --device cuda [--precision bf16]; the reference then runs a second time with its tensors in channels-last memory.

With --whole also `soco pretrain` itself on synthetic scenes, with its wait for data.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

RECIPES = {"fpn": "soco_fpn_100ep", "c4": "soco_c4_100ep", "star": "soco_fpn_star_400ep"}
HERE = pathlib.Path(__file__).resolve().parent


def run(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}\nfailed with exit code {done.returncode}")
    return done.stdout


def reference(args, recipe, *more):
    out = run([args.python, HERE / "reference_step.py", "--recipe", recipe, "--backbone", args.backbone, "--batch", args.batch, "--threads",
               args.threads, "--steps", args.steps, "--device", args.device, "--precision", args.precision, *more])
    return json.loads(out) if out else None


def parts(args, recipe, batch, *keys):
    program = pathlib.Path(args.build) / "benchmarks" / "throughput" / "step_parts"
    return json.loads(run([program, recipe, batch, args.threads, args.steps, f"model.backbone={args.backbone}",
                           f"train.device={args.device}", f"train.precision={args.precision}", *keys]))


def middle(results, key):
    """Median over the rounds of [wall clock, processor time]."""
    return [statistics.median(column) for column in zip(*(key(result) for result in results))]


def whole_step(result):
    return [sum(result["seconds"][part][i] for part in ("online", "ema", "target", "backward", "update")) for i in (0, 1)]


def shares(seconds):
    """Percent of the step's processor time by part. Backbone and pyramid were timed alone; the heads (RoIAlign, box head,
    projector, predictor, and the loss) are the rest of each pass."""
    cpu = {name: value[1] for name, value in seconds.items()}
    total = sum(cpu[part] for part in ("online", "ema", "target", "backward", "update"))
    rows = {}
    for name, whole in (("forward", "online"), ("target", "target"), ("backward", "backward")):
        at = {"forward": "online"}.get(name, name)
        backbone = cpu["backbone_" + at]
        trunk = cpu.get("trunk_" + at, backbone)
        rows[name] = {"backbone": trunk, "pyramid": backbone - trunk, "heads": cpu[whole] - backbone}
    text = [f"{name}: " + ", ".join(f"{part} {100 * value / total:.0f}" for part, value in row.items() if value) for name, row in rows.items()]
    return text + [f"EMA {100 * cpu['ema'] / total:.1f}, LARS {100 * cpu['update'] / total:.1f}"]


def print_row(name, seconds, peak, base, args):
    print(f"  {name:28} {seconds[0]:7.3f} s {seconds[1]:8.3f} s {args.batch / seconds[0]:7.2f} {peak:6.2f} GiB "
          f"{base[0] / seconds[0]:6.2f} x {base[1] / seconds[1]:6.2f} x", flush=True)


def compare(args, variant, folder):
    recipe, batch = RECIPES[variant], folder / f"{variant}.safetensors"
    reference(args, recipe, "--make", batch)
    modes = {"reference": [], "assigned": [], "assigned, checkpointed": ["model.checkpoint_activations=true"]}
    theirs, channels_last, ours = [], [], {mode: [] for mode in modes}
    for _ in range(args.rounds):
        theirs.append(reference(args, recipe))
        if args.device == "cuda":
            channels_last.append(reference(args, recipe, "--channels-last"))
        for mode, keys in modes.items():
            ours[mode].append(parts(args, recipe, batch, f"model.head_mode={mode.split(',')[0]}", *keys))
    base = middle(theirs, lambda result: result["seconds"])
    where = f"{args.threads} threads" if args.device == "cpu" else f"{args.device} {args.precision}"
    print(f"{variant}: {recipe}, {args.backbone}, batch {args.batch}, {where}, torch {theirs[0]['torch']}")
    print(f"  {'':28} {'wall':>9} {'processor':>10} {'images/s':>7} {'peak':>10} {'faster':>8} {'by processor':>8}")
    print_row("PyTorch, as the release", base, max(result["peak_gib"] for result in theirs), base, args)
    if channels_last:
        print_row("PyTorch, channels-last", middle(channels_last, lambda result: result["seconds"]),
                  max(result["peak_gib"] for result in channels_last), base, args)
    for mode, results in ours.items():
        print_row(f"soco, {mode}", middle(results, whole_step), max(result["peak_gib"] for result in results), base, args)
    for mode in ("reference", "assigned"):
        medians = {name: middle(ours[mode], lambda result, name=name: result["seconds"][name]) for name in ours[mode][0]["seconds"]}
        print(f"  {mode}, % of the step: " + "; ".join(shares(medians)))
        operations = reference(args, recipe, "--head-mode", mode, "--flops")["operations"]
        rate = max(result["product_rate"] for result in ours[mode])
        seconds = middle(ours[mode], whole_step)[0]
        print(f"  {mode}: {operations / 1e9:.0f} GFLOP; at {rate / 1e9:.0f} GFLOP/s, a large product's rate, {operations / rate:.3f} s: "
              f"the step runs at {100 * operations / rate / seconds:.0f} % of it", flush=True)


def whole_program(args, variant, folder):
    """Seconds of a step of `soco pretrain`, and the share of them that it waited for images."""
    soco, scenes, out = pathlib.Path(args.build) / "bin" / "soco", folder / "scenes", folder / f"run_{variant}"
    if not scenes.exists():
        run([soco, "synth", "--out", scenes, "--images", 10 * args.batch, "width=500", "height=375", "size_variation=0", "val_ratio=0"])
    run([soco, "pretrain", "--images", scenes / "train", "--out", out, "--config", RECIPES[variant], "model.head_mode=assigned",
         f"model.backbone={args.backbone}", f"train.batch_size={args.batch}", f"train.num_threads={args.threads}", "train.epochs=10",
         f"train.max_steps={args.steps + 1}", f"loader.num_workers={os.cpu_count()}", f"train.device={args.device}", f"train.precision={args.precision}"])
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()][1:]  # the first step warms up
    seconds = [args.batch / line["images_per_s"] for line in lines]
    wait = sum(line["data_wait"] * time for line, time in zip(lines, seconds)) / sum(seconds)
    print(f"  soco pretrain, assigned: {statistics.median(seconds):.2f} s a step, {100 * wait:.2f} % of it waiting for images", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--python", default="python3", help="interpreter with torch")
    parser.add_argument("--variants", default="fpn,c4,star")
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"], help="bf16: autocast, on both sides")
    parser.add_argument("--steps", type=int, default=3, help="timed steps of each run, after one that warms up")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--whole", action="store_true", help="also time `soco pretrain`")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for variant in args.variants.split(","):
            compare(args, variant, pathlib.Path(temporary))
            if args.whole:
                whole_program(args, variant, pathlib.Path(temporary))


if __name__ == "__main__":
    main()
