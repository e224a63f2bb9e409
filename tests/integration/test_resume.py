# SPDX-License-Identifier: MIT
"""Runs that are killed, stopped, or lose a checkpoint end like undisturbed ones, byte for byte."""
import pathlib
import random
import signal
import subprocess
import time
import unittest

from common import SMALL_RUN, SOCO, ScratchTest, metrics, run

STEPS = 24
KEYS = SMALL_RUN + ["train.epochs=6", f"train.max_steps={STEPS}", "train.checkpoint_every_steps=2"]


def final_weights(folder):
    name = (pathlib.Path(folder) / "checkpoints" / "last").read_text().strip()
    return (pathlib.Path(folder) / "checkpoints" / name).read_bytes()


def steps_logged(folder):
    return [line["step"] for line in metrics(folder)]


class ResumeTest(ScratchTest):
    def setUp(self):
        super().setUp()
        self.images = self.scenes()
        run("propose", "--images", self.images, "--out", self.scratch / "p.db")
        self.command = ["pretrain", "--images", self.images, "--proposals", self.scratch / "p.db"]

    def undisturbed(self):
        run(*self.command, "--out", self.scratch / "whole", *KEYS)
        return final_weights(self.scratch / "whole")

    def test_five_kills_at_random_moments(self):
        expected = self.undisturbed()
        folder = self.scratch / "killed"
        rng = random.Random(5)
        kills = 0
        words = [*self.command, "--out", folder, *KEYS]
        for _ in range(40):  # a kill before the configuration is written leaves no run: it is started anew
            process = subprocess.Popen([SOCO, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=rng.uniform(1.0, 2.5) if kills < 5 else None)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
            else:
                self.assertEqual(process.returncode, 0)
                break
            words = ["resume", folder] if (folder / "config.toml").exists() else [*self.command, "--out", folder, "--overwrite", *KEYS]
        self.assertGreaterEqual(kills, 1)
        if kills < 5:
            print(f"the run was over after {kills} kills")
        self.assertTrue(final_weights(folder) == expected, "weights differ from the undisturbed run's")
        self.assertEqual(steps_logged(folder), list(range(STEPS)))

    def test_stop_signal_saves_and_exits_75(self):
        expected = self.undisturbed()
        folder = self.scratch / "stopped"
        process = subprocess.Popen([SOCO, *map(str, [*self.command, "--out", folder, *KEYS, "train.checkpoint_every_steps=1000"])],
                                   stderr=subprocess.PIPE, text=True)
        while not (folder / "metrics.jsonl").exists() or len(metrics(folder)) < 3:
            self.assertIsNone(process.poll(), "ended before it could be stopped")
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, errors)
        self.assertIn("soco resume", errors)
        run("resume", folder)
        self.assertEqual(steps_logged(folder), list(range(STEPS)))
        # The configuration in the metadata differs (checkpoint_every_steps), so tensors are compared, not files.
        self.assertEqual(final_weights(folder)[-1 << 16:], expected[-1 << 16:])

    def test_corrupt_newest_checkpoint_falls_back(self):
        expected = self.undisturbed()
        folder = self.scratch / "whole"
        newest = folder / "checkpoints" / (folder / "checkpoints" / "last").read_text().strip()
        damaged = bytearray(newest.read_bytes())
        damaged[len(damaged) // 2] ^= 0x40
        newest.write_bytes(damaged)
        done = run("resume", folder)
        self.assertIn(newest.name, done.stderr)
        self.assertTrue(final_weights(folder) == expected)

    def test_killed_while_proposing(self):
        folder = self.scratch / "early"
        words = ["pretrain", "--images", self.images, "--out", folder, *KEYS]
        process = subprocess.Popen([SOCO, *map(str, words)], stderr=subprocess.DEVNULL)
        while not (folder / "config.toml").exists():
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        run("resume", folder)
        run("pretrain", "--images", self.images, "--out", self.scratch / "whole", *KEYS)
        self.assertTrue(final_weights(folder) == final_weights(self.scratch / "whole"))

    def test_changed_images_are_noticed(self):
        self.undisturbed()
        next(iter(self.images.iterdir())).unlink()
        done = run("resume", self.scratch / "whole", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no longer those the run began with", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
