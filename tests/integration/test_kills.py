# SPDX-License-Identifier: MIT
"""Whatever is killed at random moments, from proposals to a detector's figures, ends like the undisturbed, byte for byte.

    python3 tests/integration/test_kills.py [--kills N] [--seconds S] [--ranks R] [--seed S]

After N kills, or S seconds of them, the rest runs undisturbed. With R ranks a random one of them, or the launcher, is killed."""
import argparse
import contextlib
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

from common import SMALL_DETECTOR_RUN, SMALL_RUN, SOCO, ScratchTest, metrics, run

OPTIONS = argparse.Namespace(kills=50, seconds=240, ranks=1, seed=None)
KILLS_A_PHASE = 4  # in a row; then it runs to its end
PRETRAINING = SMALL_RUN + ["train.epochs=4", "train.max_steps=16", "train.checkpoint_every_steps=2", "train.keep_every=6"]
DETECTOR = SMALL_DETECTOR_RUN + ["train.steps=10", "train.checkpoint_every_steps=3", "eval.every_steps=5"]


def children_of(process):
    try:
        return [int(word) for word in pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


class Work:
    """The same pipeline in a folder of its own, from proposals to the figures of a detector."""

    def __init__(self, scenes, folder):
        self.images, self.labels, self.folder = scenes / "train", scenes / "annotations" / "instances_train.json", folder
        self.store, self.run_folder, self.detector = folder / "p.db", folder / "run", folder / "detector"
        self.exported, self.found, self.figures = folder / "exported.pth", folder / "found.json", folder / "figures.json"
        folder.mkdir()

    @staticmethod
    def trained(run_folder, words):
        """Begins a training or resumes it."""
        words = ["resume", run_folder] if (run_folder / "config.toml").exists() else [*words, "--out", run_folder, "--overwrite"]
        return words if OPTIONS.ranks == 1 else ["launch", "--ranks", OPTIONS.ranks, "--", *words]

    def phases(self):
        """Name, and the words of the command that does the phase or goes on with it."""
        labelled = ["--images", self.images, "--annotations", self.labels]
        yield "propose", lambda: ["propose", "--images", self.images, "--out", self.store, "--workers", 1]
        yield "pretrain", lambda: self.trained(
            self.run_folder, ["pretrain", "--images", self.images, "--proposals", self.store, *PRETRAINING])
        yield "export", lambda: ["export", "--from", self.run_folder, "--format", "torchvision", "--out", self.exported]
        yield "finetune", lambda: self.trained(
            self.detector, ["finetune", *labelled, "--val-images", self.images, "--val-annotations", self.labels, "--init",
                            self.run_folder, *DETECTOR])
        yield "predict", lambda: ["predict", "--model", self.detector, *labelled, "--out", self.found, "--threads", 1]
        yield "evaluate", lambda: ["evaluate", "--gt", self.labels, "--dt", self.found, "--json", self.figures]

    def trainings(self):
        return [folder for folder in (self.run_folder, self.detector) if (folder / "config.toml").exists()]

    def result(self):
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as store:
            result = {"proposals": store.execute("SELECT * FROM proposals ORDER BY key").fetchall()}
        for path in (self.exported, self.found, self.figures, self.detector / "best.safetensors", self.detector / "validation.json"):
            result[path.name] = path.read_bytes().replace(bytes(self.folder), b"")  # figures name their files
        for folder in self.trainings():
            result[f"{folder.name} checkpoints"] = {path.name: path.read_bytes() for path in (folder / "checkpoints").iterdir()}
            result[f"{folder.name} losses"] = [(line["step"], line["loss"]) for line in metrics(folder)]
        return result


class KillsTest(ScratchTest):
    def kill_once(self, words, longest, rng):
        """Runs the command and kills it after a random while. True when it was killed; it must succeed otherwise."""
        process = subprocess.Popen([SOCO, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            _, errors = process.communicate(timeout=rng.uniform(0, longest))
        except subprocess.TimeoutExpired:
            victim = rng.choice([process.pid, *children_of(process.pid)])
            with contextlib.suppress(ProcessLookupError):  # it ended just now
                os.kill(victim, signal.SIGKILL)
            process.communicate()
            return process.returncode != 0
        self.assertEqual(process.returncode, 0, errors)
        return False

    def check_what_is_left(self, work):
        """Whatever a killed process leaves is whole."""
        paths = work.trainings()
        if work.store.exists() and work.store.stat().st_size > 0:
            paths.append(work.store)
        if not paths:
            return
        done = run("verify", *paths, check=False)
        if done.returncode != 0:  # a store whose making was undone is no store yet
            self.assertIn("it is empty", done.stdout)
            self.assertEqual((done.stdout.count("DAMAGED"), work.store.stat().st_size), (1, 0), done.stdout)

    def test_killed_pipeline_ends_as_the_undisturbed_one(self):
        scenes = self.scenes(12).parent
        whole, durations = Work(scenes, self.scratch / "whole"), {}
        for name, words in whole.phases():
            start = time.monotonic()
            run(*words())
            durations[name] = time.monotonic() - start
        expected = whole.result()

        seed = random.randrange(1 << 30) if OPTIONS.seed is None else OPTIONS.seed
        print(f"seed {seed}", flush=True)
        rng, start, kills, round_number = random.Random(seed), time.monotonic(), 0, 0
        counts = {name: 0 for name in durations}
        while kills < OPTIONS.kills and time.monotonic() - start < OPTIONS.seconds:
            work = Work(scenes, self.scratch / f"round{round_number}")
            round_number += 1
            for name, words in work.phases():
                for _ in range(min(KILLS_A_PHASE, OPTIONS.kills - kills)):
                    if time.monotonic() - start >= OPTIONS.seconds or not self.kill_once(words(), durations[name], rng):
                        break
                    kills += 1
                    counts[name] += 1
                    self.check_what_is_left(work)
                run(*words())
            result = work.result()
            for part, value in expected.items():
                self.assertTrue(result[part] == value, f"{part} differ after kills (seed {seed})")
            run("verify", *work.trainings(), work.store)
        print(f"{kills} kills in {round_number} rounds: {counts}")
        self.assertGreater(kills, 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=OPTIONS.kills)
    parser.add_argument("--seconds", type=float, help="of killing; default: 240, no limit with --kills")
    parser.add_argument("--ranks", type=int, default=OPTIONS.ranks)
    parser.add_argument("--seed", type=int)
    parsed, rest = parser.parse_known_args()
    if parsed.seconds is None:
        parsed.seconds = OPTIONS.seconds if parsed.kills == OPTIONS.kills else float("inf")
    OPTIONS = parsed
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
