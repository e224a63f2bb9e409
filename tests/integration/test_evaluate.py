# SPDX-License-Identifier: MIT
"""The command soco evaluate: what it prints, writes and refuses."""
import json
import pathlib
import tempfile
import unittest

from common import run

GT = {"images": [{"id": 1, "file_name": "a.jpg", "height": 100, "width": 100}],
      "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 40], "area": 1600, "iscrowd": 0,
                       "segmentation": [[10, 10, 50, 10, 50, 50, 10, 50]]}],
      "categories": [{"id": 1, "name": "cat", "frequency": "r"}]}
HIT = {"image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 40], "score": 0.5}


class Evaluate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "gt.json").write_text(json.dumps(GT))

    def evaluate(self, results, *flags):
        (self.folder / "dt.json").write_text(json.dumps(results))
        return run("evaluate", "--gt", self.folder / "gt.json", "--dt", self.folder / "dt.json", *flags, check=False)

    def figures(self, results, *flags):
        done = self.evaluate(results, "--json", self.folder / "out.json", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads((self.folder / "out.json").read_text())["figures"]

    def test_a_perfect_result_has_ap_one_under_every_metric(self):
        for flags in ([], ["--iou-type", "segm"], ["--metric", "lvis"], ["--metric", "lvis", "--iou-type", "segm"],
                      ["--metric", "voc07"], ["--metric", "voc10", "--voc-boxes", "inclusive"]):
            self.assertAlmostEqual(self.figures([HIT], *flags)["AP"], 1, places=12, msg=flags)

    def test_without_results_ap_is_zero(self):
        self.assertEqual(self.figures([])["AP"], 0)

    def test_the_plot_is_written(self):
        self.figures([HIT], "--plot", self.folder / "pr.svg")
        self.assertIn("<svg", (self.folder / "pr.svg").read_text())

    def test_a_fault_is_one_line_and_repaired_when_asked_for(self):
        results = [HIT, {**HIT, "image_id": 9}]
        done = self.evaluate(results)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1)
        self.assertIn("image_id 9", done.stderr)
        done = self.evaluate(results, "--repair")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("repaired:", done.stderr)
        self.assertIn("[1]", done.stderr)

    def test_flags_that_do_not_go_together_are_refused(self):
        for flags in (["--metric", "voc07", "--iou-type", "segm"], ["--metric", "proposals"], ["--voc-boxes", "inclusive"],
                      ["--filter", "min=3"], ["--metric", "none"], ["--workers", "-1"]):
            self.assertEqual(self.evaluate([HIT], *flags).returncode, 2, flags)


unittest.main()
