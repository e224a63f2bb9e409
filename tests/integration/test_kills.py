# SPDX-License-Identifier: MIT
"""Runs that are killed at random moments while they propose, train and export end like an undisturbed one, byte for byte.

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

from common import SMALL_RUN, SOCO, ScratchTest, metrics, newest_checkpoint, run

OPTIONS = argparse.Namespace(kills=12, seconds=60, ranks=1, seed=None)
STEPS = 16
KEYS = SMALL_RUN + ["train.epochs=4", f"train.max_steps={STEPS}", "train.checkpoint_every_steps=2", "train.keep_every=6"]


def children_of(process):
    try:
        return [int(word) for word in pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


class Work:
    """The same pipeline in a folder of its own: proposals, a run, an exported file."""

    def __init__(self, images, folder):
        self.images, self.folder = images, folder
        self.store, self.run_folder, self.exported = folder / "p.db", folder / "run", folder / "exported.pth"
        folder.mkdir()

    def train_words(self):
        if (self.run_folder / "config.toml").exists():
            words = ["resume", self.run_folder]
        else:
            words = ["pretrain", "--images", self.images, "--proposals", self.store, "--out", self.run_folder, "--overwrite", *KEYS]
        return words if OPTIONS.ranks == 1 else ["launch", "--ranks", OPTIONS.ranks, "--", *words]

    def phases(self):
        """Name, and the words of the command that does the phase or goes on with it."""
        yield "propose", lambda: ["propose", "--images", self.images, "--out", self.store, "--workers", 1]
        yield "train", self.train_words
        yield "export", lambda: ["export", "--from", self.run_folder, "--format", "torchvision", "--out", self.exported]

    def result(self):
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as store:
            rows = store.execute("SELECT * FROM proposals ORDER BY key").fetchall()
        checkpoints = {path.name: path.read_bytes() for path in (self.run_folder / "checkpoints").iterdir()}
        return {"proposals": rows, "checkpoints": checkpoints, "exported": self.exported.read_bytes(),
                "steps": [line["step"] for line in metrics(self.run_folder)],
                "loss": [line["loss"] for line in metrics(self.run_folder)]}


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
        paths = [path for path in (work.store, work.run_folder) if path.exists()]
        if work.run_folder in paths and not (work.run_folder / "config.toml").exists():
            paths.remove(work.run_folder)
        if work.store in paths and work.store.stat().st_size == 0:
            paths.remove(work.store)
        if not paths:
            return
        done = run("verify", *paths, check=False)
        if done.returncode != 0:  # a store whose making was undone is no store yet
            self.assertIn("it is empty", done.stdout)
            self.assertEqual((done.stdout.count("DAMAGED"), work.store.stat().st_size), (1, 0), done.stdout)

    def test_killed_pipeline_ends_as_the_undisturbed_one(self):
        images = self.scenes(12)
        whole, durations = Work(images, self.scratch / "whole"), {}
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
            work = Work(images, self.scratch / f"round{round_number}")
            round_number += 1
            for name, words in work.phases():
                left = max(1, (OPTIONS.kills - kills) // 2)  # of this phase in this round: some for the others
                while left > 0 and time.monotonic() - start < OPTIONS.seconds and self.kill_once(words(), durations[name], rng):
                    kills, left = kills + 1, left - 1
                    counts[name] += 1
                    self.check_what_is_left(work)
                run(*words())
            result = work.result()
            for part, value in expected.items():
                self.assertTrue(result[part] == value, f"{part} differ after kills (seed {seed})")
            run("verify", work.run_folder, work.store)
        print(f"{kills} kills in {round_number} rounds: {counts}")
        self.assertGreater(kills, 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=OPTIONS.kills)
    parser.add_argument("--seconds", type=float, help="of killing; default: 60, no limit with --kills")
    parser.add_argument("--ranks", type=int, default=OPTIONS.ranks)
    parser.add_argument("--seed", type=int)
    parsed, rest = parser.parse_known_args()
    if parsed.seconds is None:
        parsed.seconds = OPTIONS.seconds if parsed.kills == OPTIONS.kills else float("inf")
    OPTIONS = parsed
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
