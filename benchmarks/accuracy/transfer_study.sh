#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does pretraining transfer? Detectors learn from a share of the labels, from nothing, from SoCo-FPN and from image-level BYOL of
# the same backbone, which saw the same images as often, without labels; under three seeds.
#   benchmarks/accuracy/probe_study.py --out STUDY --seeds 0 --epochs 72 --keep
#   benchmarks/accuracy/transfer_study.sh STUDY [key=value ...]
# What is finished is kept: the same command goes on where it was stopped. Result: STUDY/transfer/study.md and study.svg.
# FRACTIONS (5), STEPS (1000), SEEDS (3), JOBS (2) and WIDTH (16, as that of probe_study.py) may be set.
set -euo pipefail
study=${1:?usage: transfer_study.sh STUDY [key=value ...]}
soco=${SOCO_BIN:-$(dirname "${BASH_SOURCE[0]}")/../../build/release/bin/soco}
labels=$study/scenes/annotations
"$soco" study --images "$study/scenes/train" --train "$labels/instances_train.json" --val-images "$study/scenes/val" \
  --val "$labels/instances_val.json" --out "$study/transfer" --config mask_rcnn_r18_fpn_tiny \
  --inits "random,soco=$study/soco.0,byol=$study/byol.0" --fractions "${FRACTIONS:-5}" --steps "${STEPS:-1000}" --seeds "${SEEDS:-3}" \
  --jobs "${JOBS:-2}" train.num_threads=1 model.backbone_width="${WIDTH:-16}" "${@:2}"
