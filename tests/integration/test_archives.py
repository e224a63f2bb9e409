# SPDX-License-Identifier: MIT
"""Images inside archives that Python's tarfile and zipfile wrote give the rows and the training of the plain folder."""
import sqlite3
import tarfile
import unittest
import zipfile

from common import SMALL_RUN, ScratchTest, run


def rows(store):
    return sqlite3.connect(store).execute(
        "SELECT key, height, width, fingerprint, boxes, error FROM proposals ORDER BY key").fetchall()


class ArchiveTest(ScratchTest):
    def setUp(self):
        super().setUp()
        self.images = self.scenes(8)
        self.files = sorted(self.images.glob("*.jpg"))
        self.assertEqual(len(self.files), 8)
        run("propose", "--images", self.images, "--out", self.scratch / "folder.db")
        self.expected = rows(self.scratch / "folder.db")

    def check(self, archive):
        store = archive.with_suffix(".db")
        run("propose", "--images", archive, "--out", store)
        self.assertEqual(rows(store), self.expected, archive)

    def tar(self, name, form, prefix=""):
        with tarfile.open(self.scratch / name, "w", format=form) as tar:
            for file in self.files:
                tar.add(file, prefix + file.name)
        return self.scratch / name

    def test_tar_of_every_form(self):
        for name, form in [("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)]:
            self.check(self.tar(name + ".tar", form))

    def test_tar_with_long_names(self):
        for name, form in [("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)]:
            prefix = "folder/" * 40
            archive = self.tar(name + "_long.tar", form, prefix)
            run("propose", "--images", archive, "--out", self.scratch / (name + ".db"))
            found = rows(self.scratch / (name + ".db"))
            self.assertEqual([row[0] for row in found], [prefix + row[0] for row in self.expected])
            self.assertEqual([row[1:] for row in found], [row[1:] for row in self.expected])

    def test_zip_stored_deflated_and_commented(self):
        for name, method in [("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)]:
            with zipfile.ZipFile(self.scratch / f"{name}.zip", "w", method) as archive:
                archive.comment = b"" if name == "stored" else b"holiday PK\x05\x06 pictures"
                for file in self.files:
                    archive.write(file, file.name)
            self.check(self.scratch / f"{name}.zip")

    def test_pretraining_reads_shards_like_files(self):
        shards = self.scratch / "shards"
        shards.mkdir()
        for part in range(2):
            with tarfile.open(shards / f"{part}.tar", "w") as tar:
                for file in self.files[part * 4:part * 4 + 4]:
                    tar.add(file, file.name)
        losses = []
        for source in (self.images, shards):
            out = self.scratch / f"run_{source.name}"
            run("pretrain", "--images", source, "--out", out, *SMALL_RUN, "train.epochs=2", "train.max_steps=3")
            lines = (out / "metrics.jsonl").read_text().splitlines()
            losses.append([line.split('"loss":')[1].split(",")[0] for line in lines])
        self.assertEqual(losses[0], losses[1])
        self.assertEqual(len(losses[0]), 3)

    def test_damaged_archives_are_named(self):
        whole = self.tar("whole.tar", tarfile.USTAR_FORMAT).read_bytes()
        for name, content, word in [("cut.tar", whole[:len(whole) // 2], "truncated"), ("gz.tar", b"\x1f\x8b\x08\x00", "unpacked"),
                                    ("cut.zip", b"PK\x03\x04 and no more of it than that", "zip"), ("none.tar", b"\0" * 10240, "no image")]:
            (self.scratch / name).write_bytes(content)
            done = run("propose", "--images", self.scratch / name, "--out", self.scratch / "bad.db", check=False)
            self.assertIn(done.returncode, (1, 2), name)
            self.assertIn(name, done.stderr)
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    unittest.main()
