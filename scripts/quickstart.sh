#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The whole path in minutes: install, build, make or take images, propose, pretrain a small SoCo-FPN, export; on synthetic
# scenes, whose labels are known, also fine-tune a detector with and without that, find objects and draw them.
#   scripts/quickstart.sh               on synthetic scenes
#   scripts/quickstart.sh IMAGES_DIR    on your images
# QUICKSTART_STEPS (default 60) sets the steps of pretraining, QUICKSTART_DETECTOR_STEPS (default 100) those of each detector.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
started=$SECONDS
images=${1:-}
if [ -n "$images" ]; then
  [ -d "$images" ] || die "IMAGES_DIR $images: no such folder"
  images=$(cd "$images" && pwd)
fi

set_up_release soco
cd "$SOCO_ROOT"
run=runs/quickstart_$(date +%Y%m%d_%H%M%S)
scenes=
if [ -z "$images" ]; then
  scenes=runs/quickstart_scenes
  images=$scenes/train
  "$SOCO_BIN" synth --out $scenes --images 300 width=128 height=96 size_variation=0 categories=4 max_objects=4 \
    min_size=0.2 max_size=0.8 crowd_prob=0
fi

"$SOCO_BIN" pretrain --images "$images" --out "$run" --config smoke/quickstart train.max_steps="${QUICKSTART_STEPS:-60}"
"$SOCO_BIN" inspect views "$run" --out "$run/views.png"

mkdir -p "$run/exported"
while read -r format file; do
  "$SOCO_BIN" export --from "$run" --format "$format" --out "$run/exported/$file"
done <<'FORMATS'
safetensors soco.safetensors
detectron2 detectron2.pkl
detectron2 detectron2.pth
mmdetection mmdetection.pth
mmdetection-backbone mmdetection_backbone.pth
torchvision torchvision.pth
FORMATS

if [ -n "$scenes" ]; then
  labels=$scenes/annotations
  finetune() { # finetune NAME [--init WEIGHTS]
    "$SOCO_BIN" finetune --images $scenes/train --annotations $labels/instances_train.json --val-images $scenes/val \
      --val-annotations $labels/instances_val.json --out "$run/$1" --config mask_rcnn_r18_fpn_tiny \
      train.epochs=auto train.steps="${QUICKSTART_DETECTOR_STEPS:-100}" "${@:2}"
  }
  finetune detector_from_random
  finetune detector_from_soco --init "$run"
  "$SOCO_BIN" predict --model "$run/detector_from_soco" --images $scenes/val --annotations $labels/instances_val.json \
    --out "$run/predictions.json" --draw "$run/drawn" --draw-score 0.3
  "$SOCO_BIN" evaluate --gt $labels/instances_val.json --dt "$run/predictions.json"
  ap() { sed -n 's/.*"val_box_AP": \([-0-9.e]*\).*/\1/p' "$run/$1/validation.json" | awk '{printf "%.1f", 100 * $1}'; }
fi

say "done in $((SECONDS - started)) s"
cat <<END
run folder:      $run
  log            $run/train.log
  metrics        $run/metrics.jsonl  (and TensorBoard event files)
  views          $run/views.png      (what the network saw: look at it)
exported files:
$(cd "$run/exported" && for file in *; do printf '  %s\n' "$run/exported/$file"; done)
END
if [ -n "$scenes" ]; then
  cat <<END
detectors, box AP on other scenes (so short a training shows that it works, not what it is worth: soco study does):
  from SoCo      $(ap detector_from_soco)
  from nothing   $(ap detector_from_random)
  found objects  $run/predictions.json, drawn in $run/drawn
END
fi
cat <<END
what to do next:
  continue it            $SOCO_BIN resume $run     (after raising train.max_steps in $run/config.toml)
  pretrain for real      $SOCO_BIN pretrain --images IMAGES_DIR --out runs/first
  train a detector       $SOCO_BIN finetune --images IMAGES_DIR --annotations LABELS.json --init runs/first --out runs/detector
  load the weights       docs/export.md has the lines for Detectron2, MMDetection and torchvision
  every command's help   $SOCO_BIN --help
END
