#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the pinned clang-tidy over the torch-free folders (needs build/core: cmake --preset core).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -d build/core ] || cmake --preset core -DCMAKE_CXX_COMPILER=clang++-14 >/dev/null
git ls-files 'soco/*.cpp' | grep -Ev '^soco/(layers|solver|modeling|engine|cli/train)/' |
  xargs -P "$(nproc)" -n 4 clang-tidy-14 -p build/core --quiet
