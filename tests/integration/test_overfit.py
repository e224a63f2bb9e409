# SPDX-License-Identifier: MIT
"""ResNet-18 on 32 synthetic images learns to match its objects without collapsing."""
import statistics
import unittest

from common import ScratchTest, metrics, run


class OverfitTest(ScratchTest):
    def test_mean_cosine_above_nine_tenths_without_collapse(self):
        images = self.scenes(32)
        run("pretrain", "--images", images, "--out", self.scratch / "run", "--config", "smoke/overfit", "train.num_threads=1")
        last = metrics(self.scratch / "run")[-8:]
        cosine = statistics.mean(line["mean_cosine"] for line in last)
        spread = statistics.mean(line["feature_std_ratio"] for line in last)
        first = metrics(self.scratch / "run")[0]["mean_cosine"]
        print(f"mean cosine {first:.3f} -> {cosine:.3f}, feature std {spread:.2f} of its ideal")
        self.assertGreater(cosine, 0.9)
        self.assertGreater(spread, 0.5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
