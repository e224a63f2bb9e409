# SPDX-License-Identifier: MIT
"""Proposal jobs that are killed, sharded and merged end like an undisturbed one, row for row; memory stays flat.

Options before unittest's own: --images N (default 300), --kills K (5); --images 20000 --kills 10 is the long form."""
import argparse
import json
import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import time
import unittest

from common import SOCO, ScratchTest, run

IMAGES, KILLS = 300, 5
MAX_PEAK_MB = 300


def rows(path):
    """All rows of a store in order of key, read without the program."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        yield from database.execute("SELECT key, height, width, fingerprint, boxes, error, checksum FROM proposals ORDER BY key")


def count_rows(path):
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            return database.execute("SELECT count(*) FROM proposals").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


class ProposeTest(ScratchTest):
    def setUp(self):
        super().setUp()
        run("synth", "--out", self.scratch / "scenes", "--images", IMAGES, "val_ratio=0", "width=96", "height=72", "workers=2",
            timeout=7200)
        self.images = self.scratch / "scenes" / "train"
        (self.images / "broken.jpg").write_bytes(b"no image")  # a bad row takes part in everything

    def command(self, out, *words):
        return [SOCO, "propose", "--images", str(self.images), "--out", str(self.scratch / out), "--workers", "2", *words]

    def propose(self, out, *words):
        """Runs to the end; returns the peak memory in MB and the output."""
        with open(self.scratch / "log.txt", "w+") as log:
            process = subprocess.Popen(self.command(out, *words), stderr=log)
            _, status, usage = os.wait4(process.pid, 0)
            log.seek(0)
            text = log.read()
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, text)
        return usage.ru_maxrss / 1024, text

    def equal(self, a, b):
        self.assertTrue(all(x == y for x, y in zip(rows(self.scratch / a), rows(self.scratch / b), strict=True)), f"{a} and {b} differ")

    def kill_at_random(self, out, rng):
        """Starts the job and kills it after a random number of new rows and a random moment; False when it ended first."""
        before = count_rows(self.scratch / out)
        enough = before + rng.uniform(0, 1.5 * IMAGES / (KILLS + 1))
        process = subprocess.Popen(self.command(out), stderr=subprocess.DEVNULL)
        while process.poll() is None and count_rows(self.scratch / out) < enough:
            time.sleep(0.003)
        try:
            process.wait(timeout=rng.uniform(0, 0.1))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            print(f"  killed at {before} -> {count_rows(self.scratch / out)} rows", flush=True)
            return True
        self.assertEqual(process.returncode, 0)
        return False

    def test_killed_sharded_and_merged_jobs_end_like_an_undisturbed_one(self):
        begin = time.monotonic()
        peak, _ = self.propose("whole.db")
        seconds = time.monotonic() - begin
        print(f"{IMAGES} images in {seconds:.1f} s, peak {peak:.0f} MB", flush=True)
        self.assertEqual(count_rows(self.scratch / "whole.db"), IMAGES + 1)
        self.assertLess(peak, MAX_PEAK_MB)

        rng, kills = random.Random(7), 0
        while kills < KILLS and self.kill_at_random("killed.db", rng):
            kills += 1
        self.assertGreaterEqual(kills, min(KILLS, 2), "the job was over too soon for the test to mean anything")
        peak_after, text = self.propose("killed.db")
        print(f"killed {kills} times, then: {text.strip().splitlines()[-1]}; peak {peak_after:.0f} MB", flush=True)
        self.assertLess(peak_after, MAX_PEAK_MB)
        self.equal("killed.db", "whole.db")

        for i in (1, 2):
            self.propose(f"part{i}.db", "--shard", f"{i}/2")
        parts = [count_rows(self.scratch / f"part{i}.db") for i in (1, 2)]
        self.assertEqual(sum(parts), IMAGES + 1)
        self.assertGreater(min(parts), IMAGES // 4)
        run("merge", self.scratch / "part1.db", self.scratch / "part2.db", "--out", self.scratch / "merged.db")
        self.equal("merged.db", "whole.db")

        _, text = self.propose("whole.db")
        self.assertIn(" 0 done now", text)  # the bad image does not come back
        self.assertNotIn("bad image", text)
        print("shards merged equal the single job", flush=True)

    def test_readers_see_a_store_that_is_being_written(self):
        process = subprocess.Popen(self.command("p.db"), stderr=subprocess.DEVNULL)
        try:
            seen = []
            while process.poll() is None:
                seen.append(count_rows(self.scratch / "p.db"))
                if seen[-1] > 0:
                    done = run("convert", "--from", self.scratch / "p.db", "--out", self.scratch / "p.json")
                    self.assertIn("boxes", done.stderr)
                    json.loads((self.scratch / "p.json").read_text())
                    break
                time.sleep(0.01)
            if process.poll() is None:
                second = subprocess.run(self.command("p.db"), capture_output=True, text=True)
                if process.poll() is None:
                    self.assertEqual(second.returncode, 1)
                    self.assertIn("in use by another process", second.stderr)
        finally:
            process.wait()
        self.assertEqual(process.returncode, 0)

    def test_evaluate_and_convert_on_the_scenes(self):
        (self.images / "broken.jpg").unlink()
        truth = self.scratch / "scenes" / "annotations" / "instances_train.json"
        self.propose("p.db")
        run("convert", "--from", self.scratch / "p.db", "--format", "coco-results", "--annotations", truth, "--out", self.scratch / "dt.json")
        words = ["evaluate", "--metric", "proposals", "--gt", truth]
        run(*words, "--proposals", self.scratch / "p.db", "--json", self.scratch / "a.json", "--plot", self.scratch / "a.svg")
        run(*words, "--proposals", self.scratch / "dt.json", "--json", self.scratch / "b.json")
        a, b = (json.loads((self.scratch / f"{name}.json").read_text()) for name in "ab")
        self.assertEqual({**a, "proposals": ""}, {**b, "proposals": ""})
        self.assertGreater(a["sizes"][0]["recall"][0][-1], 0.3)
        self.assertIn("</svg>", (self.scratch / "a.svg").read_text())
        # The objects themselves are perfect proposals, but for the rounding of boxes to whole pixels, which scenes have.
        run("convert", "--from", truth, "--images", self.images, "--out", self.scratch / "objects.db")
        run(*words, "--proposals", self.scratch / "objects.db", "--json", self.scratch / "c.json")
        self.assertEqual(json.loads((self.scratch / "c.json").read_text())["sizes"][0]["abo"][-1], 1)
        run("inspect", "proposals", self.scratch / "p.db", "--images", self.images, "--out", self.scratch / "sheet.png", "--num", 4)
        self.assertEqual((self.scratch / "sheet.png").read_bytes()[:4], b"\x89PNG")

    def test_mistakes_are_named(self):
        def refused(code, *words):
            done = run(*words, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertNotIn("internal error", done.stderr)
            return done.stderr

        self.propose("p.db", "--source", "grid")
        store, json_file = self.scratch / "p.db", self.scratch / "x.json"
        self.assertIn("two stores", refused(2, "merge", store, "--out", self.scratch / "all.db"))
        other = self.scratch / "other.db"
        self.propose("other.db", "--source", "grid", "grid.stride=0.7")
        error = refused(1, "merge", store, other, "--out", self.scratch / "all.db")
        self.assertIn("stride=0.5", error)
        self.assertIn("stride=0.7", error)
        self.assertIn("stride=0.7", refused(1, *self.command("p.db", "--source", "grid", "grid.stride=0.7")[1:]))
        self.assertIn("search|random|grid", refused(2, *self.command("q.db", "--source", "rnd")[1:]))
        self.assertIn("--metric: ap not in {coco", refused(2, "evaluate", "--metric", "ap", "--gt", json_file, "--proposals", store))
        self.assertIn("x.json", refused(1, "evaluate", "--gt", json_file, "--proposals", store))
        json_file.write_text('{"images": [], "categories": [], "annotations": [{"id": 1, "bbox": [NaN, 0, 1, 1]}]}')
        self.assertIn("'annotations'[0].'bbox'[0]", refused(1, "evaluate", "--gt", json_file, "--proposals", store))
        self.assertIn("--images is needed", refused(2, "convert", "--from", json_file, "--out", self.scratch / "n.db"))
        json_file.write_text('{"stranger": [[0, 0, 5, 5]]}')
        self.assertIn("none of its 1 entries", refused(1, "convert", "--from", json_file, "--images", self.images, "--out", self.scratch / "n.db"))
        json_file.write_text('{"images": [{"id": 1, "file_name": "z.jpg", "height": 1, "width": 1}], "categories": [], "annotations": []}')
        self.assertIn("1 (z.jpg)", refused(1, "evaluate", "--gt", json_file, "--proposals", store))
        self.assertIn("--annotations is needed", refused(2, "convert", "--from", store, "--out", self.scratch / "y.json", "--format", "coco-results"))
        self.assertFalse((self.scratch / "n.db").exists())
        self.assertIn("views, proposals", refused(2, "inspect", "boxes"))
        data = store.read_bytes()
        store.write_bytes(data[:len(data) // 2])
        self.assertIn("truncated", refused(1, "evaluate", "--gt", json_file, "--proposals", store))

    def test_boxes_are_as_documented(self):
        """Boxes decoded by hand from the row of an image: int16 x1, y1, x2, y2, little endian."""
        self.propose("p.db")
        key, height, width, fingerprint, boxes, error, _ = next(row for row in rows(self.scratch / "p.db") if row[5] is None)
        self.assertEqual(len(fingerprint), 16)
        values = struct.unpack(f"<{len(boxes) // 2}h", boxes)
        self.assertGreaterEqual(len(values), 4)
        for x1, y1, x2, y2 in zip(*[iter(values)] * 4):
            self.assertTrue(0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height, key)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--kills", type=int, default=KILLS)
    known, rest = parser.parse_known_args()
    IMAGES, KILLS = known.images, known.kills
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
