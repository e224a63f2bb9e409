# SPDX-License-Identifier: MIT
"""`soco replay` against the plain PyTorch steps of tests/oracles/training_step_oracle.py, for every recipe: every loss term,
gradient, weight, momentum and buffer, and MoCo's queue, over ten steps of which each goes on from its own last one.

Model, optimiser, views and pairs are read from the recipe's file; ResNet-18, narrow heads and small views keep the structure
and take seconds. One test has ResNet-50 and all widths as published.

How far two tensors are apart is max|ours - theirs| / max|theirs|: an element is measured against its whole tensor, because
sums that cancel leave an element's last digits to the order of the additions. Two kinds of tensors are measured against
something else: whole numbers must be equal, and the gradient of a bias that BatchNorm takes out again (the projector's, the
predictor's first), which is zero in theory and rounding in practice, is measured against the gradient of its layer's weight.

float64. Both sides add the same numbers in other orders: a unit of 1e-16 per addition, over sums of up to 1e5 terms and some
forty layers. Parity is promised to 1e-8; a mistake in the method shows at 1e-3 and above.

float32. BatchNorm over a dozen boxes divides by small deviations and amplifies rounding by an amount that depends on the
data. So the float64 step is taken as the truth, and ours may be no farther from it than a few times what PyTorch's own
float32 steps are, over nine tenths of the tensors. The rest may hold a ReLU or a maximum that rounding turned over: PyTorch's
own has moved a tensor by 1.3e-2 so. One rounding of a chain can be exact by luck, the more so for a loss, which is few
numbers; and a ReLU near the end of a chain that turned over moves more than a tenth of the tensors. So both sides take a step of
each of several batches: PyTorch's distance is the largest of its steps, ours the smallest, for a mistake is in all of them and a
ReLU that turned over in some.

Image-level batches hold twelve images: an image is one vector of the projector's BatchNorm, and over three vectors the ten
steps would magnify float64's rounding ten thousand times.

With SOCO_DEVICE=cuda the program's steps run on a GPU, PyTorch's on the CPU as ever; without a GPU all is skipped by name.
"""
import subprocess
import sys
import time
import unittest

from common import DEVICE, SOCO, ScratchTest, enter_oracle_python, run, without_device

if __name__ == "__main__":
    enter_oracle_python()

try:
    import numpy as np
    import safetensors_io
    import training_step_oracle as oracle
    from training_step_recipe import RecipeCase
    MISSING = None
except ImportError as error:
    MISSING = f"SKIPPED oracle training_step: {sys.executable} has {error.msg[:1].lower()}{error.msg[1:]}"

MISSING = MISSING or without_device()

FLOAT64_BOUND = 1e-8
FLOAT32_TIMES = 4  # times PyTorch's distance from the truth: two orders of additions differ by more than the last digit does
FLOAT32_BATCHES = 4
FLOAT32_FLOOR = 1e-6  # some units of float32's last digit: where PyTorch happens to be exact
FLOAT32_BOUND = 5e-2  # of every tensor; a mistake in the method is larger

NARROW = {"backbone": "resnet18", "fpn_channels": 32, "head_num_convs": 2, "head_fc_channels": 64, "projector_hidden_channels": 64,
          "projector_out_channels": 32, "queue_size": 16}
SMALL_SIZES = {224: 96, 192: 80, 112: 64}  # C5 of 64 px and three images still has a dozen values for a BatchNorm
STEPS = 10  # of every recipe
ASSIGNED_STEPS = 3  # of the other way to run the heads, which differs within a step alone


def narrow(recipe, **model):
    case = RecipeCase(recipe, **NARROW, **model)
    case.sizes = [SMALL_SIZES[size] for size in case.sizes]
    return case


ZERO_IN_THEORY = ("projector.fc1.bias", "projector.fc2.bias", "predictor.fc1.bias")  # where a BatchNorm follows


def size_of(name, arrays):
    """What differences of tensor `name` are measured against."""
    has_norms = "after.online.predictor.norm.weight" in arrays
    if has_norms and name.endswith(ZERO_IN_THEORY) and ("grad." in name or "momentum_buffer." in name):
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
    def file(self, name):
        return self.scratch / f"{name}.safetensors"

    def make(self, case, seed, num_batches=STEPS, num_images=None, momentum=True):
        """Weights and batches of a case; their file names without suffix."""
        num_images = num_images or (12 if case.model["architecture"] == "image" else 3)
        rng = np.random.default_rng(seed)
        oracle.torch.manual_seed(seed)
        oracle.torch.set_num_threads(1)
        safetensors_io.save(self.file("weights"), oracle.random_weights(case.shape(), rng, zero_gammas=True, momentum=momentum))
        names = [f"batch{i}" for i in range(num_batches)]
        for name in names:
            safetensors_io.save(self.file(name), oracle.make_batch(case.model["architecture"], rng, num_images, case.sizes))
        return names

    def our_steps(self, case, dtype, batches, rates):
        """Results of consecutive steps, as one process writes them; each file goes once it is read."""
        words = [word for name, (lr, momentum) in zip(batches, rates)
                 for word in ("--batch", self.file(name), "--lr", lr, "--momentum", momentum)]
        out = self.file(f"ours_{dtype}")
        command = [SOCO, "replay", "--weights", self.file("weights"), "--out", out, "--dtype", dtype, "--device", DEVICE, *words, *case.keys()]
        process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            for i in range(len(batches)):
                path = out if len(batches) == 1 else out.with_name(f"{out.stem}.{i}{out.suffix}")
                while not path.exists() and process.poll() is None:
                    time.sleep(0.02)
                self.assertTrue(path.exists(), f"{command}: {process.poll()}")
                yield safetensors_io.load(path)
                path.unlink()
            self.assertEqual(process.wait(), 0, command)
        finally:
            process.kill()
            process.communicate()

    def oracle_steps(self, case, dtype, batches, rates):
        weights = safetensors_io.load(self.file("weights"))
        training = oracle.Training(case.shape(), getattr(oracle.torch, dtype), weights, case.solver)
        for name, (lr, momentum) in zip(batches, rates):
            batch = training.read_batch(safetensors_io.load(self.file(name)))
            result = training.step(batch, case.head_mode, lr, momentum)
            yield {**result, **{"after." + key: array for key, array in training.state().items()}}

    def assert_same(self, ours, theirs, what):
        self.assertEqual(sorted(ours), sorted(theirs))
        for name in theirs:
            self.assertEqual(ours[name].shape, theirs[name].shape, name)
        found = errors(ours, theirs)
        worst = max(found, key=found.get)
        print(f"{self.id().split('.')[-1]} {what}: {len(found)} tensors, largest difference {found[worst]:.1e} ({worst})", flush=True)
        self.assertLess(found[worst], FLOAT64_BOUND, worst)

    def check_steps(self, case, seed, steps=STEPS):
        """Steps in float64, each side going on from its own last one so that differences would add up; then single steps of
        several batches in float32 (later ones begin at weights that differ, which ReLUs and small batches' statistics
        magnify)."""
        batches = self.make(case, seed, num_batches=max(steps, FLOAT32_BATCHES))
        rates = [(0.05 * (i + 1), 0.9 + 0.01 * i) for i in range(steps)]
        runs = (side(case, "float64", batches[:steps], rates) for side in (self.our_steps, self.oracle_steps))
        for i, (ours, theirs) in enumerate(zip(*runs, strict=True)):
            self.assert_same(ours, theirs, f"step {i + 1}")
        ours32, theirs32 = [], []
        for batch in batches[:FLOAT32_BATCHES]:
            truth = next(self.oracle_steps(case, "float64", [batch], rates[:1]))
            for side, steps_of in (ours32, self.our_steps), (theirs32, self.oracle_steps):
                side.append(errors(list(steps_of(case, "float32", [batch], rates[:1]))[0], truth))
        for kind in ("loss", "grad", "after"):
            for share in (0.5, 0.9):
                us, them = ([np.quantile([e for name, e in step.items() if kind_of(name) == kind], share) for step in side]
                            for side in (ours32, theirs32))
                us, them = min(us), max(them)
                print(f"{self.id().split('.')[-1]}: float32 {kind}: {share:.0%} below {us:.1e}; PyTorch's below {them:.1e}", flush=True)
                self.assertLessEqual(us, FLOAT32_TIMES * max(them, FLOAT32_FLOOR), kind)
                self.assertLess(us, FLOAT32_BOUND, kind)

    def test_soco_fpn_100ep(self):
        self.check_steps(narrow("soco_fpn_100ep"), 0)

    def test_soco_fpn_assigned_heads(self):
        self.check_steps(narrow("soco_fpn_100ep", head_mode="assigned"), 1, ASSIGNED_STEPS)

    def test_soco_fpn_star_400ep(self):
        self.check_steps(narrow("soco_fpn_star_400ep"), 2)

    def test_soco_c4_100ep(self):
        self.check_steps(narrow("soco_c4_100ep"), 3)

    def test_soco_c4_assigned_heads(self):
        self.check_steps(narrow("soco_c4_100ep", head_mode="assigned"), 4, ASSIGNED_STEPS)

    def test_byol_image(self):
        self.check_steps(narrow("byol_image"), 5)

    def test_mocov2(self):
        self.check_steps(narrow("mocov2"), 6)

    def test_400_epochs_are_the_same_step(self):
        """Length and cutout are all that differs."""
        self.assertEqual(RecipeCase("soco_fpn_100ep"), RecipeCase("soco_fpn_400ep"))
        self.assertEqual(RecipeCase("soco_c4_100ep"), RecipeCase("soco_c4_400ep"))

    def test_published_resnet50(self):
        """All widths as published; two images, no momentum yet, as in a run's first step."""
        case = RecipeCase("soco_fpn_100ep")
        case.sizes = [64, 64, 64]
        batches = self.make(case, 7, num_batches=1, num_images=2, momentum=False)
        rates = [(0.1, 0.97)]
        (ours,), (theirs,) = self.our_steps(case, "float64", batches, rates), self.oracle_steps(case, "float64", batches, rates)
        self.assert_same(ours, theirs, "step 1")

    def refused(self, weights, batch):
        safetensors_io.save(self.file("w"), weights)
        safetensors_io.save(self.file("b"), batch)
        done = run("replay", "--weights", self.file("w"), "--batch", self.file("b"), "--out", self.file("o"), *self.keys, check=False)
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertNotIn("internal error", done.stderr)
        self.assertFalse(self.file("o").exists())
        return done.stderr

    def test_what_is_missing_or_wrong_is_named(self):
        case = narrow("soco_fpn_100ep")
        (name,), self.keys = self.make(case, 8, num_batches=1), case.keys()
        weights, batch = safetensors_io.load(self.file("weights")), safetensors_io.load(self.file(name))
        name = "online.projector.fc1.weight"
        self.assertIn(name, self.refused({k: v for k, v in weights.items() if k != name}, batch))
        self.assertIn(name, self.refused({**weights, name: weights[name][:, 1:]}, batch))
        name = "pairs.1.b.ids"
        self.assertIn(name, self.refused(weights, {k: v for k, v in batch.items() if k != name}))
        self.assertRegex(self.refused(weights, {**batch, "pairs.0.a.levels": batch["pairs.0.a.levels"] + 9}), r"pairs\W0\W+a\.levels")
        self.assertRegex(self.refused(weights, {**batch, "pairs.0.views": batch["pairs.0.views"] + 7}), r"pairs\W0\W+view")


if __name__ == "__main__":
    unittest.main(verbosity=2)
