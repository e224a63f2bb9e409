# SPDX-License-Identifier: MIT
"""`soco replay` against the plain PyTorch step of training_step_oracle.py: every loss term, gradient, weight and buffer."""
import os
import subprocess
import sys
import unittest

import numpy as np

from common import ORACLES, ScratchTest, run, safetensors_io

PYTHON = os.environ.get("SOCO_ORACLE_PYTHON", sys.executable)
HAS_TORCHVISION = subprocess.run([PYTHON, "-c", "import torch, torchvision"], capture_output=True).returncode == 0
SMALL = {"fpn-channels": 16, "head-fc-channels": 32, "projector-hidden-channels": 32, "projector-out-channels": 16}

# float64: both sides add the same numbers in another order, which costs a few units of 1e-16 per addition over sums of up to
# 1e5 terms and forty layers; 1e-8 is what the method's parity is promised to.
# float32: the same with units of 6e-8. Gradients pass BatchNorm of tiny groups (12 boxes), which divides by standard
# deviations of differences and amplifies rounding about a thousandfold; a mistake in the method moves them by 1e-1.
BOUNDS = {"float64": 1e-8, "float32": 2e-2}


def relative_error(a, b):
    """Largest difference over the largest magnitude of the expected tensor; tensors that are rounding alone (below 1e-6 of
    a unit loss, e.g. the gradient of a bias before BatchNorm, which is zero in theory) count absolutely."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.max(np.abs(a - b), initial=0) / max(np.max(np.abs(b), initial=0), 1e-6))


@unittest.skipUnless(HAS_TORCHVISION, f"SKIPPED oracle training_step: {PYTHON} has no torch and torchvision")
class ReplayTest(ScratchTest):
    def oracle(self, *words):
        done = subprocess.run([PYTHON, ORACLES / "training_step_oracle.py", *map(str, words)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def make(self, sizes, depth=18, small=SMALL, images=3, seed=0):
        self.shape = ["--depth", depth] + [w for k, v in small.items() for w in (f"--{k}", v)]
        self.keys = [f"model.backbone=resnet{depth}"] + [f"model.{k.replace('-', '_')}={v}" for k, v in small.items()]
        self.oracle("--make", self.scratch, "--images", images, "--seed", seed, "--zero-gammas", "--sizes", *sizes, *self.shape)
        return safetensors_io.load(self.scratch / "weights.safetensors")

    def one_step(self, dtype, mode, lr=0.1, momentum=0.97, weights="weights.safetensors", suffix=""):
        files = ["--weights", self.scratch / weights, "--batch", self.scratch / "batch.safetensors"]
        common = ["--dtype", dtype, "--head-mode", mode, "--lr", lr, "--momentum", momentum]
        self.oracle(*files, "--out", self.scratch / f"oracle{suffix}.st", *common, *self.shape)
        run("replay", *files, "--out", self.scratch / f"ours{suffix}.st", *common, *self.keys)
        return (safetensors_io.load(self.scratch / f"ours{suffix}.st"), safetensors_io.load(self.scratch / f"oracle{suffix}.st"))

    def compare(self, ours, expected, bound):
        self.assertEqual(sorted(ours), sorted(expected))
        worst = max(((relative_error(ours[k], expected[k]), k) for k in expected))
        self.assertLess(worst[0], bound, worst[1])
        print(f"{self.id().split('.')[-1]}: {len(expected)} tensors, largest relative difference {worst[0]:.1e} ({worst[1]})")

    def test_reference_heads_float64(self):
        self.make([96, 96, 64])
        self.compare(*self.one_step("float64", "reference"), BOUNDS["float64"])

    def test_assigned_heads_float64(self):
        self.make([96, 96, 64], seed=1)
        self.compare(*self.one_step("float64", "assigned"), BOUNDS["float64"])

    def test_reference_heads_float32(self):
        self.make([96, 96, 64], seed=2)
        self.compare(*self.one_step("float32", "reference"), BOUNDS["float32"])

    def test_assigned_heads_float32(self):
        self.make([96, 96, 64], seed=3)
        self.compare(*self.one_step("float32", "assigned"), BOUNDS["float32"])

    def test_resnet50_float64(self):
        self.make([64, 64, 64], depth=50, images=2, seed=4)
        self.compare(*self.one_step("float64", "reference"), BOUNDS["float64"])

    def test_three_chained_steps_float64(self):
        """The state after a step, fed into the next one on each side: momentum, buffers and the target add up."""
        self.make([64, 64, 32], seed=5, images=2)
        files = {"ours": "weights.safetensors", "oracle": "weights.safetensors"}
        results = {}
        for step in range(3):
            for side in files:
                words = ["--weights", self.scratch / files[side], "--batch", self.scratch / "batch.safetensors", "--dtype", "float64",
                         "--head-mode", "assigned", "--lr", 0.1 * (step + 1), "--momentum", 0.9 + 0.02 * step]
                out = self.scratch / f"{side}{step}.st"
                if side == "ours":
                    run("replay", *words, "--out", out, *self.keys)
                else:
                    self.oracle(*words, "--out", out, *self.shape)
                results[side] = safetensors_io.load(out)
                state = {k[len("after."):]: v for k, v in results[side].items() if k.startswith("after.")}
                files[side] = f"{side}{step}_weights.st"
                safetensors_io.save(self.scratch / files[side], state)
        self.compare(results["ours"], results["oracle"], BOUNDS["float64"])

    def test_missing_weight_is_named(self):
        weights = self.make([64, 64, 32], images=2)
        del weights["online.projector.fc1.weight"]
        safetensors_io.save(self.scratch / "broken.safetensors", weights)
        done = run("replay", "--weights", self.scratch / "broken.safetensors", "--batch", self.scratch / "batch.safetensors",
                   "--out", self.scratch / "o.st", *self.keys, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("online.projector.fc1.weight", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
