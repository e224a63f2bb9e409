#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does pretraining learn objects? Pretrains small networks on `soco synth` scenes and judges them with `soco probe`:
SoCo-FPN, image-level BYOL of the same backbone, and the random weights that SoCo starts from.

    python3 benchmarks/accuracy/probe_study.py --out study                    # the main comparison, three seeds
    python3 benchmarks/accuracy/probe_study.py --out study --study ablations  # variants of SoCo-FPN

All variants of a seed see the same images for the same number of steps, with the same batch, optimiser and schedule. Labels
are never seen in training: the probe learns its classifiers from the boxes of the training scenes and predicts those of other
scenes. What is finished is kept, so a second call goes on where the first was stopped. Each training is a process with one
thread, --jobs of them at a time; CPU time is theirs, so that other work on the machine hardly shows in it. The runs stay in
the folder with --keep: transfer_study.sh trains detectors from them."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys

SCENES = ["width=128", "height=96", "size_variation=0", "categories=4", "max_objects=3", "min_size=0.3", "max_size=0.8", "crowd_prob=0",
          "val_ratio=0.25"]
RECIPES = pathlib.Path(__file__).resolve().parents[2] / "recipes"
SOCO, BYOL = "cpu/soco_fpn_tiny", "cpu/byol_image_tiny"
# Name -> recipe (None: SoCo's random start) and further settings.
VARIANTS = {
    "random": (None, []),
    "byol": (BYOL, []),
    "soco": (SOCO, []),
    "soco, duplicates removed": (SOCO, ["filter.deduplicate=true"]),
    "soco, 8 boxes": (SOCO, ["plan.num_boxes=8"]),
    "soco, levels of Detectron2": (SOCO, ["plan.level_rule=detectron2"]),
}
STUDIES = {"main": ["random", "byol", "soco"],
           "ablations": ["random", "soco", "soco, duplicates removed", "soco, 8 boxes", "soco, levels of Detectron2"]}
FEATURES = ["backbone", "roi", "head"]  # head: the vector of the box head, which image-level networks have none of


class Study:
    def __init__(self, args):
        self.args = args
        self.out = args.out
        self.out.mkdir(parents=True, exist_ok=True)

    def soco(self, *words):
        """Runs the program, its messages into a log; returns its CPU seconds."""
        with open(self.out / "study.log", "ab") as log:
            process = subprocess.Popen([self.args.soco, *map(str, words)], stdout=log, stderr=log)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"soco {' '.join(map(str, words))}\nfailed with {process.returncode}; see {self.out / 'study.log'}")
        return usage.ru_utime + usage.ru_stime

    def once(self, path, make):
        """The JSON of `path`; where there is none, make() gives it."""
        if not path.exists():
            temporary = path.with_suffix(".tmp")
            temporary.write_text(json.dumps(make(), indent=1))
            os.replace(temporary, path)
        return json.loads(path.read_text())

    def scenes(self):
        scenes = self.out / "scenes"
        seconds = self.soco("synth", "--out", scenes, "--images", self.args.images, *SCENES)
        seconds += self.soco("propose", "--images", scenes / "train", "--out", self.out / "proposals.db")
        return {"cpu_s": seconds}

    def pretrain(self, run, config, keys, seed):
        seconds = self.soco("pretrain", "--images", self.out / "scenes" / "train", "--proposals", self.out / "proposals.db",
                            "--out", run, "--overwrite", "--config", config, f"train.seed={seed}",
                            f"train.epochs={self.args.epochs}", "train.num_threads=1", f"model.backbone_width={self.args.width}",
                            "train.checkpoint_every_steps=1000000", *self.args.keys, *keys)
        last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
        return {"cpu_s": seconds, "steps": last["step"] + 1, **{k: last[k] for k in ("mean_cosine", "feature_std_ratio")}}

    def probe(self, run, feature, source):
        path = run.with_name(f"{run.name}.{feature}.json")
        annotations = self.out / "scenes" / "annotations"

        def make():
            seconds = self.soco("probe", *source, "--images", self.out / "scenes" / "train", "--annotations",
                                annotations / "instances_train.json", "--val", annotations / "instances_val.json",
                                "--val-images", self.out / "scenes" / "val", "--feature", feature, "--json",
                                path.with_suffix(".probe"), "workers=1")
            figures = json.loads(path.with_suffix(".probe").read_text())
            return {"cpu_s": seconds, **{k: figures[k]["top1"] for k in ("knn", "linear", "majority")},
                    "num_train": figures["num_train"], "num_val": figures["num_val"]}
        return self.once(path, make)

    def run(self, variant, seed):
        """{feature: figures} of one network, and what its training was."""
        config, keys = VARIANTS[variant]
        run = self.out / f"{variant.replace(', ', '_').replace(' ', '_')}.{seed}"
        training = {"cpu_s": 0, "steps": 0, "mean_cosine": 0, "feature_std_ratio": 0}
        if config is None:
            toml = run.with_suffix(".toml")
            toml.write_text((RECIPES / f"{SOCO}.toml").read_text().replace("[train]", f"[train]\nseed = {seed}\nnum_threads = 1", 1)
                            .replace("[model]", f"[model]\nbackbone_width = {self.args.width}", 1))
            source = ["--random", "--config", toml]
        else:
            training = self.once(run.with_name(run.name + ".train.json"), lambda: self.pretrain(run, config, keys, seed))
            source = [run]
        features = [f for f in FEATURES if f != "head" or config != BYOL]
        result = {feature: self.probe(run, feature, source) for feature in features}
        if config is not None:
            for file in (run / "checkpoints").glob("*.safetensors"):
                if not self.args.keep:
                    file.unlink()
        return training, result


def spread(values):
    mean = 100 * statistics.mean(values)
    return f"{mean:5.1f} +- {100 * statistics.stdev(values):.1f}" if len(values) > 1 else f"{mean:5.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--soco", default=os.environ.get("SOCO_BIN", "build/release/bin/soco"), help="the program")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of scenes, runs and results; a call continues it")
    parser.add_argument("--study", choices=STUDIES, default="main")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--images", type=int, default=4000, help="scenes, of which a quarter is only predicted")
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--width", type=int, default=16, help="channels of ResNet-18's stem; the published one has 64")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time")
    parser.add_argument("--keep", action="store_true", help="keep the checkpoints")
    parser.add_argument("keys", nargs="*", help="key=value of all trainings")
    args = parser.parse_args()
    args.soco = str(pathlib.Path(args.soco).resolve())
    study = Study(args)
    cpu = study.once(study.out / "scenes.json", study.scenes)["cpu_s"]

    def cell(seed_and_variant):
        seed, variant = seed_and_variant
        training, probes = study.run(variant, seed)
        print(f"seed {seed} {variant}: " + "; ".join(f"{f}: knn {p['knn']:.3f} linear {p['linear']:.3f}" for f, p in probes.items()),
              file=sys.stderr, flush=True)
        return training, probes

    variants = STUDIES[args.study]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        cells = list(pool.map(cell, [(seed, variant) for seed in args.seeds for variant in variants]))
    rows = {variant: cells[i::len(variants)] for i, variant in enumerate(variants)}
    some = rows["random"][0][1]["backbone"]
    print(f"{args.images} scenes; {some['num_train']} boxes to learn from, {some['num_val']} to predict, most frequent class "
          f"{100 * some['majority']:.1f} %; top-1 in %, mean +- standard deviation over seeds {args.seeds}\n")
    head = ["variant"] + [f"{f} {c}" for f in FEATURES for c in ("kNN", "linear")] + ["steps", "CPU s", "cosine", "spread"]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for variant, runs in rows.items():
        columns = [spread([probes[f][c] for _, probes in runs]) if f in runs[0][1] else "-"
                   for f in FEATURES for c in ("knn", "linear")]
        columns += [f"{statistics.mean(t[k] for t, _ in runs):.{digits}f}"
                    for k, digits in (("steps", 0), ("cpu_s", 0), ("mean_cosine", 2), ("feature_std_ratio", 2))]
        cpu += sum(t["cpu_s"] + sum(p["cpu_s"] for p in probes.values()) for t, probes in runs)
        print("| " + " | ".join([variant] + columns) + " |")
    print(f"\nCPU time of all of it: {cpu / 60:.1f} minutes")


if __name__ == "__main__":
    main()
