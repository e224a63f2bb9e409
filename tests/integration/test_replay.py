# SPDX-License-Identifier: MIT
"""`soco replay` against the plain PyTorch step of tests/oracles/training_step_oracle.py: every loss term, gradient, weight,
momentum and buffer.

How far two tensors are apart is max|ours - theirs| / max|theirs|: an element is measured against its whole tensor, because
sums that cancel leave an element's last digits to the order of the additions. Two kinds of tensors are measured against
something else: whole numbers must be equal, and the gradient of a bias that BatchNorm takes out again (the projector's, the
predictor's first), which is zero in theory and rounding in practice, is measured against the gradient of its layer's weight.

float64. Both sides add the same numbers in other orders: a unit of 1e-16 per addition, over sums of up to 1e5 terms and some
forty layers. Parity is promised to 1e-8; a mistake in the method shows at 1e-3 and above.

float32. BatchNorm over a dozen boxes divides by small deviations and amplifies rounding by an amount that depends on the
data. So the float64 step is taken as the truth, and ours may be no farther from it than a few times what PyTorch's own
float32 step is, over nine tenths of the tensors. The rest may hold a ReLU or a maximum that rounding turned over: PyTorch's
own has moved a tensor by 1.3e-2 so.
"""
import os
import sys
import unittest

PYTHON = os.environ.get("SOCO_ORACLE_PYTHON", sys.executable)
if __name__ == "__main__" and os.environ.get("SOCO_ORACLE_RUNS") != PYTHON:
    # The comparison needs numpy, torch and torchvision: it runs in the interpreter that has them.
    os.environ["SOCO_ORACLE_RUNS"] = PYTHON
    os.execvp(PYTHON, [PYTHON, *sys.argv])

from common import ScratchTest, run  # noqa: E402

try:
    import numpy as np
    import safetensors_io
    import training_step_oracle as oracle
    MISSING = None
except ImportError as error:
    MISSING = f"SKIPPED oracle training_step: {PYTHON} has {error.msg[:1].lower()}{error.msg[1:]}"

FLOAT64_BOUND = 1e-8
FLOAT32_TIMES = 4  # times PyTorch's distance from the truth: two roundings of one chain differ by chance
FLOAT32_FLOOR = 1e-6  # some units of float32's last digit: where PyTorch happens to be exact
FLOAT32_BOUND = 5e-2  # of every tensor; a mistake in the method is larger

SMALL = {"depth": 18, "fpn_channels": 32, "head_num_convs": 2, "head_fc_channels": 64, "projector_hidden_channels": 64,
         "projector_out_channels": 32}
C4 = {"architecture": "c4", "depth": 18, "pooler_resolution": 14, "projector_hidden_channels": 64, "projector_out_channels": 32}
FULL = {}  # ResNet-50 as published
FULL_C4 = {"architecture": "c4", "pooler_resolution": 14}
FPN_PLAN, STAR_PLAN, C4_PLAN = [96, 96, 64], [96, 96, 64, 64], [96, 96]  # sizes of the views; pairs are of view 0 with each other one


def words_of(shape):
    return [word for key, value in shape.items() for word in ("--" + key.replace("_", "-"), value)]


def keys_of(shape):
    full = {"depth": 50, **shape}
    return [f"model.backbone=resnet{full['depth']}"] + [f"model.{key}={value}" for key, value in shape.items() if key != "depth"]


ZERO_IN_THEORY = ("projector.fc1.bias", "projector.fc2.bias", "predictor.fc1.bias")


def size_of(name, arrays):
    """What differences of tensor `name` are measured against."""
    if name.endswith(ZERO_IN_THEORY) and ("grad." in name or "momentum_buffer." in name):
        name = name.replace(".bias", ".weight")
    return max(float(np.max(np.abs(arrays[name]), initial=0)), 1e-10)


def error(name, ours, theirs):
    if theirs[name].dtype.kind == "i":
        return 0.0 if np.array_equal(ours[name], theirs[name]) else float("inf")
    difference = np.abs(np.asarray(ours[name], np.float64) - theirs[name])
    return float(np.max(difference, initial=0)) / size_of(name, theirs)


def errors(ours, theirs):
    return {name: error(name, ours, theirs) for name in theirs}


def kind_of(name):
    return "after" if name.startswith("after.") else "grad" if name.startswith("grad.") else "loss"


@unittest.skipIf(MISSING, MISSING)
class ReplayTest(ScratchTest):
    def make(self, shape=SMALL, sizes=FPN_PLAN, seed=0, num_batches=1, num_images=3, *more):
        self.shape = shape
        oracle.main(["--make", self.scratch, "--seed", seed, "--num-images", num_images, "--num-batches", num_batches,
                     "--sizes", *sizes, *more, *words_of(shape)])

    def oracle_step(self, dtype, mode, weights="weights", batch="batch", lr=0.1, momentum=0.97):
        out = self.scratch / f"oracle.{dtype}.safetensors"
        oracle.main(["--weights", self.file(weights), "--batch", self.file(batch), "--out", out, "--dtype", dtype, "--head-mode", mode,
                     "--lr", lr, "--momentum", momentum, *words_of(self.shape)])
        return safetensors_io.load(out)

    def our_step(self, dtype, mode, weights="weights", batch="batch", lr=0.1, momentum=0.97, out="ours"):
        run("replay", "--weights", self.file(weights), "--batch", self.file(batch), "--out", self.file(out), "--dtype", dtype,
            "--head-mode", mode, "--lr", lr, "--momentum", momentum, *keys_of(self.shape))
        return safetensors_io.load(self.file(out))

    def file(self, name):
        return self.scratch / f"{name}.safetensors"

    def assert_same(self, ours, theirs, bound=FLOAT64_BOUND, what=""):
        self.assertEqual(sorted(ours), sorted(theirs))
        for name in theirs:
            self.assertEqual(ours[name].shape, theirs[name].shape, name)
        found = errors(ours, theirs)
        worst = max(found, key=found.get)
        print(f"{self.id().split('.')[-1]}{what}: {len(found)} tensors, largest difference {found[worst]:.1e} ({worst})", flush=True)
        self.assertLess(found[worst], bound, worst)

    def check_float64(self, mode, *make):
        self.make(*make)
        self.assert_same(self.our_step("float64", mode), self.oracle_step("float64", mode))

    def check_float32(self, mode, seeds):
        """Over several batches, because a value within rounding of zero may fall on either side of a ReLU, in ours or in
        PyTorch's, and then a share of that step's gradients moves by some 1e-2: the middle one of our steps is compared."""
        summary = {}
        for seed in seeds:
            self.make(SMALL, FPN_PLAN, seed)
            truth = self.oracle_step("float64", mode)
            ours, theirs = errors(self.our_step("float32", mode), truth), errors(self.oracle_step("float32", mode), truth)
            for kind in ("loss", "grad", "after"):
                for share in (0.5, 0.9):
                    pair = [np.quantile([e for name, e in found.items() if kind_of(name) == kind], share) for found in (ours, theirs)]
                    summary.setdefault((kind, share), []).append(pair)
        for (kind, share), pairs in summary.items():
            us, them = np.median([p[0] for p in pairs]), max(p[1] for p in pairs)
            print(f"{self.id().split('.')[-1]}: {kind}: {share:.0%} of errors below {us:.1e}; PyTorch's below {them:.1e}", flush=True)
            self.assertLessEqual(us, FLOAT32_TIMES * max(them, FLOAT32_FLOOR), kind)
            self.assertLess(us, FLOAT32_BOUND, kind)

    def test_reference_heads_float64(self):
        self.check_float64("reference", SMALL, FPN_PLAN, 0)

    def test_assigned_heads_float64(self):
        self.check_float64("assigned", SMALL, FPN_PLAN, 1)

    def test_reference_heads_float32(self):
        self.check_float32("reference", (2, 12, 22))

    def test_assigned_heads_float32(self):
        self.check_float32("assigned", (3, 13, 23))

    def test_four_views_and_three_pairs(self):
        self.check_float64("reference", SMALL, STAR_PLAN, 4)
        self.check_float64("assigned", SMALL, STAR_PLAN, 4)

    def test_published_resnet50(self):
        """All widths as published; two images, no momentum yet, as in a run's first step."""
        self.check_float64("reference", FULL, [64, 64, 64], 5, 1, 2, "--no-momentum")

    def test_c4(self):
        self.check_float64("reference", C4, C4_PLAN, 8)
        self.check_float64("assigned", C4, C4_PLAN, 8)

    def test_published_resnet50_c4(self):
        self.check_float64("reference", FULL_C4, [64, 64], 9, 1, 2, "--no-momentum")

    def check_ten_steps(self, mode, shape=SMALL, sizes=FPN_PLAN):
        """Each side goes on from its own last step, so differences would add up."""
        self.make(shape, sizes, 6, 10)
        training = oracle.Training(self.shape_dict(), oracle.torch.float64, safetensors_io.load(self.file("weights")))
        weights = "weights"
        for i in range(10):
            lr, momentum = 0.05 * (i + 1), 0.9 + 0.01 * i
            ours = self.our_step("float64", mode, weights, f"batch.{i}", lr, momentum, f"ours{i}")
            theirs = training.step(training.read_batch(safetensors_io.load(self.file(f"batch.{i}"))), mode, lr, momentum)
            theirs.update({"after." + name: array for name, array in training.state().items()})
            self.assert_same(ours, theirs, what=f" step {i + 1}")
            self.file(weights).unlink()
            weights = f"weights{i}"
            safetensors_io.save(self.file(weights), {k[len("after."):]: v for k, v in ours.items() if k.startswith("after.")})
            self.file(f"ours{i}").unlink()

    def shape_dict(self):
        return {**oracle.SHAPE, **self.shape}

    def test_ten_steps_with_reference_heads(self):
        self.check_ten_steps("reference")

    def test_ten_steps_with_assigned_heads(self):
        self.check_ten_steps("assigned")

    def test_ten_steps_of_c4(self):
        self.check_ten_steps("reference", C4, C4_PLAN)

    def refused(self, weights, batch):
        safetensors_io.save(self.file("w"), weights)
        safetensors_io.save(self.file("b"), batch)
        done = run("replay", "--weights", self.file("w"), "--batch", self.file("b"), "--out", self.file("o"), *keys_of(self.shape), check=False)
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertNotIn("internal error", done.stderr)
        self.assertFalse(self.file("o").exists())
        return done.stderr

    def test_what_is_missing_or_wrong_is_named(self):
        self.make(SMALL, [64, 64, 64], 7)
        weights, batch = safetensors_io.load(self.file("weights")), safetensors_io.load(self.file("batch"))
        name = "online.projector.fc1.weight"
        self.assertIn(name, self.refused({k: v for k, v in weights.items() if k != name}, batch))
        self.assertIn(name, self.refused({**weights, name: weights[name][:, 1:]}, batch))
        name = "pairs.1.b.ids"
        self.assertIn(name, self.refused(weights, {k: v for k, v in batch.items() if k != name}))
        self.assertRegex(self.refused(weights, {**batch, "pairs.0.a.levels": batch["pairs.0.a.levels"] + 9}), r"pairs\W0\W+a\.levels")
        self.assertRegex(self.refused(weights, {**batch, "pairs.0.views": batch["pairs.0.views"] + 7}), r"pairs\W0\W+view")


if __name__ == "__main__":
    unittest.main(verbosity=2)
