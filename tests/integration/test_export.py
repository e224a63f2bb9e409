# SPDX-License-Identifier: MIT
"""A finished run is exported in every format, and each file is loaded the way its consumer loads it (export_check.py)."""
import os
import subprocess
import sys
import unittest

from common import ORACLES, SMALL_RUN, ScratchTest, newest_checkpoint, run, tensors

FILES = {"safetensors": ["soco.safetensors"], "detectron2": ["soco.pkl", "soco.pth"], "mmdetection": ["mmdet.pth"],
         "mmdetection-backbone": ["mmdet_backbone.pth"], "torchvision": ["torchvision.pth"]}


class ExportTest(ScratchTest):
    def setUp(self):
        super().setUp()
        self.run_folder = self.scratch / "run"
        run("pretrain", "--images", self.scenes(8), "--out", self.run_folder, *SMALL_RUN, "model.backbone_width=64",
            "train.epochs=2")

    def export_all(self, source):
        for format_name, names in FILES.items():
            for name in names:
                run("export", "--from", source, "--format", format_name, "--out", self.scratch / name)

    def test_every_format_loads_in_its_consumer(self):
        self.export_all(self.run_folder)
        at = lambda name: str(self.scratch / name)  # noqa: E731
        pythons = [os.environ.get("SOCO_ORACLE_PYTHON", sys.executable), os.environ.get("SOCO_ORACLE_PYTHON_TORCH2")]
        for python in filter(None, pythons):
            if subprocess.run([python, "-c", "import numpy"], capture_output=True).returncode != 0:
                print(f"SKIPPED oracle export_check: no module numpy in {python}")
                continue
            done = subprocess.run([python, ORACLES / "export_check.py", "--source", at("soco.safetensors"), "--detectron2", at("soco.pkl"),
                                   "--detectron2", at("soco.pth"), "--mmdetection", at("mmdet.pth"), "--mmdetection-backbone",
                                   at("mmdet_backbone.pth"), "--torchvision", at("torchvision.pth"), "--arch", "resnet18"],
                                  capture_output=True, text=True)
            print(done.stdout, end="")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_exported_tensors_are_the_online_networks(self):
        self.export_all(self.run_folder)
        online = "model.online."
        expected = {name[len(online):]: value for name, value in tensors(newest_checkpoint(self.run_folder)).items() if name.startswith(online)}
        exported = tensors(self.scratch / "soco.safetensors")
        self.assertIn("backbone.bottom_up.stem.conv1.weight", exported)
        self.assertTrue(exported.items() <= expected.items())
        self.assertEqual({name for name in expected if name.startswith(("backbone.", "roi_heads."))} - set(exported), set())

    def test_a_checkpoint_file_exports_like_its_run(self):
        self.export_all(self.run_folder)
        before = {name: (self.scratch / name).read_bytes() for names in FILES.values() for name in names}
        self.export_all(newest_checkpoint(self.run_folder))
        for name, content in before.items():
            if not name.endswith(".safetensors"):  # its metadata may name the source
                self.assertTrue((self.scratch / name).read_bytes() == content, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
