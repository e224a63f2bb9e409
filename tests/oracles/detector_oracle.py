#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""torchvision's detection parts and its Mask R-CNN with a ResNet-50 pyramid, in float64: OUT.safetensors with

boxops.*      random boxes a, b and their overlaps; deltas encoded and decoded; smooth L1; boxes kept by NMS in each class
anchors.*     of three maps
paste.*       masks, boxes, and the probability at each pixel's centre by grid_sample (Detectron2's rule)
w.NAME        weights and buffers under torchvision's names, float32
images, sizes, target{i}.boxes, .labels, .masks, .objects_of_masks
train.*, test.*  what the same network makes of the images; see main()

Sampling is by fixed numbers, recorded: torchvision's samplers are replaced by a rule without chance."""
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torchvision.models.detection import MaskRCNN, _utils
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.resnet import resnet50
from torchvision.ops import FrozenBatchNorm2d, batched_nms, box_iou

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import safetensors_io  # noqa: E402

NUM_CLASSES = 4  # without background
GRADIENT_SAMPLES = 4096
SIZES = [(224, 288), (200, 250)]
PADDED = (224, 288)


def random_boxes(generator, count, height, width, least=1.0):
    corners = torch.rand(count, 2, 2, generator=generator, dtype=torch.float64) * torch.tensor([width, height], dtype=torch.float64)
    boxes = torch.cat([corners.amin(1), corners.amax(1)], 1)
    boxes[:, 2:] = torch.maximum(boxes[:, 2:], boxes[:, :2] + least)
    return boxes


def box_operations(generator, out):
    a, b = random_boxes(generator, 40, 100, 120), random_boxes(generator, 30, 100, 120)
    out["boxops.a"], out["boxops.b"], out["boxops.iou"] = a, b, box_iou(a, b)
    others = random_boxes(generator, 40, 100, 120)
    for name, weights in (("rpn", (1.0, 1.0, 1.0, 1.0)), ("roi", (10.0, 10.0, 5.0, 5.0))):
        coder = _utils.BoxCoder(weights)
        deltas = torch.randn(40, 12, generator=generator, dtype=torch.float64) * 3  # far enough to meet the clamp
        out[f"boxops.{name}.encoded"] = coder.encode([others], [a])[0]
        out[f"boxops.{name}.deltas"] = deltas
        out[f"boxops.{name}.decoded"] = coder.decode(deltas, [a]).reshape(40, 12)
    out["boxops.others"] = others
    for name, beta in (("l1", 0.0), ("ninth", 1 / 9), ("one", 1.0)):
        out[f"boxops.smooth_l1.{name}"] = F.smooth_l1_loss(a, others, beta=beta, reduction="sum").reshape(1)
    boxes = random_boxes(generator, 600, 60, 60, 8)
    scores = torch.rand(600, generator=generator, dtype=torch.float64)
    scores[300:310] = scores[300]  # equal scores
    classes = torch.randint(0, 5, (600,), generator=generator)
    out["boxops.nms.boxes"], out["boxops.nms.scores"], out["boxops.nms.classes"] = boxes, scores, classes
    for threshold in (0.3, 0.5, 0.7):
        # torchvision leaves the order of equal scores open: the rule is made whole by a stable order.
        order = torch.argsort(scores, descending=True, stable=True)
        kept = order[batched_nms(boxes[order], torch.arange(600, 0, -1, dtype=torch.float64), classes[order], threshold)]
        out[f"boxops.nms.kept{int(10 * threshold)}"] = kept


def anchors(out):
    for i, (rows, columns, stride, sizes) in enumerate([(3, 5, 4, (32,)), (2, 2, 64, (512,)), (4, 3, 16, (32, 64, 128))]):
        generator = AnchorGenerator((sizes,), ((0.5, 1.0, 2.0),))
        images = ImageList(torch.zeros(1, 3, rows * stride, columns * stride, dtype=torch.float64), [(rows * stride, columns * stride)])
        out[f"anchors.{i}"] = generator(images, [torch.zeros(1, 1, rows, columns, dtype=torch.float64)])[0]


def paste(generator, out):
    height, width = 37, 53
    masks = torch.rand(12, 7, 7, generator=generator, dtype=torch.float64)
    boxes = random_boxes(generator, 12, height, width)
    boxes[1], boxes[2] = boxes[1] - 20, boxes[2] + 30  # partly or wholly outside
    boxes[3] = torch.tensor([10.2, 5.5, 10.4, 30.0])  # thinner than a pixel
    y = (torch.arange(height, dtype=torch.float64) + 0.5)[None] - boxes[:, 1:2]
    x = (torch.arange(width, dtype=torch.float64) + 0.5)[None] - boxes[:, 0:1]
    y = y / (boxes[:, 3:4] - boxes[:, 1:2]) * 2 - 1
    x = x / (boxes[:, 2:3] - boxes[:, 0:1]) * 2 - 1
    grid = torch.stack([x[:, None, :].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)], 3)
    out["paste.masks"], out["paste.boxes"] = masks, boxes
    out["paste.probabilities"] = F.grid_sample(masks[:, None], grid, align_corners=False)[:, 0]


class FixedSampler:
    """Takes every k-th candidate, as many as the rule of torchvision's sampler allows, and writes down which."""

    def __init__(self, per_image, ratio, name, out):
        self.per_image, self.ratio, self.name, self.out = per_image, ratio, name, out

    def __call__(self, labels):
        chosen = []
        for image, values in enumerate(labels):
            masks = []
            positive, negative = torch.where(values >= 1)[0], torch.where(values == 0)[0]
            num_positive = min(len(positive), int(self.per_image * self.ratio))
            num_negative = min(len(negative), self.per_image - num_positive)
            for side, candidates, count in (("positive", positive, num_positive), ("negative", negative, num_negative)):
                picked = candidates[torch.arange(count) * len(candidates) // max(count, 1)]
                self.out[f"train.{self.name}{image}.{side}"] = candidates
                self.out[f"train.{self.name}{image}.sampled_{side}"] = picked
                masks.append(torch.zeros_like(values, dtype=torch.uint8).index_fill_(0, picked, 1))
            chosen.append(masks)
        return [c[0] for c in chosen], [c[1] for c in chosen]


def make_model():
    torch.manual_seed(11)
    backbone = _resnet_fpn_extractor(resnet50(norm_layer=FrozenBatchNorm2d), 5)
    model = MaskRCNN(backbone, NUM_CLASSES + 1)
    for module in model.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.weight.uniform_(0.5, 1.0)
            module.bias.normal_(0, 0.1)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    with torch.no_grad():  # lively: boxes move, classes differ
        model.rpn.head.bbox_pred.weight.mul_(8)
        model.rpn.head.cls_logits.weight.mul_(20)
        model.roi_heads.box_predictor.cls_score.weight.mul_(3)
    return model.double()


def targets_of(generator, out):
    targets = []
    for i, (height, width) in enumerate(SIZES):
        boxes = random_boxes(generator, 5, height, width, 20)
        boxes[:, 2].clamp_(max=width)
        boxes[:, 3].clamp_(max=height)
        masks = torch.zeros(5, *PADDED, dtype=torch.uint8)
        for k, box in enumerate(boxes.round().long().tolist()):  # an ellipse in the box
            y, x = torch.meshgrid(torch.arange(PADDED[0]) + 0.5, torch.arange(PADDED[1]) + 0.5, indexing="ij")
            inside = ((x - (box[0] + box[2]) / 2) / ((box[2] - box[0]) / 2)) ** 2 + ((y - (box[1] + box[3]) / 2) / ((box[3] - box[1]) / 2)) ** 2
            masks[k] = inside <= 1
        labels = torch.randint(1, NUM_CLASSES + 1, (5,), generator=generator)
        targets.append({"boxes": boxes, "labels": labels, "masks": masks})
        out[f"target{i}.boxes"], out[f"target{i}.labels"], out[f"target{i}.masks"] = boxes, labels - 1, masks.float()
    return targets


def train_outputs(model, images, targets, out):
    """train.proposals{i}, train.loss.*, train.grad.NAME (evenly spaced values) and train.grad_norm.NAME."""
    model.train()
    model.rpn.fg_bg_sampler = FixedSampler(256, 0.5, "rpn", out)
    model.roi_heads.fg_bg_sampler = FixedSampler(512, 0.25, "roi", out)
    features = model.backbone(images.tensors)
    proposals, rpn_losses = model.rpn(images, features, targets)
    for i, boxes in enumerate(proposals):
        out[f"train.proposals{i}"] = boxes
    _, losses = model.roi_heads(features, list(proposals), images.image_sizes, targets)
    losses.update(rpn_losses)
    for name, loss in losses.items():
        out[f"train.loss.{name}"] = loss.reshape(1)
    sum(losses.values()).backward()
    for name, parameter in model.named_parameters():
        gradient = parameter.grad.flatten()
        out[f"train.grad_norm.{name}"] = gradient.norm().reshape(1)
        out[f"train.grad.{name}"] = gradient[torch.arange(min(GRADIENT_SAMPLES, len(gradient))) * len(gradient) // min(GRADIENT_SAMPLES, len(gradient))]


def test_outputs(model, images, out):
    """test.proposals{i}; test.detections{i}.boxes, .scores, .labels (from 0), .masks (probabilities)."""
    model.eval()
    with torch.no_grad():
        features = model.backbone(images.tensors)
        proposals, _ = model.rpn(images, features)
        found, _ = model.roi_heads(features, proposals, images.image_sizes)
    for i, result in enumerate(found):
        out[f"test.proposals{i}"] = proposals[i]
        out[f"test.detections{i}.boxes"], out[f"test.detections{i}.scores"] = result["boxes"], result["scores"]
        out[f"test.detections{i}.labels"], out[f"test.detections{i}.masks"] = result["labels"] - 1, result["masks"][:, 0]


def main():
    generator = torch.Generator().manual_seed(3)
    out = {}
    box_operations(generator, out)
    anchors(out)
    paste(generator, out)
    model = make_model()
    for name, tensor in model.state_dict().items():
        out["w." + name] = tensor.float()
    model.load_state_dict({name: out["w." + name].double() for name in model.state_dict()})
    pixels = torch.randn(len(SIZES), 3, *PADDED, generator=generator, dtype=torch.float64)
    for i, (height, width) in enumerate(SIZES):
        pixels[i, :, height:] = 0
        pixels[i, :, :, width:] = 0
    out["images"], out["sizes"] = pixels, torch.tensor(SIZES)
    images = ImageList(pixels, SIZES)
    targets = targets_of(generator, out)
    train_outputs(model, images, targets, out)
    test_outputs(model, images, out)
    safetensors_io.save(sys.argv[1], {name: np.ascontiguousarray(tensor.detach().numpy()) for name, tensor in out.items()})


if __name__ == "__main__":
    main()
