# SPDX-License-Identifier: MIT
"""The command line as a user meets it: help, mistakes, hostile images, full disks."""
import os
import re
import resource
import struct
import subprocess
import unittest
import zlib

from common import SMALL_RUN, SOCO, ScratchTest, metrics, run

COMMANDS = ["pretrain", "finetune", "predict", "resume", "export", "propose", "inspect", "convert", "merge", "evaluate", "synth", "replay", "doctor"]


def png(width, height, rows):
    """A PNG of the given header size with `rows` as its (possibly lying) pixel data."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class CommandLineTest(ScratchTest):
    def refused(self, code, *words, **options):
        done = run(*words, check=False, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertNotIn("internal error", done.stderr)
        return done.stderr

    def refused_any(self, *words):
        """Refused as failed or as wrong usage."""
        done = run(*words, check=False)
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertNotIn("internal error", done.stderr)
        return done.stderr

    def test_every_command_has_help_with_examples(self):
        overview = run("--help").stdout
        for command in COMMANDS:
            self.assertRegex(overview, rf"(?m)^  {command} ")
            text = run(command, "--help").stdout
            self.assertIn("Examples:", text)
        self.assertRegex(run("pretrain", "--help").stdout, r"train\.epochs=\S+")

    def test_commands_without_training_do_not_load_libtorch(self):
        for words in (["--help"], ["synth", "--help"], ["propose", "--help"], ["export", "--help"]):
            trace = subprocess.run([SOCO, *words], env={**os.environ, "LD_DEBUG": "libs"}, capture_output=True, text=True)
            self.assertEqual(trace.returncode, 0)
            self.assertNotIn("libtorch", trace.stderr)

    def test_unknown_words_get_a_suggestion(self):
        self.assertIn("did you mean 'pretrain'?", self.refused(2, "pretain"))
        self.assertIn("epochs", self.refused(2, "pretrain", "--images", "x", "--out", "y", "train.epoch=3"))
        self.assertIn("soco_fpn_100ep", self.refused(2, "pretrain", "--images", "x", "--out", "y", "--config", "soco_fpn_100"))

    def test_doctor_runs_anywhere(self):
        text = run("doctor", "--out", self.scratch).stdout
        for word in ("soco", "memory", "disk", "libtorch"):
            self.assertIn(word, text)

    def test_export_and_resume_of_what_is_no_run(self):
        (self.scratch / "folder").mkdir()
        for path in (self.scratch / "folder", self.scratch / "absent"):
            self.assertIn(str(path), self.refused_any("export", "--from", path, "--format", "torchvision", "--out", self.scratch / "x.pth"))
            self.assertIn(str(path), self.refused_any("resume", path))
        self.assertFalse((self.scratch / "x.pth").exists())
        junk = self.scratch / "junk.safetensors"
        for content in (b"", b"hello", b"\xff" * 64, struct.pack("<Q", 2) + b"{}", struct.pack("<Q", 1 << 60) + b"{}"):
            junk.write_bytes(content)
            self.assertIn("junk.safetensors", self.refused_any("export", "--from", junk, "--format", "torchvision", "--out", self.scratch / "x.pth"))
        self.assertIn("torchvision", self.refused(2, "export", "--from", junk, "--format", "torchvison", "--out", self.scratch / "x.pth"))

    def test_missing_flags_are_named(self):
        for words, flag in ((["pretrain", "--images", "x"], "--out"), (["propose", "--out", "x"], "--images"), (["synth"], "--out"),
                            (["export", "--from", "x", "--out", "y"], "--format"), (["resume"], "RUN"), (["replay", "--batch", "x"], "--weights")):
            self.assertIn(flag, self.refused(2, *words))

    def test_wrong_values_name_key_value_and_range(self):
        for word in ("train.epochs=many", "train.epochs=0", "model.backbone=resnet42", "solver.lr=-1", "plan.num_boxes=0"):
            error = self.refused(2, "pretrain", "--images", "x", "--out", self.scratch / "o", word)
            key, value = word.split("=")
            self.assertIn(key.split(".")[-1], error)
            self.assertIn(value, error)
        self.assertFalse((self.scratch / "o").exists())

    def test_configuration_mistakes_have_line_and_column(self):
        config = self.scratch / "c.toml"
        config.write_text('[train]\nepochz = 3\n')
        self.assertRegex(self.refused(2, "pretrain", "--images", "x", "--out", "y", "--config", config), r"c\.toml:2:\d+")

    def test_missing_and_empty_folders(self):
        self.assertIn("no such folder", self.refused(2, "pretrain", "--images", self.scratch / "none", "--out", self.scratch / "o"))
        (self.scratch / "empty").mkdir()
        self.assertIn("no image found", self.refused(2, "pretrain", "--images", self.scratch / "empty", "--out", self.scratch / "o"))
        self.assertIn("no image found", self.refused(2, "propose", "--images", self.scratch / "empty", "--out", self.scratch / "p.db"))

    def test_nothing_readable(self):
        folder = self.scratch / "bad"
        folder.mkdir()
        for i in range(6):
            (folder / f"{i}.jpg").write_bytes(b"<html>not an image</html>")
        error = self.refused(1, "pretrain", "--images", folder, "--out", self.scratch / "o", *SMALL_RUN, "train.batch_size=2")
        self.assertIn("0.jpg", error)

    def test_fewer_images_than_a_batch(self):
        error = self.refused(2, "pretrain", "--images", self.scenes(4), "--out", self.scratch / "o", "train.batch_size=8")
        self.assertIn("train.batch_size = 8", error)
        self.assertIn("4 images", error)

    def test_output_in_use(self):
        (self.scratch / "o").mkdir()
        (self.scratch / "o" / "mine.txt").write_text("x")
        error = self.refused(2, "pretrain", "--images", self.scenes(4), "--out", self.scratch / "o", *SMALL_RUN)
        self.assertIn("--overwrite", error)
        self.assertEqual((self.scratch / "o" / "mine.txt").read_text(), "x")

    def test_hostile_images_are_left_out_named_and_survived(self):
        images = self.scenes(12)
        good = sorted(images.iterdir())[0].read_bytes()
        (images / "a_empty.jpg").write_bytes(b"")
        (images / "a_text.png").write_bytes(b"hello")
        (images / "a_truncated.jpg").write_bytes(good[:len(good) // 2])
        (images / "a_huge.png").write_bytes(png(20000, 20000, b""))
        (images / "a_one_pixel.png").write_bytes(png(1, 1, b"\0\xff\0\0"))
        (images / "a_wrong_name.png").write_bytes(good)
        done = run("pretrain", "--images", images, "--out", self.scratch / "o", *SMALL_RUN, "train.max_steps=8", "train.epochs=4",
                   "data.max_bad_ratio=0.5")
        for name in ("a_empty.jpg", "a_text.png", "a_truncated.jpg", "a_huge.png"):
            self.assertIn(name, done.stderr)
        for name in ("a_one_pixel.png", "a_wrong_name.png"):
            self.assertNotIn(name + ":", done.stderr)
        self.assertEqual(len(metrics(self.scratch / "o")), 8)
        self.assertIn("max_bad_ratio", self.refused(1, "pretrain", "--images", images, "--out", self.scratch / "strict", *SMALL_RUN,
                                                    "data.max_bad_ratio=0"))

    def test_twenty_thousand_pixels_square_is_refused_without_the_memory(self):
        images = self.scenes(8)
        (images / "huge.png").write_bytes(png(20000, 20000, b""))
        limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))  # noqa: E731  (1.2 GB would be needed)
        done = run("propose", "--images", images, "--out", self.scratch / "p.db", preexec_fn=limit)
        self.assertIn("huge.png", done.stderr)

    def test_full_disk_is_a_clear_error_and_loses_nothing(self):
        images = self.scenes(8)
        keys = [*SMALL_RUN, "train.epochs=8", "train.checkpoint_every_steps=1"]
        run("pretrain", "--images", images, "--out", self.scratch / "o", *keys, "train.max_steps=2")
        last = self.scratch / "o" / "checkpoints" / (self.scratch / "o" / "checkpoints" / "last").read_text().strip()
        before = last.read_bytes()
        config = self.scratch / "o" / "config.toml"
        config.write_text(re.sub(r"max_steps = 2", "max_steps = 8", config.read_text()))
        # A file may not grow beyond half a checkpoint: what a full disk does, without filling one.
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2,) * 2)  # noqa: E731
        done = run("resume", self.scratch / "o", check=False, preexec_fn=limit)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("checkpoint", done.stderr)
        self.assertEqual(last.read_bytes(), before)
        run("resume", self.scratch / "o")
        self.assertEqual([line["step"] for line in metrics(self.scratch / "o")], list(range(8)))

    def test_two_processes_in_one_run_are_refused(self):
        images = self.scenes(8)
        words = ["pretrain", "--images", images, "--out", self.scratch / "o", *SMALL_RUN, "train.epochs=500", "train.checkpoint_every_steps=0"]
        first = subprocess.Popen([SOCO, *map(str, words)], stderr=subprocess.DEVNULL)
        try:
            while not (self.scratch / "o" / "metrics.jsonl").exists():
                self.assertIsNone(first.poll())
            self.assertIn("another process", self.refused(1, "resume", self.scratch / "o"))
        finally:
            first.kill()
            first.wait()

    def test_log_shows_what_a_user_needs(self):
        run("pretrain", "--images", self.scenes(8), "--out", self.scratch / "o", *SMALL_RUN, "train.epochs=3")
        lines = metrics(self.scratch / "o")
        for key in ("step", "epoch", "loss", "mean_cosine", "feature_std_ratio", "feature_rank", "lr", "ema_momentum", "grad_norm",
                    "images_per_s", "data_wait", "boxes_p2", "boxes_p5"):
            self.assertIn(key, lines[0])
        log = (self.scratch / "o" / "train.log").read_text()
        self.assertIn("auto: solver.lr", log)
        self.assertIn("[train]", log)
        self.assertTrue(list((self.scratch / "o").glob("events.out.tfevents.*")))

    def test_inspect_draws_a_run_and_a_folder(self):
        images = self.scenes(8)
        run("inspect", "views", "--images", images, "--count", 2, "--out", self.scratch / "a.png")
        run("pretrain", "--images", images, "--out", self.scratch / "o", *SMALL_RUN, "train.epochs=1")
        run("inspect", "views", self.scratch / "o", "--count", 2, "--out", self.scratch / "b.png")
        for name in ("a.png", "b.png"):
            self.assertEqual((self.scratch / name).read_bytes()[:4], b"\x89PNG")

    def test_proposals_go_to_json_and_back(self):
        images = self.scenes(6)
        run("propose", "--images", images, "--out", self.scratch / "p.db")
        run("convert", "--from", self.scratch / "p.db", "--out", self.scratch / "p.json")
        run("convert", "--from", self.scratch / "p.json", "--images", images, "--out", self.scratch / "q.db")
        run("convert", "--from", self.scratch / "q.db", "--out", self.scratch / "q.json")
        self.assertEqual((self.scratch / "p.json").read_bytes(), (self.scratch / "q.json").read_bytes())

    def test_synth_is_the_same_for_any_number_of_threads(self):
        for workers in (1, 3):
            run("synth", "--out", self.scratch / f"s{workers}", "--images", 12, f"workers={workers}")
        files = [sorted(p.relative_to(self.scratch / f"s{w}") for p in (self.scratch / f"s{w}").rglob("*.*")) for w in (1, 3)]
        self.assertEqual(*files)
        for name in files[0]:
            if name.name != "dataset.json":
                self.assertEqual((self.scratch / "s1" / name).read_bytes(), (self.scratch / "s3" / name).read_bytes(), name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
