#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does a detector learn? A small Mask R-CNN, from random weights, on synthetic scenes; judged on scenes that it has not seen.
#   benchmarks/accuracy/learning.sh OUT [key=value ...]
# What is finished is kept: the same command goes on where it was stopped. STEPS (4000) of 16 images.
set -euo pipefail
out=${1:?usage: learning.sh OUT [key=value ...]}
soco=${SOCO_BIN:-$(dirname "${BASH_SOURCE[0]}")/../../build/release/bin/soco}
mkdir -p "$out"
"$soco" synth --out "$out/scenes" --images 12600 width=128 height=96 size_variation=0 categories=4 max_objects=3 min_size=0.3 \
  max_size=0.8 crowd_prob=0 val_ratio=0.05
if [ -e "$out/run/config.toml" ]; then
  exec "$soco" resume "$out/run"
fi
labels=$out/scenes/annotations
exec "$soco" finetune --images "$out/scenes/train" --annotations "$labels/instances_train.json" --val-images "$out/scenes/val" \
  --val-annotations "$labels/instances_val.json" --out "$out/run" --config mask_rcnn_r18_fpn_tiny train.epochs=auto \
  train.steps="${STEPS:-4000}" train.batch_size=16 eval.every_steps=500 eval.batch_size=8 "${@:2}"
