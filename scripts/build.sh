#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing and builds the program: build/release/bin/soco.
#   scripts/build.sh
#   SOCO_LIBTORCH=debian|pip|DIR  SOCO_COMPILER=clang|gcc  scripts/build.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
set_up_release soco
say "built $SOCO_BIN"
