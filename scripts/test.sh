#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Everything CI runs: include rule, unit tests, oracles, integration tests, sanitizers, both libtorch families.
#   scripts/test.sh            all of it
#   scripts/test.sh --quick    unit and integration tests with the chosen libtorch alone
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$SOCO_ROOT"
quick=no
[ "${1:-}" = --quick ] && quick=yes

set_up_release
export SOCO_BIN

# Oracles: Debian's torch, torchvision, scikit-image and Pillow (one interpreter), and torch 2.x where pip's is there.
oracle_packages=(python3-torch python3-torchvision python3-skimage python3-pil python3-numpy libopenblas0-pthread)
install_packages "${oracle_packages[@]}" || say "SKIPPED installing oracles: ${oracle_packages[*]}"
export SOCO_ORACLE_PYTHON=/usr/bin/python3
if [ -n "$LIBTORCH_DIR" ]; then
  python=$(dirname "$(dirname "$(dirname "$(dirname "$LIBTORCH_DIR")")")")/bin/python
  if [ -x "$python" ]; then
    "$python" -c 'import numpy, safetensors' 2>/dev/null || "$python" -m pip install -q numpy safetensors ||
      say "SKIPPED oracle safetensors: PyPI is out of reach"
    export SOCO_ORACLE_PYTHON_TORCH2=$python
  fi
fi
export SOCO_ORACLE_DIR=$SOCO_ROOT/build/oracles
tests/oracles/make_oracles.sh "$SOCO_ORACLE_PYTHON" "$SOCO_ORACLE_DIR"

say "include rule"
python3 scripts/check_includes.py

say "tests, libtorch ${LIBTORCH_DIR:-of Debian}"
ctest --test-dir build/release --output-on-failure
[ "$quick" = yes ] && exit 0

say "torch-free folders under AddressSanitizer and UndefinedBehaviorSanitizer"
configure build/sanitize -DSOCO_TORCH=OFF -DSOCO_SANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo
build build/sanitize
ctest --test-dir build/sanitize --output-on-failure -L unit

# The other libtorch family: Debian's when pip's was taken. (The other way round there may be no PyPI.)
if [ -n "$LIBTORCH_DIR" ]; then
  if install_packages libtorch-dev; then
    say "torch folders with Debian's libtorch $(dpkg-query -W -f='${Version}' libtorch-dev)"
    configure build/debian -DSOCO_LIBTORCH_DIR=
    build build/debian
    SOCO_BIN=$SOCO_ROOT/build/debian/bin/soco ctest --test-dir build/debian --output-on-failure \
      -R '^(layers|solver|modeling|engine|integration_replay|integration_export)$'
  else
    say "SKIPPED Debian's libtorch: it could not be installed"
  fi
fi

say "summary of the main test run (libtorch ${LIBTORCH_DIR:-of Debian}):"
grep -E 'tests passed|tests failed' build/release/Testing/Temporary/LastTest.log || true
ctest --test-dir build/release -N | tail -1
