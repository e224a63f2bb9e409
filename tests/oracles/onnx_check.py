# SPDX-License-Identifier: MIT
"""Our ONNX files in onnxruntime against a forward pass written here in PyTorch from the same weights.

    onnx_check.py --make KIND weights.safetensors       random weights under our names; kinds are the keys of KINDS
    onnx_check.py weights.safetensors features.onnx heads.onnx

Each output is compared with PyTorch in float64. PyTorch in float32 errs by some 1e-6 of the largest value, onnxruntime likewise,
since both add up the same products in orders of their own: the bound is four times PyTorch's own error and, where PyTorch happens
to be nearly exact, four last places of the largest value.
"""
import pathlib
import sys

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import random_detector  # noqa: E402
import safetensors_io  # noqa: E402
from random_detector import PYRAMID  # noqa: E402

KINDS = {"mask_fpn18": dict(depth=18, rpn=3, fcs=2, masks=4), "soco_fpn50": dict(depth=50, norm=True, convs=4, fcs=1, masks=0),
         "mask_c4_50": dict(depth=50, c4=True, rpn=15, masks=0), "boxes_c4_18": dict(depth=18, c4=True, rpn=15, extra_norm=True, masks=None),
         "trunk18": dict(depth=18, trunk=True), "detector_fpn50": dict(depth=50, norm=True, rpn=3, convs=4, fcs=1, masks=4)}
BOUND, LAST_PLACES = 4, 4 * 2**-23


def make(kind, path):
    safetensors_io.save(path, random_detector.make(**KINDS[kind]))


class Network:
    """Detectron2's forward pass in evaluation, by the names in the weights."""

    def __init__(self, arrays, dtype):
        self.w = {name: torch.from_numpy(np.array(array)).to(dtype) for name, array in arrays.items()}
        self.dtype = dtype

    def conv(self, name, x, stride=1):
        weight = self.w[name + ".weight"]
        x = F.conv2d(x, weight, self.w.get(name + ".bias"), stride, weight.shape[-1] // 2)
        return self.norm(name + ".norm", x) if name + ".norm.weight" in self.w else x

    def norm(self, name, x):
        w = self.w
        return F.batch_norm(x, w[name + ".running_mean"], w[name + ".running_var"], w[name + ".weight"], w[name + ".bias"], False, 0, 1e-5)

    def stage(self, name, x, stride):
        i = 0
        while f"{name}.{i}.conv1.weight" in self.w:
            at, step = f"{name}.{i}.", stride if i == 0 else 1
            skip = self.conv(at + "shortcut", x, step) if at + "shortcut.weight" in self.w else x
            if at + "conv3.weight" in self.w:
                y = self.conv(at + "conv2", self.conv(at + "conv1", x).relu(), step).relu()
                y = self.conv(at + "conv3", y)
            else:
                y = self.conv(at + "conv2", self.conv(at + "conv1", x, step).relu())
            x, i = (y + skip).relu(), i + 1
        return x

    def features(self, images):
        w, c4 = self.w, "backbone.stem.conv1.weight" in self.w
        trunk = "backbone." if c4 else "backbone.bottom_up."
        x = F.max_pool2d(self.conv(trunk + "stem.conv1", images.to(self.dtype), 2).relu(), 3, 2, 1)
        maps = {}
        for stage in range(2, 5 if c4 else 6):
            maps[f"res{stage}"] = x = self.stage(f"{trunk}res{stage}", x, 1 if stage == 2 else 2)
        if c4:
            maps = {"res4": x}
        rpn = "proposal_generator.rpn_head."
        if "backbone.fpn_lateral2.weight" in w:
            levels, merged = {}, None
            for level in (5, 4, 3, 2):
                lateral = self.conv(f"backbone.fpn_lateral{level}", maps[f"res{level}"])
                merged = lateral if merged is None else lateral + F.interpolate(merged, lateral.shape[-2:], mode="nearest")
                levels[f"p{level}"] = self.conv(f"backbone.fpn_output{level}", merged)
            maps = levels
            if rpn + "conv.weight" in w:
                maps["p6"] = maps["p5"][:, :, ::2, ::2]
        outputs = dict(maps)
        if rpn + "conv.weight" in w:
            for name, value in maps.items():
                hidden = self.conv(rpn + "conv", value).relu()
                outputs["objectness_" + name] = self.conv(rpn + "objectness_logits", hidden)
                outputs["deltas_" + name] = self.conv(rpn + "anchor_deltas", hidden)
        return outputs

    def res5(self, x):
        x = self.stage("roi_heads.res5", x, 2)
        return self.norm("roi_heads.res5.norm", x) if "roi_heads.res5.norm.weight" in self.w else x

    def heads(self, boxes, mask_boxes):
        w, c4 = self.w, "roi_heads.res5.0.conv1.weight" in self.w
        x = boxes.to(self.dtype)
        if c4:
            x = self.res5(x).mean((2, 3))
        else:
            i = 1
            while f"roi_heads.box_head.conv{i}.weight" in w:
                x, i = self.conv(f"roi_heads.box_head.conv{i}", x).relu(), i + 1
            x, i = x.flatten(1), 1
            while f"roi_heads.box_head.fc{i}.weight" in w:
                x = F.linear(x, w[f"roi_heads.box_head.fc{i}.weight"], w[f"roi_heads.box_head.fc{i}.bias"]).relu()
                i += 1
        outputs, at = {"vectors": x}, "roi_heads.box_predictor."
        if at + "cls_score.weight" in w:
            outputs["scores"] = F.linear(x, w[at + "cls_score.weight"], w[at + "cls_score.bias"]).softmax(1)
            outputs["deltas"] = F.linear(x, w[at + "bbox_pred.weight"], w[at + "bbox_pred.bias"])
        at = "roi_heads.mask_head."
        if at + "deconv.weight" in w:
            x, i = mask_boxes.to(self.dtype), 1
            x = self.res5(x) if c4 else x
            while f"{at}mask_fcn{i}.weight" in w:
                x, i = self.conv(f"{at}mask_fcn{i}", x).relu(), i + 1
            x = F.conv_transpose2d(x, w[at + "deconv.weight"], w[at + "deconv.bias"], 2).relu()
            outputs["masks"] = self.conv(at + "predictor", x).sigmoid()
        return outputs


def check_model(path):
    """By ONNX's own checker, with its inference of shapes, where it is installed."""
    try:
        import onnx
    except ImportError:
        print("SKIPPED oracle onnx: no module onnx")
        return
    onnx.checker.check_model(onnx.load(path), full_check=True)


def compare(session, inputs, exact, single, what):
    names = [output.name for output in session.get_outputs()]
    assert set(names) == set(exact), (names, list(exact))
    found = dict(zip(names, session.run(None, {name: value.numpy() for name, value in inputs.items()})))
    worst = 0
    for name, value in exact.items():
        assert found[name].dtype == np.float32 and found[name].shape == tuple(value.shape), (what, name, found[name].shape, value.shape)
        if value.numel() == 0:
            continue
        ours = (torch.from_numpy(found[name]) - value).abs().max().item()
        theirs, largest = (single[name] - value).abs().max().item(), value.abs().max().item()
        bound = BOUND * theirs + LAST_PLACES * largest
        worst = max(worst, ours / bound)
        assert ours <= bound, f"{what} {name}: {ours:.3g} off, PyTorch {theirs:.3g}, largest {largest:.3g}"
    print(f"{what}: {len(names)} outputs, worst {worst:.2f} of the bound")


def check(weights, features, heads):
    arrays = safetensors_io.load(weights)
    arrays = {name: array for name, array in arrays.items() if not name.endswith("num_batches_tracked")}
    exact, single = Network(arrays, torch.float64), Network(arrays, torch.float32)
    generator = torch.Generator().manual_seed(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    check_model(features)
    session = onnxruntime.InferenceSession(features, options, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        for shape in ((2, 3, 64, 96), (1, 3, 97, 131), (1, 3, 33, 250)):
            images = torch.randn(shape, generator=generator)
            compare(session, {"images": images}, exact.features(images), single.features(images), f"features of {shape}")
        if heads == "none":
            return
        check_model(heads)
        session = onnxruntime.InferenceSession(heads, options, providers=["CPUExecutionProvider"])
        wanted = [value.name for value in session.get_inputs()]
        c4 = "roi_heads.res5.0.conv1.weight" in arrays
        channels = arrays["roi_heads.res5.0.conv1.weight"].shape[1] if c4 else PYRAMID
        for rows, mask_rows in ((7, 3), (0, 2), (1, 0)):
            boxes = torch.randn(rows, channels, *([14, 14] if c4 else [7, 7]), generator=generator)
            masks = torch.randn(mask_rows, channels, 14, 14, generator=generator)
            inputs = {name: value for name, value in (("boxes", boxes), ("mask_boxes", masks)) if name in wanted}
            compare(session, inputs, exact.heads(boxes, masks), single.heads(boxes, masks), f"heads of {rows} boxes, {mask_rows} masks")


if __name__ == "__main__":
    torch.set_num_threads(1)
    make(*sys.argv[2:]) if sys.argv[1] == "--make" else check(*sys.argv[1:])
