# SPDX-License-Identifier: MIT
"""`soco export --format onnx` and `onnx-heads`: onnxruntime computes what PyTorch does from the same weights (onnx_check.py), for
images of several sizes. `--format onnx-detector`: it finds what `soco predict` does (onnx_detector_check.py)."""
import os
import subprocess
import sys
import unittest

from common import ORACLES, ScratchTest, run

PYTHON = os.environ.get("SOCO_ORACLE_PYTHON_TORCH2", sys.executable)
HAS_RUNTIME = subprocess.run([PYTHON, "-c", "import numpy, onnxruntime, torch"], capture_output=True).returncode == 0
DETECTORS = ("fpn", "fpn50_boxes", "c4_extra_norm", "c4_boxes", "agnostic", "one_class", "torchvision", "unaligned")
CASES = ("mask_fpn18", "soco_fpn50", "mask_c4_50", "boxes_c4_18", "trunk18", "detector_fpn50")


class RuntimeTest(ScratchTest):
    """Runs the oracle that each kind of file has."""

    ORACLE = None

    def python(self, *words, check=True):
        done = subprocess.run([PYTHON, ORACLES / self.ORACLE, *map(str, words)], capture_output=True, text=True)
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        print(done.stdout, end="")
        return done


@unittest.skipUnless(HAS_RUNTIME, "SKIPPED oracle onnx_check: no torch or no onnxruntime in " + PYTHON)
class OnnxTest(RuntimeTest):
    ORACLE = "onnx_check.py"

    def export(self, kind):
        weights, features, heads = (self.scratch / name for name in ("w.safetensors", "features.onnx", "heads.onnx"))
        self.python("--make", kind, weights)
        run("export", "--from", weights, "--format", "onnx", "--out", features)
        if kind == "trunk18":
            done = run("export", "--from", weights, "--format", "onnx-heads", "--out", heads, check=False)
            self.assertIn("none of its parts is in the network", done.stderr)
            return weights, features, "none"
        run("convert", "--from", weights, "--format", "onnx-heads", "--out", heads)
        return weights, features, heads

    def test_the_runtime_computes_what_pytorch_does(self):
        for kind in CASES:
            with self.subTest(kind=kind):
                self.python(*self.export(kind))

    def test_a_norm_off_by_a_thousandth_is_seen(self):
        weights, features, heads = self.export("trunk18")
        code = ("import sys; sys.path.insert(0, sys.argv[1]); import safetensors_io as io; w = dict(io.load(sys.argv[2])); "
                "n = 'backbone.bottom_up.res2.1.conv2.norm.running_mean'; w[n] = w[n] + 1e-3 * abs(w[n]).max(); io.save(sys.argv[3], w)")
        subprocess.run([PYTHON, "-c", code, ORACLES, weights, self.scratch / "other.safetensors"], check=True)
        self.assertIn("off, PyTorch", self.python(self.scratch / "other.safetensors", features, heads, check=False).stderr)


@unittest.skipUnless(HAS_RUNTIME, "SKIPPED oracle onnx_detector_check: no onnxruntime in " + PYTHON)
@unittest.skipIf(run("predict", "--help", check=False).returncode, "SKIPPED onnx-detector: this build has no soco predict")
class OnnxDetectorTest(RuntimeTest):
    ORACLE = "onnx_detector_check.py"

    def make(self, kind):
        weights, images = self.scratch / f"{kind}.safetensors", self.scratch / "images"
        self.python("--make", kind, weights, images)
        return weights, images

    def predict(self, weights, images, *words):
        results = self.scratch / "results.json"
        run("predict", "--model", weights, "--images", images, "--out", results, "--threads", 1, "--device", "cpu", *words)
        return results

    def export(self, weights, *words):
        run("export", "--from", weights, "--format", "onnx-detector", "--out", self.scratch / "detector.onnx", *words)
        return self.scratch / "detector.onnx"

    def test_the_runtime_finds_what_predict_does(self):
        for kind in DETECTORS:
            with self.subTest(kind=kind):
                weights, images = self.make(kind)
                done = self.python(self.export(weights), images, self.predict(weights, images))
                self.assertGreater(int(done.stdout.split(" detections")[0].split()[-1]), 40, "too few for the comparison to mean anything")

    def test_nothing_found_is_no_error(self):
        for kind in ("no_proposals", "no_detections"):
            with self.subTest(kind=kind):
                weights, images = self.make(kind)
                self.assertIn("0 detections", self.python(self.export(weights), images, self.predict(weights, images)).stdout)

    def test_rules_of_the_export_take_the_place_of_the_runs(self):
        weights, images = self.make("fpn")
        words = ["--nms", "0.4", "--score", "0.15"]
        self.python(self.export(weights, *words), images, self.predict(weights, images, *words))
        done = run("export", "--from", weights, "--format", "onnx", "--out", self.scratch / "f.onnx", *words, check=False)
        self.assertIn("of the format onnx-detector", done.stderr)

    def test_another_rule_is_seen(self):
        weights, images = self.make("fpn")
        model = self.export(weights)
        for words in (["--nms", "0.4"], ["--score", "0.15"]):
            with self.subTest(words=words):
                self.assertIn("detections apart", self.python(model, images, self.predict(weights, images, *words), check=False).stderr)
        other, _ = self.make("canonical")  # the same weights
        self.assertIn("detections apart", self.python(model, images, self.predict(other, images), check=False).stderr)

    def test_weights_without_settings_are_refused(self):
        weights, _ = self.make("fpn")
        run("export", "--from", weights, "--format", "torchvision-detector", "--out", self.scratch / "d.pth")
        for words in (["convert", "--from", self.scratch / "d.pth"], ["export", "--from", self.bare(weights)]):
            done = run(*words, "--format", "onnx-detector", "--out", self.scratch / "d.onnx", check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("soco finetune", done.stderr)
            self.assertFalse((self.scratch / "d.onnx").exists())

    def bare(self, weights):
        """The same weights in a file without metadata."""
        path = self.scratch / "bare.safetensors"
        code = "import sys; sys.path.insert(0, sys.argv[1]); import safetensors_io as io; io.save(sys.argv[3], io.load(sys.argv[2]))"
        subprocess.run([PYTHON, "-c", code, ORACLES, weights, path], check=True)
        return path


if __name__ == "__main__":
    unittest.main(verbosity=2)
