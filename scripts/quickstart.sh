#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The whole path in minutes: install, build, make or take images, propose, pretrain a small SoCo-FPN, export.
#   scripts/quickstart.sh               on synthetic scenes
#   scripts/quickstart.sh IMAGES_DIR    on your images
# QUICKSTART_STEPS (default 60) sets the number of training steps.
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
if [ -z "$images" ]; then
  images=runs/scenes/train
  "$SOCO_BIN" synth --out runs/scenes --images 250
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

say "done in $((SECONDS - started)) s"
cat <<END
run folder:      $run
  log            $run/train.log
  metrics        $run/metrics.jsonl  (and TensorBoard event files)
  views          $run/views.png      (what the network saw: look at it)
exported files:
$(cd "$run/exported" && for file in *; do printf '  %s\n' "$run/exported/$file"; done)
what to do next:
  continue it            $SOCO_BIN resume $run     (after raising train.max_steps in $run/config.toml)
  pretrain for real      $SOCO_BIN pretrain --images IMAGES_DIR --out runs/first
  load the weights       docs/export.md has the lines for Detectron2, MMDetection and torchvision
  every command's help   $SOCO_BIN --help
END
