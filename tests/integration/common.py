# SPDX-License-Identifier: MIT
"""What the integration tests share: the program ($SOCO_BIN), a scratch folder, a small run."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ORACLES = pathlib.Path(__file__).resolve().parent.parent / "oracles"
sys.path.insert(0, str(ORACLES))  # safetensors_io, training_step_oracle

SOCO = os.environ.get("SOCO_BIN", "build/release/bin/soco")
DEVICE = os.environ.get("SOCO_DEVICE", "cpu")  # cuda: the same tests on a GPU, skipped where there is none


def enter_oracle_python():
    """Runs this test again in the interpreter that has numpy, torch, torchvision and Pillow: $SOCO_ORACLE_PYTHON."""
    python = os.environ.get("SOCO_ORACLE_PYTHON", sys.executable)
    if os.environ.get("SOCO_ORACLE_RUNS") != python:
        os.environ["SOCO_ORACLE_RUNS"] = python
        os.execvp(python, [python, *sys.argv])


# A network and views small enough that a step takes a fraction of a second.
SMALL_MODEL = ["model.backbone=resnet18", "model.backbone_width=16", "model.fpn_channels=16", "model.head_num_convs=1",
               "model.head_fc_channels=32", "model.projector_hidden_channels=32", "model.projector_out_channels=16"]
SMALL_VIEWS = ["plan.views.0.size=64", "plan.views.1.size=64", "plan.views.2.size=32"]
SMALL_RUN = SMALL_MODEL + SMALL_VIEWS + ["train.batch_size=4", "train.num_threads=1", f"train.device={DEVICE}", "loader.num_workers=1"]

SMALL_DETECTOR_RUN = [
    "--config", "mask_rcnn_r18_fpn_small", "model.backbone=resnet18", "model.backbone_width=16", "model.fpn_channels=16",
    "model.fpn_norm=bn",
    "model.roi_heads.num_convs=1", "model.roi_heads.num_fcs=1", "model.roi_heads.fc_channels=32", "model.roi_heads.norm=bn",
    "model.roi_heads.samples_per_image=32", "model.masks.num_convs=1", "model.masks.channels=16", "model.rpn.train_proposals=50",
    "model.rpn.test_proposals=30", "model.rpn.anchors.sizes=[16,32,64,128,256]", "input.short_edges=[96,128]", "input.max_edge=160",
    "input.test_short_edge=96", "input.test_max_edge=160", "train.batch_size=2", "train.num_threads=1", "train.device=cpu",
    "loader.num_workers=1", "train.log_every_steps=1", "solver.warmup_steps=4"]


def run(*words, check=True, timeout=900, **options):
    """Runs the program; with `check` it must succeed. Returns the finished process with its output as text."""
    done = subprocess.run([SOCO, *map(str, words)], capture_output=True, text=True, timeout=timeout, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"soco {' '.join(map(str, words))}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def without_device():
    """Why tests on $SOCO_DEVICE cannot run here; None when they can."""
    if DEVICE == "cuda" and not re.search(r"^CUDA +[1-9]", run("doctor", check=False).stdout, re.MULTILINE):
        return "SKIPPED on CUDA: no CUDA device"
    return None


def metrics(folder):
    return [json.loads(line) for line in (pathlib.Path(folder) / "metrics.jsonl").read_text().splitlines()]


def lines_logged(folder):
    path = pathlib.Path(folder) / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def newest_checkpoint(folder):
    checkpoints = pathlib.Path(folder) / "checkpoints"
    return checkpoints / (checkpoints / "last").read_text().strip()


def tensors(path):
    """name -> (dtype, shape, bytes) of a safetensors file, with the standard library alone."""
    data = pathlib.Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    entries = json.loads(data[8:start])
    entries.pop("__metadata__", None)
    return {name: (entry["dtype"], entry["shape"], data[start + entry["data_offsets"][0]:start + entry["data_offsets"][1]])
            for name, entry in entries.items()}


class ScratchTest(unittest.TestCase):
    """A test with a scratch folder, `self.scratch`, removed at its end."""

    def kill_at_random(self, words, folder, longest_wait, rng):
        """Runs until the log has grown, then for a random while, then SIGKILL; False when the run ended before that."""
        before = lines_logged(folder)
        process = subprocess.Popen([SOCO, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and lines_logged(folder) <= before:
            time.sleep(0.005)
        try:
            process.wait(timeout=rng.uniform(0, longest_wait))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        self.assertEqual(process.returncode, 0)
        return False

    def stop_and_resume(self, words, folder):
        """SIGTERM once three steps are logged, exit code 75 with advice, then `soco resume` to the end."""
        process = subprocess.Popen([SOCO, *map(str, words)], stderr=subprocess.PIPE, text=True)
        while lines_logged(folder) < 3:
            self.assertIsNone(process.poll(), "ended before it could be stopped")
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, errors)
        self.assertIn("soco resume", errors)
        run("resume", folder)

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="soco_integration_"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)

    def scenes(self, count=16):
        """A folder of `count` synthetic scenes."""
        run("synth", "--out", self.scratch / "scenes", "--images", count, "val_ratio=0", "width=160", "height=120")
        return self.scratch / "scenes" / "train"
