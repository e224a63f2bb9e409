# SPDX-License-Identifier: MIT
"""Several ranks on one machine: they train as one process, a dead rank ends the job and is named, a stop is shared."""
import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest

from common import SMALL_RUN, SOCO, ScratchTest, lines_logged, metrics, newest_checkpoint, run
from test_finetune import KEYS as DETECTOR_KEYS

STEPS = 16
KEYS = SMALL_RUN + ["train.epochs=8", f"train.max_steps={STEPS}", "train.checkpoint_every_steps=2", "train.rank_timeout_s=60"]


def rank_pids(launcher):
    return [int(word) for word in pathlib.Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_lines(test, process, folder, count):
    """Until the run has logged so many lines."""
    while lines_logged(folder) < count:
        test.assertIsNone(process.poll(), "ended too early")
        time.sleep(0.01)


class PretrainingTest(ScratchTest):
    """A test with what a pretraining needs: self.pretrain, the command but for --out and keys."""

    def setUp(self):
        super().setUp()
        images = self.scenes(8)
        run("propose", "--images", images, "--out", self.scratch / "p.db")
        self.pretrain = ["pretrain", "--images", images, "--proposals", self.scratch / "p.db"]


class LaunchTest(PretrainingTest):
    def launch(self, folder, *flags):
        words = ["launch", "--ranks", 2, *flags, "--", *self.pretrain, "--out", folder, *KEYS]
        return subprocess.Popen([SOCO, *map(str, words)], stderr=subprocess.PIPE, text=True)

    def test_two_ranks_train_as_one_and_survive_a_kill(self):
        run(*self.pretrain, "--out", self.scratch / "one", *KEYS)
        run("launch", "--ranks", 2, "--", *self.pretrain, "--out", self.scratch / "two", *KEYS)
        one, two = metrics(self.scratch / "one"), metrics(self.scratch / "two")
        # The same images, and BatchNorm over all of them: in the first step, where the weights are the same, the losses differ
        # by float32's rounding in another order. (After more steps: tests/engine/ranks_test.cpp, in float64.)
        self.assertAlmostEqual(one[0]["loss"], two[0]["loss"], delta=1e-4)
        self.assertEqual([line["step"] for line in two], list(range(STEPS)))

        folder = self.scratch / "killed"
        process = self.launch(folder, "--max-restarts", 1)
        wait_for_lines(self, process, folder, 3)
        os.kill(rank_pids(process.pid)[1], signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, errors)
        self.assertRegex(errors, r"rank 1 \(pid \d+ on .*\) was ended by signal 9 .* after step \d+")
        self.assertIn("restart 1 of 1: resume", errors)
        self.assertTrue(newest_checkpoint(folder).read_bytes() == newest_checkpoint(self.scratch / "two").read_bytes(),
                        "the end differs from the undisturbed run's")

    def test_detectors_train_with_several_ranks(self):
        run("synth", "--out", self.scratch / "set", "--images", 16, "val_ratio=0.25", "width=128", "height=96", "categories=2")
        labels = self.scratch / "set" / "annotations"
        words = ["finetune", "--images", self.scratch / "set" / "train", "--annotations", labels / "instances_train.json",
                 "--val-images", self.scratch / "set" / "val", "--val", labels / "instances_val.json",
                 *DETECTOR_KEYS, "train.batch_size=4", "loader.pad_over=batch",
                 "solver.ema_momentum=0", "eval.every_steps=4", "eval.patience=2", "solver.base_lr=1e-9", "train.steps=40"]
        run(*words, "--out", self.scratch / "one")
        run("launch", "--ranks", 2, "--", *words, "--out", self.scratch / "two")
        one, two = metrics(self.scratch / "one"), metrics(self.scratch / "two")
        # The same images, regions and normalisers: the losses of the first step differ by float32's rounding.
        for name in ("loss_rpn_cls", "loss_rpn_loc", "loss_cls", "loss_box_reg", "loss_mask"):
            self.assertAlmostEqual(one[0][name], two[0][name], delta=1e-4, msg=name)
        # With next to no learning rate nothing gets better for long, and all ranks end at the second judgement without.
        aps = [line["val_box_AP"] for line in two if "val_box_AP" in line]
        self.assertLess(len(two), 40)
        self.assertEqual(len(two), 4 * len(aps))
        self.assertEqual(max(aps[:-2]), max(aps))

        folder = self.scratch / "killed"
        process = subprocess.Popen([SOCO, *map(str, ["launch", "--ranks", 2, "--max-restarts", 1, "--", *words, "--out", folder])],
                                   stderr=subprocess.PIPE, text=True)
        wait_for_lines(self, process, folder, 5)
        os.kill(rank_pids(process.pid)[1], signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn("restart 1 of 1: resume", errors)
        self.assertTrue(newest_checkpoint(folder).read_bytes() == newest_checkpoint(self.scratch / "two").read_bytes(),
                        "the end differs from the undisturbed run's")

    def test_dead_rank_ends_the_job_and_a_stop_is_shared(self):
        folder = self.scratch / "run"
        process = self.launch(folder)
        wait_for_lines(self, process, folder, 1)
        ranks = rank_pids(process.pid)
        os.kill(ranks[0], signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 128 + 9, errors)
        self.assertIn("rank 0", errors)
        for rank in ranks:
            self.assertFalse(pathlib.Path(f"/proc/{rank}").exists(), "an orphan is left")

        process = subprocess.Popen([SOCO, "launch", "--ranks", "2", "--", "resume", str(folder)], stderr=subprocess.PIPE, text=True)
        wait_for_lines(self, process, folder, 2)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        self.assertIn(process.returncode, (0, 75), errors)  # 0: the last step was under way
        run("resume", folder)  # by one process now
        self.assertEqual([line["step"] for line in metrics(folder)], list(range(STEPS)))

    def test_slurms_and_open_mpis_variables_do_as_well(self):
        for rank, size, local in [("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"),
                                  ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK")]:
            port, processes = free_port(), []
            for number in range(2):
                environment = {**os.environ, rank: str(number), size: "2", local: str(number), "MASTER_ADDR": "127.0.0.1",
                               "MASTER_PORT": str(port)}
                words = [*self.pretrain, "--out", self.scratch / rank, *KEYS, "train.max_steps=1"]
                processes.append(subprocess.Popen([SOCO, *map(str, words)], env=environment, stderr=subprocess.PIPE, text=True))
            for process in processes:
                _, errors = process.communicate(timeout=120)
                self.assertEqual(process.returncode, 0, errors)
            self.assertEqual(len(metrics(self.scratch / rank)), 1)

    def test_what_cannot_be_launched_is_refused(self):
        for words in [["launch", "--ranks", 2], ["launch", "--ranks", 2, "--", "export"], ["launch", "--", "resume", "x"]]:
            self.assertEqual(run(*words, check=False).returncode, 2, words)


if __name__ == "__main__":
    unittest.main(verbosity=2)
