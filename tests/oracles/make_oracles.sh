#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the oracles whose results the C++ tests read:  make_oracles.sh PYTHON OUT_DIR
# Each one whose modules are missing is skipped by name; one whose results are newer than its script is left as it is.
set -euo pipefail
python=$1
out=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$out"

# oracle NAME SCRIPT "MODULES" OUTPUT
oracle() {
  local name=$1 script=$here/$2 module missing=
  for module in $3; do "$python" -c "import $module" 2>/dev/null || missing=$module; done
  if [ -n "$missing" ]; then
    echo "SKIPPED oracle $name: $python has no module $missing"
    return 0
  fi
  [ "$out/.$name" -nt "$script" ] && return 0
  echo "oracle $name"
  "$python" "$script" "$out/$4"
  touch "$out/.$name"
}

oracle image image_oracle.py "numpy PIL torchvision" image
oracle selective_search selective_search_oracle.py "numpy PIL skimage" selective_search
oracle roi_align roi_align_oracle.py "numpy torch torchvision" roi_align.safetensors
oracle resnet resnet_oracle.py "numpy torch torchvision" .
oracle schedule schedule_oracle.py "numpy torch" schedule.safetensors
