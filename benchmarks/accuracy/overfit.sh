#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Can a detector learn sixteen photographs by heart? A small Mask R-CNN from random weights, judged on what it learned from.
#   benchmarks/accuracy/overfit.sh IMAGES_DIR COCO_ANNOTATIONS OUT [key=value ...]
# STEPS (1200) of 4 images. Most categories have one to three objects: boxes and masks of one class for all learn from every
# object, and with half of few regions an object each they are not drowned by background.
set -euo pipefail
images=${1:?usage: overfit.sh IMAGES_DIR COCO_ANNOTATIONS OUT [key=value ...]} annotations=$2 out=$3
soco=${SOCO_BIN:-$(dirname "${BASH_SOURCE[0]}")/../../build/release/bin/soco}
mkdir -p "$out"
python3 - "$annotations" "$out/labels.json" <<'PY'
import json, sys
labels = json.load(open(sys.argv[1]))
objects = {a["image_id"] for a in labels["annotations"] if not a["iscrowd"]}
labels["images"] = [image for image in labels["images"] if image["id"] in objects][:16]
chosen = {image["id"] for image in labels["images"]}
labels["annotations"] = [a for a in labels["annotations"] if a["image_id"] in chosen]
json.dump(labels, open(sys.argv[2], "w"))
PY
exec "$soco" finetune --images "$images" --annotations "$out/labels.json" --val-images "$images" \
  --val-annotations "$out/labels.json" --out "$out/run" --config mask_rcnn_r18_fpn_small train.epochs=auto \
  train.steps="${STEPS:-1200}" train.batch_size=4 solver.base_lr=0.16 model.backbone_width=32 \
  input.short_edges=[480] input.max_edge=640 input.test_short_edge=480 input.test_max_edge=640 input.flip_prob=0 \
  model.rpn.train_candidates=1000 model.rpn.train_proposals=500 model.rpn.test_candidates=1000 model.rpn.test_proposals=500 \
  model.roi_heads.samples_per_image=64 model.roi_heads.positive_ratio=0.5 model.roi_heads.class_agnostic_boxes=true \
  model.masks.class_agnostic=true "${@:4}"
