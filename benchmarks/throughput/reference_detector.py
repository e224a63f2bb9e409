#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seconds and memory of torchvision's maskrcnn_resnet50_fpn on a batch: a training step (stem and first stage frozen, SGD with
momentum) or inference. See detector.py.

  python3 benchmarks/throughput/reference_detector.py --make FILE [--images 2] [--height 800] [--width 1088]
  python3 benchmarks/throughput/reference_detector.py --batch FILE --mode train|infer [--threads 2] [--steps 3]

--make writes the batch, random pixels and ellipses, and weights that find objects in it. Prints one JSON object."""
import argparse
import json
import pathlib
import resource
import statistics
import sys
import time

import numpy as np
import torch
from torchvision.models import resnet50
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.models.detection.image_list import ImageList
from torchvision.ops.misc import FrozenBatchNorm2d

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "oracles"))
import safetensors_io  # noqa: E402

NUM_CLASSES = 80  # COCO's, without background
OBJECTS = 7       # of an image: COCO's mean


def network():
    """maskrcnn_resnet50_fpn as it is with pretrained weights: without them it would train all layers and their BatchNorms."""
    torch.manual_seed(0)
    backbone = _resnet_fpn_extractor(resnet50(weights=None, norm_layer=FrozenBatchNorm2d), 3)
    return MaskRCNN(backbone, num_classes=NUM_CLASSES + 1)


def make(args):
    model = network()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():  # fresh weights find nothing; these give a hundred objects an image, as trained ones seldom exceed
        model.rpn.head.cls_logits.weight.mul_(20)
        model.rpn.head.bbox_pred.weight.mul_(8)
        model.roi_heads.box_predictor.cls_score.weight.mul_(30)
    out = {"w." + name: tensor.numpy() for name, tensor in model.state_dict().items()}
    out["images"] = torch.randn(args.images, 3, args.height, args.width, generator=generator).numpy()
    out["sizes"] = np.array([(args.height, args.width)] * args.images, np.int64)
    y, x = np.mgrid[0:args.height, 0:args.width] + 0.5
    for i in range(args.images):
        sides = torch.rand(OBJECTS, 2, generator=generator) * 0.5 + 0.05
        corners = torch.rand(OBJECTS, 2, generator=generator) * (1 - sides)
        boxes = (torch.cat([corners, corners + sides], 1) * torch.tensor([args.width, args.height] * 2)).numpy()
        half = (boxes[:, 2:] - boxes[:, :2]) / 2
        centre = boxes[:, :2] + half
        masks = [((x - c[0]) / h[0]) ** 2 + ((y - c[1]) / h[1]) ** 2 <= 1 for c, h in zip(centre, half)]
        out[f"target{i}.boxes"], out[f"target{i}.masks"] = boxes, np.stack(masks).astype(np.float32)
        out[f"target{i}.labels"] = torch.randint(0, NUM_CLASSES, (OBJECTS,), generator=generator).numpy()
    safetensors_io.save(args.make, out)


def read(path):
    arrays = {name: torch.from_numpy(np.array(array)) for name, array in safetensors_io.load(path).items()}
    model = network()
    model.load_state_dict({name[2:]: tensor for name, tensor in arrays.items() if name.startswith("w.")})
    images = ImageList(arrays["images"], [tuple(size) for size in arrays["sizes"].tolist()])
    targets = [{"boxes": arrays[f"target{i}.boxes"], "labels": arrays[f"target{i}.labels"] + 1, "masks": arrays[f"target{i}.masks"]}
               for i in range(len(images.image_sizes))]
    return model, images, targets


def training_step(model, images, targets, optimizer):
    features = model.backbone(images.tensors)
    proposals, losses = model.rpn(images, features, targets)
    losses.update(model.roi_heads(features, proposals, images.image_sizes, targets)[1])
    sum(losses.values()).backward()
    optimizer.step()
    optimizer.zero_grad()


def inference(model, images):
    with torch.no_grad():
        features = model.backbone(images.tensors)
        return model.roi_heads(features, model.rpn(images, features)[0], images.image_sizes)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--make")
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--height", type=int, default=800)
    parser.add_argument("--width", type=int, default=1088)
    parser.add_argument("--batch")
    parser.add_argument("--mode", choices=["train", "infer"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3, help="timed steps, after one that warms up")
    args = parser.parse_args()
    if args.make:
        return make(args)
    torch.set_num_threads(args.threads)
    model, images, targets = read(args.batch)
    model.train(args.mode == "train")
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 1e-4, momentum=0.9, weight_decay=1e-4)
    seconds, detections = [], 0
    for _ in range(args.steps + 1):
        begin = time.perf_counter()
        if args.mode == "train":
            training_step(model, images, targets, optimizer)
        else:
            detections = sum(len(found["boxes"]) for found in inference(model, images))
        seconds.append(time.perf_counter() - begin)
    print(json.dumps({"seconds": statistics.median(seconds[1:]), "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
                      "detections": detections, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
