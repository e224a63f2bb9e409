# SPDX-License-Identifier: MIT
"""Whole detectors of torchvision come in, go through every format of detectors, and back into torchvision, which loads them with
strict=True and detects as before."""
import os
import subprocess
import sys
import unittest

from common import ScratchTest, run, tensors

PYTHON = os.environ.get("SOCO_ORACLE_PYTHON", sys.executable)
HAS_TORCHVISION = subprocess.run([PYTHON, "-c", "import torchvision"], capture_output=True).returncode == 0

# Mask R-CNN as torchvision makes it, with a smaller trunk, and Faster R-CNN with norms and convolutions in pyramid and head.
DETECTORS = """
import sys, torch
from torchvision.models.detection import FasterRCNN, MaskRCNN, maskrcnn_resnet50_fpn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead
from torchvision.models.resnet import resnet18

def detector(kind):
    options = dict(num_classes=4, min_size=96, max_size=128, box_score_thresh=0.0)
    if kind == "mask_r50":
        return maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, **options)
    norm = None if kind == "mask_r18" else torch.nn.BatchNorm2d
    backbone = _resnet_fpn_extractor(resnet18(weights=None), 5, norm_layer=norm)
    if kind == "mask_r18":
        return MaskRCNN(backbone, **options)
    head = FastRCNNConvFCHead((256, 7, 7), [256] * 4, [1024], norm_layer=norm)
    return FasterRCNN(backbone, box_head=head, **options)
"""
MAKE = DETECTORS + """
torch.manual_seed(5)
model = detector(sys.argv[1])
for name, tensor in model.state_dict().items():
    if name.endswith("running_var"):
        tensor.uniform_(0.5, 1.5)
    elif name.endswith(("running_mean", ".bias")):
        tensor.uniform_(-0.1, 0.1)
    elif name.endswith("num_batches_tracked"):
        tensor.fill_(7)
torch.save(model.state_dict(), sys.argv[2])
"""
# Background has no box and no mask with us, so its rows come back as zeros; torchvision never looks at them.
COMPARE = DETECTORS + """
before, after = (torch.load(path) for path in sys.argv[2:4])
models = []
for state in (before, after):
    models.append(detector(sys.argv[1]).eval())
    models[-1].load_state_dict(state, strict=True)
assert set(before) == set(after), set(before) ^ set(after)
for name, tensor in before.items():
    rows = 4 if ".bbox_pred." in name and name.startswith("roi_heads.") else 1 if ".mask_fcn_logits." in name else 0
    if rows:
        assert not after[name][:rows].any(), name
        tensor[:rows] = 0
    assert torch.equal(after[name], tensor), name
with torch.no_grad():
    a, b = (model([torch.rand(3, 96, 120, generator=torch.Generator().manual_seed(6))])[0] for model in models)
assert len(a["boxes"]) > 0 and set(a) == set(b)
for key in a:
    assert torch.equal(a[key], b[key]), key
print(len(before), "tensors,", len(a["boxes"]), "detections equal")
"""


@unittest.skipUnless(HAS_TORCHVISION, "SKIPPED: no torchvision in " + PYTHON)
class ExchangeTest(ScratchTest):
    def python(self, code, *words):
        done = subprocess.run([PYTHON, "-W", "ignore", "-c", code, *map(str, words)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        print(done.stdout, end="")

    def go_round(self, kind, *formats):
        """torchvision to ours, through `formats` (file, name) one after the other, and back."""
        source, ours = self.scratch / "torchvision.pth", self.scratch / "ours.safetensors"
        self.python(MAKE, kind, source)
        run("convert", "--from", source, "--out", ours)
        self.assertIn("proposal_generator.rpn_head.conv.weight", tensors(ours))
        last = ours
        for name, format_name in (*formats, ("back.safetensors", "safetensors"), ("back.pth", "torchvision-detector")):
            done = run("convert", "--from", last, "--out", self.scratch / name, "--format", format_name)
            self.assertIn("0 missing, 0 unexpected", done.stderr)
            last = self.scratch / name
        self.assertEqual(tensors(self.scratch / "back.safetensors"), tensors(ours))
        self.python(COMPARE, kind, source, last)

    def test_mask_rcnn_with_resnet50(self):
        self.go_round("mask_r50")

    def test_mask_rcnn_with_resnet18(self):
        self.go_round("mask_r18", ("d2.pkl", "detectron2"), ("mm.pth", "mmdetection"))

    def test_faster_rcnn_with_norms_in_pyramid_and_box_head(self):
        self.go_round("boxes_norm", ("mm.pth", "mmdetection"), ("d2.pth", "detectron2"))

    def test_more_than_one_convolution_of_the_proposal_network_is_named(self):
        source = self.scratch / "v2.pth"
        self.python("import sys, torch; from torchvision.models.detection import fasterrcnn_resnet50_fpn_v2 as make; "
                    "torch.save(make(weights=None, weights_backbone=None).state_dict(), sys.argv[1])", source)
        done = run("convert", "--from", source, "--out", self.scratch / "x.safetensors", check=False)
        self.assertEqual(done.returncode, 1)
        for words in ("0 missing, 2 unexpected", "rpn.head.conv.1.0.weight", "rpn.head.conv.1.0.bias"):
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
