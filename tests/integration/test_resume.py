# SPDX-License-Identifier: MIT
"""Runs that are killed, stopped, or lose a checkpoint end like undisturbed ones, byte for byte."""
import random
import signal
import subprocess
import time
import unittest

from common import SMALL_RUN, SOCO, ScratchTest, metrics, newest_checkpoint, run, tensors, without_device

STEPS = 24
KEYS = SMALL_RUN + ["train.epochs=6", f"train.max_steps={STEPS}", "train.checkpoint_every_steps=2"]


def final_weights(folder):
    return newest_checkpoint(folder).read_bytes()


def steps_logged(folder):
    return [line["step"] for line in metrics(folder)]


@unittest.skipIf(without_device(), without_device())
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
        started = time.monotonic()
        expected = self.undisturbed()
        longest_wait = (time.monotonic() - started) / STEPS * 3  # some steps' time; a checkpoint is written at every second step
        folder = self.scratch / "killed"
        words, rng, kills = [*self.command, "--out", folder, *KEYS], random.Random(5), 0
        while kills < 5 and self.kill_at_random(words, folder, longest_wait, rng):
            words, kills = ["resume", folder], kills + 1
        self.assertGreaterEqual(kills, 2, "the run was over too soon for the test to mean anything")
        run("resume", folder)
        print(f"killed {kills} times")
        self.assertTrue(final_weights(folder) == expected, "the checkpoint differs from the undisturbed run's")
        self.assertEqual(steps_logged(folder), list(range(STEPS)))

    def test_stop_signal_saves_and_exits_75(self):
        self.undisturbed()
        folder = self.scratch / "stopped"
        # Who finishes the views makes no difference either.
        keys = [*KEYS, "train.checkpoint_every_steps=1000", "loader.finish=device"]
        self.stop_and_resume([*self.command, "--out", folder, *keys], folder)
        self.assertEqual(steps_logged(folder), list(range(STEPS)))
        # The configuration in the metadata differs, so tensors are compared, not files.
        self.assertTrue(tensors(newest_checkpoint(folder)) == tensors(newest_checkpoint(self.scratch / "whole")))

    def test_corrupt_newest_checkpoint_falls_back(self):
        expected = self.undisturbed()
        folder = self.scratch / "whole"
        newest = newest_checkpoint(folder)
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
