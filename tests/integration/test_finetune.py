# SPDX-License-Identifier: MIT
"""Detectors train, are judged, start from pretrained weights; killed and stopped runs end like undisturbed ones."""
import array
import json
import random
import shutil
import time
import unittest

from common import SMALL_DETECTOR_RUN, SMALL_MODEL, SMALL_RUN, ScratchTest, metrics, newest_checkpoint, run, tensors

STEPS = 16
KEYS = SMALL_DETECTOR_RUN + [f"train.steps={STEPS}", "train.checkpoint_every_steps=3", "eval.every_steps=6", "eval.precise_bn_batches=2",
                             "solver.ema_momentum=0.9"]


class FinetuneTest(ScratchTest):
    def setUp(self):
        super().setUp()
        run("synth", "--out", self.scratch / "set", "--images", 16, "val_ratio=0.25", "width=128", "height=96", "categories=2")
        labels = self.scratch / "set" / "annotations"
        self.train = ["--images", self.scratch / "set" / "train", "--annotations", labels / "instances_train.json"]
        self.val = ["--val-images", self.scratch / "set" / "val", "--val-annotations", labels / "instances_val.json"]

    def finetune(self, name, *words, check=True):
        return run("finetune", *self.train, "--out", self.scratch / name, *KEYS, *words, check=check)

    def outcome(self, name):
        folder = self.scratch / name
        return [(folder / file).read_bytes() for file in ("best.safetensors", "validation.json")] + [newest_checkpoint(folder).read_bytes()]

    def test_killed_at_random_moments(self):
        started = time.monotonic()
        self.finetune("whole", *self.val)
        longest_wait = (time.monotonic() - started) / STEPS * 4
        folder, rng, kills = self.scratch / "killed", random.Random(3), 0
        words = ["finetune", *self.train, *self.val, "--out", folder, *KEYS]
        while kills < 5 and self.kill_at_random(words, folder, longest_wait, rng):
            words, kills = ["resume", folder], kills + 1
        self.assertGreaterEqual(kills, 2, "the run was over too soon for the test to mean anything")
        run("resume", folder)
        print(f"killed {kills} times")
        self.assertTrue(self.outcome("killed") == self.outcome("whole"))
        lines = metrics(folder)
        self.assertEqual([line["step"] for line in lines], list(range(STEPS)))
        self.assertEqual([line["step"] for line in lines if "val_box_AP" in line], [5, 11, 15])

    def test_stop_signal_saves_and_exits_75(self):
        self.finetune("whole", *self.val)
        folder = self.scratch / "stopped"
        self.stop_and_resume(["finetune", *self.train, *self.val, "--out", folder, *KEYS,
                              "train.checkpoint_every_steps=1000"], folder)
        # The configuration in the metadata differs (checkpoint_every_steps), so tensors are compared, not files.
        self.assertTrue(tensors(newest_checkpoint(folder)) == tensors(newest_checkpoint(self.scratch / "whole")))

    def test_starts_from_a_pretraining_run_and_says_what_it_took(self):
        run("pretrain", "--images", self.scratch / "set" / "train", "--out", self.scratch / "pre", *SMALL_RUN, "train.epochs=1",
            "train.max_steps=1")
        done = self.finetune("from", "--init", self.scratch / "pre", "train.steps=1",
                             "solver.freeze=[\"backbone.bottom_up.\"]", "solver.ema_momentum=0")
        self.assertIn("at random: proposal_generator.", done.stderr)
        report = (self.scratch / "from" / "load_report.txt").read_text()
        self.assertNotIn("missing", report)
        pretrained, detector = tensors(newest_checkpoint(self.scratch / "pre")), tensors(newest_checkpoint(self.scratch / "from"))
        frozen = {name: value for name, value in detector.items() if name.startswith("model.backbone.bottom_up.")}
        self.assertGreater(len(frozen), 100)
        for name, value in frozen.items():  # taken, then kept by solver.freeze
            self.assertEqual(value, pretrained[name.replace("model.", "model.online.", 1)], name)
        head = "roi_heads.box_head.fc1.weight"
        self.assertNotEqual(detector["model." + head], pretrained["model.online." + head])  # taken, then trained

    def test_starts_from_an_image_level_run_without_pyramid_and_head(self):
        run("pretrain", "--images", self.scratch / "set" / "train", "--out", self.scratch / "pre", "--config", "cpu/byol_image_tiny",
            *SMALL_MODEL, "train.batch_size=4", "train.num_threads=1", "loader.num_workers=1", "train.epochs=1", "train.max_steps=1")
        done = self.finetune("from", "--init", self.scratch / "pre", "train.steps=1", "solver.freeze=[\"backbone.bottom_up.\"]")
        self.assertRegex(done.stderr, r"at random: .*backbone\.fpn_")
        pretrained, detector = tensors(newest_checkpoint(self.scratch / "pre")), tensors(newest_checkpoint(self.scratch / "from"))
        stem = "backbone.bottom_up.stem.conv1.weight"
        self.assertEqual(detector["model." + stem], pretrained["model.online." + stem])

    def test_another_network_is_refused_with_names(self):
        run("pretrain", "--images", self.scratch / "set" / "train", "--out", self.scratch / "pre", *SMALL_RUN, "train.epochs=1",
            "train.max_steps=1")
        wide = ["--init", self.scratch / "pre", "train.steps=1", "model.fpn_channels=32"]
        refused = self.finetune("wide", *wide, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("backbone.fpn_lateral2.weight: [16, 16, 1, 1] in the file, [32, 16, 1, 1] in the detector", refused.stderr)
        self.assertIn("--partial", refused.stderr)
        self.finetune("wide", *wide, "--partial", "--overwrite")

    def test_starts_from_an_export_and_from_a_detector(self):
        self.finetune("first", *self.val, "train.steps=2")
        again = self.finetune("again", "--init", self.scratch / "first", "train.steps=1")
        self.assertIn("0 start at random", again.stderr)
        best = self.scratch / "first" / "best.safetensors"
        self.assertIn("0 start at random", self.finetune("file", "--init", best, "train.steps=1").stderr)
        run("pretrain", "--images", self.scratch / "set" / "train", "--out", self.scratch / "pre", *SMALL_RUN, "train.epochs=1",
            "train.max_steps=1")
        run("export", "--from", self.scratch / "pre", "--format", "detectron2", "--out", self.scratch / "pre.pkl")
        self.finetune("export", "--init", self.scratch / "pre.pkl", "train.steps=1")

    def test_precise_statistics_are_those_of_the_last_weights_alone(self):
        """Weights that hardly move, so that the statistics of training tell how long it was, and precise ones do not."""
        def statistics(batches, steps):
            name = f"precise{batches}_{steps}"
            self.finetune(name, "solver.base_lr=1e-12", "solver.ema_momentum=0", f"eval.precise_bn_batches={batches}", f"train.steps={steps}")
            state = tensors(newest_checkpoint(self.scratch / name))
            return [mean for key in sorted(state) if key.endswith("running_mean") for mean in array.array("f", state[key][2])]

        def distance(batches):
            return max(abs(a - b) for a, b in zip(statistics(batches, 2), statistics(batches, 5)))
        self.assertGreater(distance(0), 1e-2)
        self.assertLess(distance(3), 1e-5)  # float32 sums over weights that differ by 1e-12

    def test_patience_ends_training(self):
        self.finetune("patient", *self.val, "solver.base_lr=1e-9", "eval.every_steps=2", "eval.patience=2", "train.steps=100")
        self.assertLess(metrics(self.scratch / "patient")[-1]["step"], 20)  # nothing is learned: AP does not rise
        self.assertIn("nothing to do", run("resume", self.scratch / "patient").stderr)

    def test_the_best_detector_is_exported(self):
        self.finetune("judged", *self.val, "train.steps=2")
        self.finetune("other", *self.val, "train.steps=1", "train.seed=5")
        best = self.scratch / "judged" / "best.safetensors"
        shutil.copy(self.scratch / "other" / "best.safetensors", best)  # so that it is surely not the newest
        run("export", "--from", self.scratch / "judged", "--format", "safetensors", "--out", self.scratch / "exported.safetensors")
        weight = "roi_heads.box_head.fc1.weight"
        exported = tensors(self.scratch / "exported.safetensors")
        self.assertEqual(exported[weight], tensors(best)[weight])
        self.assertNotEqual(exported[weight], tensors(newest_checkpoint(self.scratch / "judged"))["model." + weight])

    def test_labels_without_shapes_train_boxes_alone(self):
        path = self.scratch / "set" / "annotations" / "instances_train.json"
        labels = json.loads(path.read_text())
        for entry in labels["annotations"]:
            del entry["segmentation"]
        path.write_text(json.dumps(labels))
        done = self.finetune("boxes", *self.val, "train.steps=1")
        self.assertIn("boxes alone are learned", done.stderr)
        self.assertNotIn("loss_mask", metrics(self.scratch / "boxes")[0])
        self.assertNotIn("val_mask_AP", metrics(self.scratch / "boxes")[0])

    def test_mistakes_are_answered(self):
        for words, code, text in [
                (["--val-images", self.scratch / "set" / "val"], 2, "needs --val-annotations"),
                (["solver.freeze=[\"backbon.\"]"], 2, "no weight of the detector begins with \"backbon.\""),
                (["eval.every_steps=0", "eval.patience=3"], 2, "eval.patience = 3 needs"),
                (["--init", self.scratch / "none.safetensors"], 1, "none.safetensors")]:
            done = self.finetune("mistake", *words, "--overwrite", check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(text, done.stderr)
        self.finetune("changed", "train.steps=1")
        path = self.scratch / "set" / "annotations" / "instances_train.json"
        labels = json.loads(path.read_text())
        labels["annotations"][0]["bbox"][0] += 1
        path.write_text(json.dumps(labels))
        done = run("resume", self.scratch / "changed", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no longer those the run began with", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
