# SPDX-License-Identifier: MIT
"""`soco export --format onnx` and `onnx-heads`: onnxruntime computes what PyTorch does from the same weights (onnx_check.py), for
images of several sizes."""
import os
import subprocess
import sys
import unittest

from common import ORACLES, ScratchTest, run

PYTHON = os.environ.get("SOCO_ORACLE_PYTHON_TORCH2", sys.executable)
HAS_RUNTIME = subprocess.run([PYTHON, "-c", "import numpy, onnxruntime, torch"], capture_output=True).returncode == 0
CASES = ("mask_fpn18", "soco_fpn50", "mask_c4_50", "boxes_c4_18", "trunk18", "detector_fpn50")


@unittest.skipUnless(HAS_RUNTIME, "SKIPPED oracle onnx_check: no torch or no onnxruntime in " + PYTHON)
class OnnxTest(ScratchTest):
    def python(self, *words, check=True):
        done = subprocess.run([PYTHON, ORACLES / "onnx_check.py", *map(str, words)], capture_output=True, text=True)
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        print(done.stdout, end="")
        return done

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
