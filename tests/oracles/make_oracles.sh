#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the oracles whose results the C++ tests read:  make_oracles.sh PYTHON OUT_DIR
# Each one whose modules are missing is skipped by name; one whose results are newer than its script is left as it is.
# An oracle that fails is named and makes the exit code 1; the others still run.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: make_oracles.sh PYTHON OUT_DIR" >&2; exit 2; }
python=$1
out=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
failed=
mkdir -p "$out"

# oracle NAME SCRIPT "MODULES" OUTPUT
oracle() {
  local name=$1 script=$here/$2 module
  if [ -e "$out/$4" ] && [ "$out/.$name" -nt "$script" ] && [ "$out/.$name" -nt "$here/safetensors_io.py" ] &&
    [ "$out/.$name" -nt "$here/detection_cases.py" ] && [ "$out/.$name" -nt "$here/random_picture.py" ]; then return 0; fi
  for module in $3; do
    "$python" -c "import $module" 2>/dev/null || { echo "SKIPPED oracle $name: no module $module"; return 0; }
  done
  echo "oracle $name"
  if "$python" "$script" "$out/$4"; then
    touch "$out/.$name"
  else
    echo "FAILED oracle $name" >&2
    failed=yes
  fi
}

oracle image image_oracle.py "numpy PIL torch torchvision" image
oracle detection_sample detection_sample_oracle.py "numpy PIL" detection_sample.safetensors
oracle photometric photometric_oracle.py "numpy PIL torch torchvision" photometric
oracle colour_space colour_space_oracle.py "numpy skimage" colour_space.json
oracle selective_search selective_search_oracle.py "numpy PIL skimage" selective_search
[ -z "${SOCO_COCO_PYTHON:-}" ] || python=$SOCO_COCO_PYTHON
oracle proposal_recall proposal_recall_oracle.py "numpy pycocotools.cocoeval" proposal_recall
oracle detection detection_oracle.py "numpy pycocotools.cocoeval" detection
oracle lvis lvis_oracle.py "numpy pycocotools.mask" lvis.json
oracle polygon_target polygon_target_oracle.py "numpy pycocotools.mask" polygon_target.json
python=$1
oracle bitmap_target bitmap_target_oracle.py "numpy torch torchvision" bitmap_target.json
oracle roi_align roi_align_oracle.py "numpy torch torchvision" roi_align.safetensors
oracle resnet resnet_oracle.py "numpy torch torchvision" .
oracle detector detector_oracle.py "numpy torch torchvision" detector.safetensors
oracle schedule schedule_oracle.py "numpy torch" schedule.safetensors
# The oracle of tests/integration/test_replay.py makes its files there; here it is checked itself.
[ "$here/training_step_oracle.py" -nt "$out/.training_step_check" ] && rm -f "$out/.training_step_check"
oracle training_step_check training_step_check.py "numpy torch torchvision" training_step_check.txt
[ -z "$failed" ]
