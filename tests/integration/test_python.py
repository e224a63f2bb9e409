# SPDX-License-Identifier: MIT
"""The Python module gives the program's boxes. Needs $SOCO_MODULE_PYTHON: an interpreter in which it is installed."""
import concurrent.futures
import os
import sqlite3
import struct
import subprocess
import sys
import unittest

from common import ScratchTest, run

PYTHON = os.environ.get("SOCO_MODULE_PYTHON")


class PythonModuleTest(ScratchTest):
    def test_boxes_are_the_programs(self):
        if not PYTHON:
            print("SKIPPED the Python module: SOCO_MODULE_PYTHON is not set")
            self.skipTest("SOCO_MODULE_PYTHON is not set")
        images = self.scenes(6)
        run("propose", "--images", images, "--out", self.scratch / "p.db")
        done = subprocess.run([PYTHON, __file__, images, self.scratch / "p.db"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


def compare(images, store):
    """Runs in the module's interpreter."""
    import numpy
    import soco
    import PIL.Image

    rows = sqlite3.connect(store).execute("SELECT key, boxes FROM proposals ORDER BY key").fetchall()
    assert len(rows) == 6
    arrays = [numpy.asarray(PIL.Image.open(os.path.join(images, key)).convert("RGB")) for key, _ in rows]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        found = list(pool.map(soco.selective_search, arrays))
    for (key, blob), boxes in zip(rows, found):
        expected = numpy.array(struct.unpack(f"<{len(blob) // 2}h", blob), numpy.float32).reshape(-1, 4)
        assert boxes.dtype == numpy.float32 and numpy.array_equal(boxes, expected), key

    grey = arrays[0][:, :, 0]
    assert numpy.array_equal(soco.selective_search(grey), soco.selective_search(numpy.stack([grey] * 3, 2)))
    mirrored = arrays[0][:, ::-1]  # negative strides
    assert numpy.array_equal(soco.selective_search(mirrored), soco.selective_search(mirrored.copy()))
    kept = soco.filter_proposals(found[0], *arrays[0].shape[:2], min_side=40)
    sides = kept[:, 2:] - kept[:, :2]
    assert len(kept) and (sides >= 40).all()
    assert not numpy.array_equal(soco.selective_search(arrays[0], min_size=20), found[0])
    assert "min_size" in soco.option_docs()
    for array, options, word in [(arrays[0].astype(float), {}, "uint8"), (arrays[0][:, :, :2], {}, "shape"),
                                 (arrays[0], {"min_sise": 3}, "min_size"), (arrays[0], {"min_size": "x"}, "min_size"),
                                 (arrays[0][:0], {}, "empty")]:
        try:
            soco.selective_search(array, **options)
        except (ValueError, RuntimeError) as error:
            assert word in str(error), f"{word} is not in: {error}"
        else:
            raise AssertionError(f"no error that speaks of {word}")


if __name__ == "__main__":
    compare(sys.argv[1], sys.argv[2]) if len(sys.argv) == 3 else unittest.main()
