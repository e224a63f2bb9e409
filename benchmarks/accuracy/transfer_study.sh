#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does pretraining transfer? On synthetic scenes SoCo-FPN and image-level BYOL of the same backbone pretrain for the same number of
# epochs, without labels; then detectors start from both and from nothing, with a share of the labels, under three seeds.
#   benchmarks/accuracy/transfer_study.sh OUT
# What is finished is kept: the same command goes on where it was stopped. Result: OUT/study/study.md and study.svg.
# IMAGES (3000), EPOCHS (20), FRACTIONS (5), STEPS (500), SEEDS (3) and JOBS (2) may be set.
set -euo pipefail
out=${1:?usage: transfer_study.sh OUT}
soco=${SOCO_BIN:-$(dirname "${BASH_SOURCE[0]}")/../../build/release/bin/soco}
mkdir -p "$out"

"$soco" synth --out "$out/scenes" --images "${IMAGES:-3000}" width=128 height=96 size_variation=0 categories=4 max_objects=4 \
  min_size=0.2 max_size=0.8 crowd_prob=0 val_ratio=0.15
"$soco" propose --images "$out/scenes/train" --out "$out/proposals.db"

pretrain() { # pretrain NAME RECIPE [words]
  if [ -e "$out/$1/config.toml" ]; then
    "$soco" resume "$out/$1"
  else
    "$soco" pretrain --images "$out/scenes/train" --out "$out/$1" --config "$2" train.epochs="${EPOCHS:-20}" "${@:3}"
  fi
}
pretrain soco cpu/soco_fpn_tiny --proposals "$out/proposals.db"
pretrain byol cpu/byol_image_tiny

labels=$out/scenes/annotations
"$soco" study --images "$out/scenes/train" --train "$labels/instances_train.json" --val-images "$out/scenes/val" \
  --val "$labels/instances_val.json" --out "$out/study" --config mask_rcnn_r18_fpn_tiny \
  --inits "random,soco=$out/soco,byol=$out/byol" --fractions "${FRACTIONS:-5}" --steps "${STEPS:-500}" --seeds "${SEEDS:-3}" \
  --jobs "${JOBS:-2}" train.epochs=auto
