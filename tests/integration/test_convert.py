# SPDX-License-Identifier: MIT
"""`soco convert` on weights: checkpoints of the SoCo release's layout, made by PyTorch (release_checkpoint.py), and the files of
other programs come in tensor by tensor and go out again; what does not fit is refused by name."""
import os
import pickle
import subprocess
import sys
import unittest

from common import ORACLES, ScratchTest, run, tensors

PYTHON = os.environ.get("SOCO_ORACLE_PYTHON", sys.executable)
MODULES = {name: subprocess.run([PYTHON, "-c", f"import {name}"], capture_output=True).returncode == 0 for name in ("torch", "torchvision", "numpy")}
CASES = [("fpn", "resnet18"), ("fpn", "resnet50"), ("c4", "resnet18"), ("c4", "resnet50")]


def python(code, *words):
    """Runs a script in the interpreter that has PyTorch; gives what it prints."""
    done = subprocess.run([PYTHON, "-c", code, *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout


COMPARE = """
import sys, torch
ours, theirs = (torch.load(path, map_location="cpu") for path in sys.argv[1:3])
a, b = ours["model"], theirs["model"]
assert set(a) == set(b), set(a) ^ set(b)
for name, tensor in b.items():
    if "queue" not in name:
        assert a[name].dtype == tensor.dtype and torch.equal(a[name], tensor), name
print(len(b), ours["epoch"])
"""


@unittest.skipUnless(MODULES["torch"], "SKIPPED: no torch in " + PYTHON)
class ReleaseTest(ScratchTest):
    def make(self, kind, arch):
        folder = self.scratch / f"{kind}_{arch}"
        folder.mkdir()
        subprocess.run([PYTHON, ORACLES / "release_checkpoint.py", folder, kind, arch], check=True)
        return folder

    def convert(self, source, name, *words):
        run("convert", "--from", source, "--out", self.scratch / name, *words)
        return self.scratch / name

    def expect_equal(self, path, expected):
        found = tensors(path)
        self.assertEqual(set(found), set(expected))
        for name, tensor in expected.items():
            self.assertTrue(found[name] == tensor, name)

    def test_every_tensor_of_a_checkpoint_comes_in(self):
        for kind, arch in CASES:
            with self.subTest(kind=kind, arch=arch):
                folder = self.make(kind, arch)
                expected = tensors(folder / "expected.safetensors")
                for form in ("zip.pth", "legacy.pth"):
                    self.expect_equal(self.convert(folder / form, "all.safetensors", "--momentum"), expected)
                networks = {name: tensor for name, tensor in expected.items() if not name.startswith("optimizer.")}
                self.expect_equal(self.convert(folder / "zip.pth", "networks.safetensors"), networks)
                # And out again, and once more in.
                back = self.convert(self.scratch / "all.safetensors", "back.pth", "--format", "soco-release")
                counts = python(COMPARE, back, folder / "zip.pth").split()
                self.assertEqual(counts[1], "100")
                self.expect_equal(self.convert(back, "again.safetensors"), networks)

    def test_the_online_network_goes_through_every_format(self):
        folder = self.make("fpn", "resnet50")
        expected = tensors(folder / "expected.safetensors")
        prefixes = ("online.backbone.", "online.roi_heads.")
        for name, words, kept in [("d2.pkl", ["--format", "detectron2"], prefixes), ("d2.pth", ["--format", "detectron2"], prefixes),
                                  ("mm.pth", ["--format", "mmdetection"], prefixes),
                                  ("mmb.pth", ["--format", "mmdetection-backbone"], ("online.backbone.bottom_up.",)),
                                  ("tv.pth", ["--format", "torchvision"], ("online.backbone.bottom_up.",)),
                                  ("one.safetensors", ["--format", "safetensors"], ("online.",))]:
            with self.subTest(name=name):
                out = self.convert(self.convert(folder / "zip.pth", name, *words), "back.safetensors")
                found = {key: value for key, value in tensors(out).items() if key.startswith("online.")}
                wanted = {key: value for key, value in expected.items() if key.startswith(kept)}
                self.assertEqual(set(found), set(wanted))
                self.assertTrue(found == wanted)

    def test_a_file_that_does_not_match_is_refused_by_name(self):
        folder = self.make("fpn", "resnet18")
        python("import sys, torch; c = torch.load(sys.argv[1]); m = c['model']; m['module.encoder.extra'] = torch.zeros(1); "
               "del m['module.encoder_k.layer2.1.bn2.bias']; torch.save(c, sys.argv[2])", folder / "zip.pth", self.scratch / "bad.pth")
        done = run("convert", "--from", self.scratch / "bad.pth", "--out", self.scratch / "x.safetensors", check=False)
        self.assertEqual(done.returncode, 1)
        for words in ("1 missing, 1 unexpected", "target.backbone.bottom_up.res3.1.conv2.norm.bias", "encoder.extra", "--partial"):
            self.assertIn(words, done.stderr)
        self.assertFalse((self.scratch / "x.safetensors").exists())
        partial = tensors(self.convert(self.scratch / "bad.pth", "x.safetensors", "--partial"))
        expected = tensors(folder / "expected.safetensors")
        self.assertEqual({name for name in expected if not name.startswith("optimizer.")} - set(partial),
                         {"target.backbone.bottom_up.res3.1.conv2.norm.bias"})

    def test_momentum_that_does_not_fit_is_refused(self):
        folder = self.make("fpn", "resnet18")
        python("import sys, torch; c = torch.load(sys.argv[1]); c['optimizer']['param_groups'][0]['params'].pop(); torch.save(c, sys.argv[2])",
               folder / "zip.pth", self.scratch / "bad.pth")
        done = run("convert", "--from", self.scratch / "bad.pth", "--out", self.scratch / "x.safetensors", "--momentum", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("parameters in a group", done.stderr)
        self.convert(self.scratch / "bad.pth", "x.safetensors")  # without momentum nobody looks at it

    def test_queue_and_state_of_training_are_reported(self):
        folder = self.make("c4", "resnet18")
        done = run("convert", "--from", folder / "legacy.pth", "--out", self.scratch / "x.safetensors")
        for words in ("c4 layout", "queue", "queue_ptr", "opt (argparse.Namespace)", "optimizer (dict)"):
            self.assertIn(words, done.stderr)


class ForeignTest(ScratchTest):
    @unittest.skipUnless(MODULES["torchvision"], "SKIPPED: no torchvision in " + PYTHON)
    def test_torchvision_comes_in_and_goes_out_equal(self):
        source, back = self.scratch / "resnet18.pth", self.scratch / "back.pth"
        python("import sys, torch, torchvision; torch.save(torchvision.models.resnet18(weights=None).state_dict(), sys.argv[1])", source)
        run("convert", "--from", source, "--out", self.scratch / "c4.safetensors", "--architecture", "c4")
        names = tensors(self.scratch / "c4.safetensors")
        self.assertIn("online.roi_heads.res5.0.conv1.weight", names)
        self.assertIn("target.backbone.res4.0.conv1.weight", names)
        run("convert", "--from", self.scratch / "c4.safetensors", "--out", back, "--format", "torchvision", "--partial")
        print(python("import sys, torch; a, b = (torch.load(p) for p in sys.argv[1:3]); names = set(b) - {'fc.weight', 'fc.bias'}; "
                     "assert set(a) == names and all(torch.equal(a[n], b[n]) for n in names); print(len(names), 'tensors equal')", back, source))

    def write_caffe2(self, path):
        """The names of Detectron's ImageNet pickles: norms are scale and bias alone."""
        import numpy
        arrays = {"fc1000_w": numpy.zeros((4, 8), "f4"), "conv1_b": numpy.zeros(4, "f4")}

        def conv(name, norm, out, inner, kernel):
            arrays[name + "_w"] = numpy.random.rand(out, inner, kernel, kernel).astype("f4")
            arrays[norm + "_bn_s"] = numpy.random.rand(out).astype("f4")
            arrays[norm + "_bn_b"] = numpy.random.rand(out).astype("f4")

        conv("conv1", "res_conv1", 4, 3, 7)
        inner = 4
        for stage, blocks in enumerate((3, 4, 6, 3)):
            width = 4 << stage
            for block in range(blocks):
                at = f"res{stage + 2}_{block}_branch"
                shapes = [("2a", width, inner, 1), ("2b", width, width, 3), ("2c", 4 * width, width, 1)]
                for branch, out, into, kernel in shapes + ([("1", 4 * width, inner, 1)] if block == 0 else []):
                    conv(at + branch, at + branch, out, into, kernel)
                inner = 4 * width
        path.write_bytes(pickle.dumps({"blobs": arrays}, protocol=2))
        return arrays

    @unittest.skipUnless(MODULES["numpy"] and PYTHON and subprocess.run([sys.executable, "-c", "import numpy"], capture_output=True).returncode == 0,
                         "SKIPPED: no numpy")
    def test_caffe2_resnets_come_in_with_a_warning(self):
        arrays = self.write_caffe2(self.scratch / "R-50.pkl")
        done = run("convert", "--from", self.scratch / "R-50.pkl", "--out", self.scratch / "x.safetensors")
        for words in ("BGR", "1x1", "no statistics", "fc1000_w"):
            self.assertIn(words, done.stderr)
        found = tensors(self.scratch / "x.safetensors")
        trunk = "online.backbone.bottom_up."
        self.assertEqual(found[trunk + "res3.0.shortcut.weight"][2], arrays["res3_0_branch1_w"].tobytes())
        self.assertEqual(found[trunk + "res5.2.conv3.norm.bias"][2], arrays["res5_2_branch2c_bn_b"].tobytes())
        self.assertEqual(found[trunk + "stem.conv1.norm.weight"][2], arrays["res_conv1_bn_s"].tobytes())
        self.assertEqual(set(found[trunk + "stem.conv1.norm.running_mean"][2]), {0})

    def test_nothing_in_a_file_is_executed(self):
        witness = self.scratch / "witness"

        class Runs:
            def __reduce__(self):
                return os.system, (f"touch '{witness}'",)

        for protocol in range(2, 6):
            path = self.scratch / "evil.pkl"
            path.write_bytes(pickle.dumps({"model": Runs()}, protocol=protocol))
            done = run("convert", "--from", path, "--out", self.scratch / "x.safetensors", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("posix.system", done.stderr)
        self.assertFalse(witness.exists())

    def test_usage_errors_come_before_any_work(self):
        for words, message in [(["--out", "x.pth"], "--format"), (["--out", "x.pth", "--format", "soco-releas"], "soco-release"),
                               (["--out", "x.pkl", "--format", "torchvision"], ".pth"), (["--out", "x.pth", "--format", "soco-weights"], ".safetensors"),
                               (["--out", "x.pkl", "--momentum"], "soco-weights"), (["--out", "x.pkl", "--images", "d"], "proposals")]:
            done = run("convert", "--from", "missing.pth", *words, check=False, cwd=self.scratch)
            self.assertEqual((done.returncode, message in done.stderr), (2, True), done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
