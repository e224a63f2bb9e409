# SPDX-License-Identifier: MIT
"""A study of label efficiency: a grid of detector trainings that survives kills, adds what is missing, refuses a mix."""
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import time
import unittest

from common import SMALL_DETECTOR_RUN, SMALL_RUN, SOCO, ScratchTest, metrics, run

KEYS = SMALL_DETECTOR_RUN + ["input.short_edges=[96]", "train.checkpoint_every_steps=2", "solver.warmup_steps=2"]


class StudyTest(ScratchTest):
    def setUp(self):
        super().setUp()
        run("synth", "--out", self.scratch / "set", "--images", 24, "val_ratio=0.2", "width=128", "height=96", "categories=2")
        labels = self.scratch / "set" / "annotations"
        self.labels = ["--images", self.scratch / "set" / "train", "--train", labels / "instances_train.json",
                       "--val-images", self.scratch / "set" / "val", "--val", labels / "instances_val.json"]
        run("pretrain", "--images", self.scratch / "set" / "train", "--out", self.scratch / "pre", *SMALL_RUN, "train.epochs=1",
            "train.max_steps=1")

    def words(self, name, *more, inits="", fractions="50,100", steps="4,6"):
        return ["study", *self.labels, "--out", self.scratch / name,
                "--inits", inits or f"random,soco={self.scratch / 'pre'}", "--fractions", fractions, "--steps", steps, *more]

    def study(self, name, *more, check=True, **grid):
        return run(*self.words(name, *more, **grid), *KEYS, check=check)

    def results(self, name):
        return {path.parent.name: json.loads(path.read_text()) for path in (self.scratch / name).glob("*/result.json")}

    def test_killed_at_random_it_ends_like_an_undisturbed_one(self):
        start = time.monotonic()
        self.study("whole", "--seeds", 2)
        seconds = time.monotonic() - start  # two at a time take half of it at least
        words = [SOCO, *map(str, self.words("killed", "--seeds", "2", "--jobs", "2")), *KEYS]
        rng, kills = random.Random(5), 0
        for _ in range(3):
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=seconds * rng.uniform(0.1, 0.4))
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
        self.assertGreaterEqual(kills, 1, "the study was over too soon for the test to mean anything")
        self.study("killed", "--seeds", 2, "--jobs", 2)
        whole = self.results("whole")
        self.assertEqual(len(whole), 8)
        self.assertEqual(self.results("killed"), whole)
        self.assertEqual({r["steps"] for name, r in whole.items() if "-50pct-" in name}, {4})
        self.assertEqual({r["steps"] for name, r in whole.items() if "-100pct-" in name}, {6})
        # The labelled images are the same for every start, others for another seed, and half of all.
        def sources(training):
            return json.loads((self.scratch / "whole" / training / "run" / "sources.json").read_text())

        self.assertEqual(sources("random-50pct-seed0")["image_list"], sources("soco-50pct-seed0")["image_list"])
        self.assertNotEqual(sources("soco-50pct-seed0")["image_list"], sources("soco-50pct-seed1")["image_list"])
        self.assertAlmostEqual(sources("soco-50pct-seed0")["num_images"], sources("soco-100pct-seed0")["num_images"] / 2, delta=0.5)
        report = json.loads((self.scratch / "whole" / "study.json").read_text())
        for point in report["points"]["val_box_AR100"]:
            values = [whole[f"{point['init']}-{point['percent']:g}pct-seed{k}"]["figures"]["val_box_AR100"] for k in (0, 1)]
            self.assertAlmostEqual(point["mean"], statistics.mean(values), delta=1e-12)
            self.assertAlmostEqual(point["deviation"], statistics.stdev(values), delta=1e-12)
        self.assertIn("| soco |", (self.scratch / "whole" / "study.md").read_text())
        self.assertIn(">soco", (self.scratch / "whole" / "study.svg").read_text())

    def test_adds_what_is_missing_and_refuses_other_settings(self):
        grid = dict(inits="random", fractions="50", steps="2")
        self.study("s", "--seeds", 1, **grid)
        before = (self.scratch / "s" / "random-50pct-seed0" / "run" / "checkpoints").stat().st_mtime_ns
        done = self.study("s", "--seeds", 2, **grid)
        self.assertIn("2 trainings, 1 of them finished before", done.stderr)
        self.assertEqual((self.scratch / "s" / "random-50pct-seed0" / "run" / "checkpoints").stat().st_mtime_ns, before)
        refused = self.study("s", "--seeds", 1, check=False, inits="random", fractions="50", steps="3")
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("was begun with 'train.steps=2', not 'train.steps=3'", refused.stderr)

    def test_says_what_it_cannot_do(self):
        for words, text in [(self.words("e", steps="1"), "--steps has 1 numbers and --fractions 2"),
                            (self.words("e", inits="random,nowhere"), "nowhere: there is no such file or folder"),
                            (self.words("e", inits=f"a={self.scratch / 'pre'},a={self.scratch / 'pre'}"), "two starts have the name 'a'"),
                            (self.words("e", "train.seed=3"), "train.seed is what a study varies"),
                            (self.words("e", "train.sed=3"), "did you mean 'seed'?")]:
            done = run(*words, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(text, done.stderr)
        shutil.rmtree(self.scratch / "e", ignore_errors=True)
        (self.scratch / "bad.safetensors").write_bytes(b"no weights")
        done = self.study("e", check=False, inits=f"bad={self.scratch / 'bad.safetensors'}", fractions="50", steps="2")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("bad-50pct-seed0 ended with exit code 1", done.stderr)
        self.assertIn("bad.safetensors", done.stderr)

    def test_a_stop_saves_and_exits_75(self):
        words = self.words("stopped", "--seeds", 1, inits="random", fractions="100", steps="40")
        process = subprocess.Popen([SOCO, *map(str, words), *KEYS], stderr=subprocess.PIPE, text=True, start_new_session=True)
        folder = self.scratch / "stopped" / "random-100pct-seed0" / "run"
        while not (folder / "metrics.jsonl").exists() or len(metrics(folder)) < 3:
            self.assertIsNone(process.poll(), "ended before it could be stopped")
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal's Ctrl-C: to all of the group
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, errors)
        self.assertIn("the same command continues", errors)
        done = run(*words, *KEYS)
        self.assertIn("continuing at step", (folder / "train.log").read_text())
        self.assertEqual([line["step"] for line in metrics(folder)], list(range(40)))
        self.assertIn("box AP", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
