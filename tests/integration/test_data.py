# SPDX-License-Identifier: MIT
"""Every layout of images gives the proposals of the plain folder; soco inspect data tells what a set holds; hostile
archives write nothing; long listings are kept."""
import json
import os
import pathlib
import shutil
import sqlite3
import statistics
import tarfile
import time
import unittest
import zipfile

from common import ScratchTest, run


def rows(store):
    return sqlite3.connect(store).execute(
        "SELECT key, height, width, fingerprint, boxes, error FROM proposals ORDER BY key").fetchall()


class SourceTest(ScratchTest):
    def setUp(self):
        super().setUp()
        self.images = self.scenes(6)
        self.files = sorted(self.images.glob("*.jpg"))
        self.expected = self.rows_of(self.images)

    def rows_of(self, source):
        store = self.scratch / f"{len(list(self.scratch.glob('*.db')))}.db"
        run("propose", "--images", source, "--source", "grid", "--out", store, cwd=self.scratch)
        return rows(store)

    def names(self, prefix=""):
        return [prefix + row[0] for row in self.expected]

    def check(self, source, prefix=""):
        found = self.rows_of(source)
        self.assertEqual([row[0] for row in found], self.names(prefix), source)
        self.assertEqual([row[1:] for row in found], [row[1:] for row in self.expected], source)

    def test_the_releases_zip_with_its_map(self):
        with zipfile.ZipFile(self.scratch / "train.zip", "w") as archive:
            for file in self.files:
                archive.write(file, "n01/" + file.name)
            archive.writestr("n01/other.jpg", "not in the map")
        (self.scratch / "train_map.txt").write_text("".join(f"n01/{file.name}\t{i}\n" for i, file in enumerate(self.files)))
        self.check(self.scratch / "train_map.txt", "n01/")

    def test_a_list_in_the_working_folder(self):
        (self.scratch / "list.txt").write_text("".join(f"scenes/train/{file.name}\n" for file in self.files))
        self.check("list.txt", "scenes/train/")

    def test_webdataset_shards(self):
        shards = self.scratch / "shards"
        shards.mkdir()
        for part in range(3):
            with tarfile.open(shards / f"train-{part:06}.tar", "w") as tar:
                for file in self.files[part * 2:part * 2 + 2]:
                    label = self.scratch / (file.stem + ".cls")
                    label.write_text("1")
                    tar.add(file, file.name)
                    tar.add(label, label.name)
                    tar.add(file, file.stem + ".mask.png")  # a part of the sample, and no image of its own
        keys = [f"train-{i // 2:06}.tar/{file.name}" for i, file in enumerate(self.files)]
        for source in ("shards/train-{000000..000002}.tar", "shards/train-*.tar", "shards"):
            found = self.rows_of(source)
            self.assertEqual([row[0] for row in found], keys, source)
            self.assertEqual([row[1:] for row in found], [row[1:] for row in self.expected], source)

    def test_annotation_trees(self):
        coco = {"images": [{"id": i, "file_name": file.name, "height": 120, "width": 160} for i, file in enumerate(self.files)]}
        tree = self.scratch / "coco"
        (tree / "annotations").mkdir(parents=True)
        (tree / "annotations" / "instances_train2017.json").write_text(json.dumps(coco))
        shutil.copytree(self.images, tree / "train2017")
        self.check(tree / "annotations" / "instances_train2017.json")
        self.check(f"{tree}/annotations/instances_train2017.json@{self.images}")
        voc = self.scratch / "VOC2007"
        shutil.copytree(self.images, voc / "JPEGImages")
        shutil.copytree(self.images, voc / "SegmentationClass")
        (voc / "Annotations").mkdir()
        self.check(voc, "JPEGImages/")
        yolo = self.scratch / "yolo"
        shutil.copytree(self.images, yolo / "images" / "train")
        shutil.copytree(self.images, yolo / "labels" / "train")
        self.check(yolo, "images/train/")

    def test_hostile_archives_write_nothing(self):
        cage = self.scratch / "cage"
        (cage / "in").mkdir(parents=True)
        with tarfile.open(cage / "in" / "a.tar", "w") as tar:
            for file, name in zip(self.files, ["../../out.jpg", "/tmp/soco_out.jpg", "good.jpg"]):
                info = tarfile.TarInfo(name)
                info.size = file.stat().st_size
                with open(file, "rb") as stream:
                    tar.addfile(info, stream)
            link = tarfile.TarInfo("link.jpg")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(link)
        before = sorted(cage.rglob("*"))
        done = run("propose", "--images", cage / "in" / "a.tar", "--source", "grid", "--out", self.scratch / "h.db")
        self.assertEqual(sorted(cage.rglob("*")), before)
        self.assertFalse(pathlib.Path("/tmp/soco_out.jpg").exists())
        self.assertEqual(len(rows(self.scratch / "h.db")), 3)
        self.assertIn("1 links, devices or sparse files inside archives are left out", done.stderr)

    def test_a_long_listing_is_kept(self):
        folder = self.scratch / "many"
        for part in range(101):
            (folder / f"{part:03}").mkdir(parents=True)
            for i in range(100):
                (folder / f"{part:03}" / f"{i:03}.jpg").touch()
        for path in [folder, *folder.iterdir()]:
            os.utime(path, (time.time() - 60,) * 2)
        environment = dict(os.environ, SOCO_INDEX_DIR=str(self.scratch / "index"))
        words = ("propose", "--images", folder, "--source", "grid", "--shard", "1/9999", "--out", self.scratch / "l.db",
                 "max_bad_ratio=1")
        first = run(*words, env=environment, check=False)
        self.assertIn("the listing is kept in", first.stderr)
        second = run(*words, env=environment, check=False)
        self.assertIn("10100 images, as listed before", second.stderr)
        (folder / "000" / "new.jpg").touch()
        self.assertNotIn("as listed before", run(*words, env=environment, check=False).stderr)


class InspectDataTest(ScratchTest):
    def test_counts_what_a_set_holds(self):
        images = self.scenes(6)
        files = sorted(images.glob("*.jpg"))
        shutil.copy(files[0], images / "zz_again.jpg")
        whole = files[1].read_bytes()
        (images / "zz_cut.jpg").write_bytes(whole[:len(whole) // 2])
        store, out = self.scratch / "p.db", self.scratch / "data.json"
        run("propose", "--images", images, "--source", "grid", "--out", store, "max_bad_ratio=1")
        done = run("inspect", "data", "--images", images, "--proposals", store, "--json", out)
        figures = json.loads(out.read_text())
        self.assertEqual((figures["num_images"], figures["num_bad"], figures["num_repeats"]), (8, 1, 1))
        self.assertEqual(figures["formats"], {"JPEG": 7})
        widths = {image["file_name"]: image["width"] for image in json.loads(
            (images.parent / "annotations" / "instances_train.json").read_text())["images"]}
        widths = [widths[file.name] for file in files] + [widths[files[0].name]]
        self.assertEqual(figures["width"]["min"], min(widths))
        self.assertEqual(figures["width"]["median"], statistics.median(widths))
        self.assertAlmostEqual(figures["width"]["mean"], statistics.mean(widths))
        self.assertEqual(figures["repeats"], [{"key": "zz_again.jpg", "first": files[0].name}])
        self.assertEqual(figures["bad"][0]["key"], "zz_cut.jpg")
        self.assertEqual(figures["proposals"]["num_missing"], 0)
        self.assertGreater(figures["proposals"]["stored"]["median"], 0)
        self.assertGreater(figures["speed"]["images_per_s"], 0)
        self.assertIn("an epoch takes at least", done.stdout)
        self.assertIn("zz_cut.jpg", done.stdout)

    def test_mistakes_are_named(self):
        for words, part in [(("inspect", "data"), "name a run folder, or give --images"),
                            (("inspect", "data", "--images", self.scratch / "none"), "no such folder"),
                            (("inspect", "data", self.scratch), "is not a run folder")]:
            done = run(*words, check=False)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(part, done.stderr)


class InspectDetectionTest(ScratchTest):
    def test_draws_samples_of_a_set(self):
        images = self.scenes(6)
        labels, out = images.parent / "annotations" / "instances_train.json", self.scratch / "sheet.png"
        done = run("inspect", "detection", "--train", labels, "--images", images, "--count", 4, "--out", out, "input.short_edges=[160]")
        self.assertIn("boxes and shapes", done.stderr)
        self.assertEqual(out.read_bytes()[1:4], b"PNG")

    def test_mistakes_are_named(self):
        images = self.scenes(6)
        labels = images.parent / "annotations" / "instances_train.json"
        data = json.loads(labels.read_text())
        data["annotations"][0]["segmentation"] = [[1, 1, 5, 5]]
        broken = self.scratch / "broken.json"
        broken.write_text(json.dumps(data))
        out = self.scratch / "sheet.png"
        for words, code, part in [(("--train", broken, "--images", images), 1, "'annotations'[0]"),
                                  (("--train", images), 2, "no labels"),
                                  (("--train", labels, "--images", images, "input.short_edge=3"), 2, "short_edges"),
                                  (("--train", labels, "--images", images, "input.mean=[0]"), 2, "mean has 1 values")]:
            done = run("inspect", "detection", *words, "--out", out, check=False)
            self.assertEqual(done.returncode, code, words)
            self.assertIn(part, done.stderr)
            self.assertFalse(out.exists())
        done = run("inspect", "detection", "--train", broken, "--images", images, "--repair", "--out", out)
        self.assertIn("left out", done.stderr)


if __name__ == "__main__":
    unittest.main()
