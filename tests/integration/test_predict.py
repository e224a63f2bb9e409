# SPDX-License-Identifier: MIT
"""`soco predict`: results that `soco evaluate` judges as the training did; lists, tiles, drawings, bad images."""
import json
import os
import shutil
import unittest

from common import ScratchTest, run
from test_finetune import KEYS


class PredictTest(ScratchTest):
    @classmethod
    def setUpClass(cls):
        cls.shared = ScratchTest("setUp")
        cls.shared.setUp()
        cls.labelled, cls.detector = cls.shared.scratch / "set", cls.shared.scratch / "run"
        run("synth", "--out", cls.labelled, "--images", 8, "val_ratio=0", "width=128", "height=96", "categories=2", "max_objects=3")
        cls.images, cls.labels = cls.labelled / "train", cls.labelled / "annotations" / "instances_train.json"
        run("finetune", "--images", cls.images, "--annotations", cls.labels, "--val-images", cls.images, "--val-annotations", cls.labels,
            "--out", cls.detector, *KEYS, "train.steps=120", "eval.every_steps=0", "solver.warmup_steps=20",
            "train.checkpoint_every_steps=1000", "model.roi_heads.score_threshold=0.01")

    @classmethod
    def tearDownClass(cls):
        cls.shared.doCleanups()

    def predict(self, name, *words, **options):
        out = self.scratch / name
        done = run("predict", "--model", self.detector, "--out", out, "--threads", 1, *words, **options)
        return done, json.loads(out.read_text()) if out.exists() else None

    def test_evaluate_gives_the_figures_of_the_training(self):
        done, results = self.predict("results.json", "--images", self.images, "--annotations", self.labels)
        self.assertIn("images/s", done.stderr)
        figures = json.loads((self.detector / "validation.json").read_text())
        self.assertGreater(figures["val_box_AP50"], 0.001, "too little was learned for the comparison to mean anything")
        for iou_type, prefix in [("bbox", "val_box_"), ("segm", "val_mask_")]:
            run("evaluate", "--gt", self.labels, "--dt", self.scratch / "results.json", "--iou-type", iou_type, "--json", self.scratch / "e.json")
            for name, value in json.loads((self.scratch / "e.json").read_text())["figures"].items():
                self.assertEqual(value, figures[prefix + name], name)

    def test_boxes_and_masks_are_of_their_images(self):
        _, results = self.predict("results.json", "--images", self.images)
        head = json.loads((self.scratch / "results.images.json").read_text())
        sizes = {entry["id"]: (entry["height"], entry["width"]) for entry in head["images"]}
        self.assertEqual([entry["file_name"] for entry in head["images"]], sorted(path.name for path in self.images.iterdir()))
        self.assertGreater(len(results), 8)
        for found in results:
            height, width = sizes[found["image_id"]]
            x, y, w, h = found["bbox"]
            self.assertTrue(x >= 0 and y >= 0 and x + w <= width + 1e-3 and y + h <= height + 1e-3, found["bbox"])
            self.assertEqual(found["segmentation"]["size"], [height, width])
            self.assertIn(found["category_id"], [entry["id"] for entry in head["categories"]])

    def test_one_tile_and_a_list_from_stdin_give_what_whole_images_do(self):
        _, whole = self.predict("whole.json", "--images", self.images)
        _, tiled = self.predict("tiled.json", "--images", self.images, "--tile", 4096)
        key = lambda found: (found["image_id"], -found["score"], found["bbox"])
        # Tiles are joined by an NMS at 0.5 as the detector's own, over the same detections: none goes.
        self.assertEqual(sorted(whole, key=key), sorted(tiled, key=key))
        names = "\n".join(sorted(str(path) for path in self.images.iterdir()))
        _, listed = self.predict("listed.json", "--images", "-", input=names)
        self.assertEqual(whole, listed)

    def test_small_tiles_find_boxes_within_the_image(self):
        done, found = self.predict("tiles.json", "--images", self.images, "--tile", 80, "--batch", 3)
        self.assertGreater(len(found), 0)
        for one in found:
            self.assertLessEqual(one["bbox"][0] + one["bbox"][2], one["segmentation"]["size"][1] + 1e-3)

    def test_score_and_nms_take_the_place_of_the_runs(self):
        _, all_found = self.predict("all.json", "--images", self.images, "--score", 0)
        _, sure = self.predict("sure.json", "--images", self.images, "--score", 0.3)
        self.assertLess(len(sure), len(all_found))
        self.assertTrue(all(found["score"] > 0.3 for found in sure))
        _, apart = self.predict("apart.json", "--images", self.images, "--score", 0, "--nms", 0)
        self.assertLess(len(apart), len(all_found))

    def test_drawings_and_a_bad_image(self):
        folder = self.scratch / "some"
        folder.mkdir()
        for path in sorted(self.images.iterdir())[:3]:
            shutil.copy(path, folder)
        (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
        done, _ = self.predict("results.json", "--images", folder, "--draw", self.scratch / "drawn")
        self.assertIn("broken.jpg", done.stderr)
        self.assertEqual(len(os.listdir(self.scratch / "drawn")), 3)

    def test_mistakes_are_answered(self):
        for words, code, text in [(["--tile", 64, "--tile-overlap", 64, "--images", self.images], 2, "must be less than --tile 64"),
                                  ([], 2, "give --images"),
                                  (["--images", "-"], 2, "no path came")]:
            done, _ = self.predict("none.json", *words, check=False, input="")
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(text, done.stderr)
        done = run("predict", "--model", self.labelled, "--images", self.images, "--out", self.scratch / "none.json", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertFalse((self.scratch / "none.json").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
