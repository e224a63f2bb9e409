#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Everything CI runs: include rule, the torch-free folders' tests under AddressSanitizer and UndefinedBehaviorSanitizer,
# the loader's under ThreadSanitizer, then unit tests, oracles and integration tests; ends with the summary of the run.
#   scripts/test.sh
#   scripts/test.sh --debian    before it, program and torch folders' tests with GCC and Debian's libtorch
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$SOCO_ROOT"
mode=${1:-}
case "$mode" in "" | --debian) ;; *) die "unknown argument $mode (--debian)" ;; esac

set_up_release all

# Oracles: Debian's torch, torchvision, scikit-image and Pillow in the system's Python; torch 2.x where pip's is there.
oracle_packages=(python3-torch python3-torchvision python3-skimage python3-pil python3-numpy libopenblas0-pthread)
install_packages "${oracle_packages[@]}" || say "SKIPPED installing oracles: ${oracle_packages[*]}"
export SOCO_ORACLE_PYTHON=/usr/bin/python3
install_packages openmpi-bin iproute2 || say "SKIPPED installing mpirun and ip: openmpi-bin iproute2"
if [ -n "$LIBTORCH_DIR" ]; then
  # An environment of our own that sees the wheel: whoever's it is, nothing is installed beside it.
  test_python=.venv-test/bin/python
  [ -x "$test_python" ] || python3 -m venv .venv-test
  dirname "$LIBTORCH_DIR" >"$(echo .venv-test/lib/python3*/site-packages)/soco_libtorch.pth"
  "$test_python" -c 'import numpy, safetensors' 2>/dev/null || "$test_python" -m pip install -q numpy safetensors ||
    say "SKIPPED oracle safetensors: PyPI is out of reach"
  "$test_python" -c 'import onnx, onnxruntime' 2>/dev/null || "$test_python" -m pip install -q onnx onnxruntime ||
    say "SKIPPED oracle onnx_check: PyPI is out of reach"
  if "$test_python" -c 'import pycocotools.cocoeval' 2>/dev/null || "$test_python" -m pip install -q pycocotools; then
    export SOCO_COCO_PYTHON=$SOCO_ROOT/$test_python
    # LVIS's tool without what it draws with.
    "$test_python" -m pip install -q --no-deps lvis || say "SKIPPED oracle lvis: PyPI is out of reach"
  else
    say "SKIPPED oracles proposal_recall, detection and lvis: no pycocotools"
  fi
  export SOCO_ORACLE_PYTHON_TORCH2=$SOCO_ROOT/$test_python
fi
# The Python module, built from this checkout as its users do.
[ -x .venv-test/bin/python ] || python3 -m venv .venv-test
if .venv-test/bin/python -m pip install -q scikit-build-core pybind11 numpy pillow; then
  CXX=$(compiler_for wheel) .venv-test/bin/python -m pip install -q --no-build-isolation --no-deps .
  export SOCO_MODULE_PYTHON=$SOCO_ROOT/.venv-test/bin/python
else
  say "SKIPPED the Python module: PyPI is out of reach"
fi
export SOCO_ORACLE_DIR=$SOCO_ROOT/build/oracles
tests/oracles/make_oracles.sh "$SOCO_ORACLE_PYTHON" "$SOCO_ORACLE_DIR"

say "include rule"
python3 scripts/check_includes.py

say "torch-free folders and fuzz targets under AddressSanitizer and UndefinedBehaviorSanitizer"
[ "${SOCO_COMPILER:-clang}" = gcc ] && { say "SKIPPED the fuzz targets: they need clang"; fuzz=OFF; } || fuzz=ON
configure build/sanitize "$(compiler_for wheel)" -DSOCO_TORCH=OFF -DSOCO_SANITIZE=ON -DSOCO_FUZZ=$fuzz \
  -DCMAKE_BUILD_TYPE=None
build build/sanitize
ctest --test-dir build/sanitize -j "$(nproc)" --output-on-failure -L 'unit|fuzz'

say "the loader's tests under ThreadSanitizer"
configure build/tsan "$(compiler_for wheel)" -DSOCO_TORCH=OFF -DSOCO_TSAN=ON -DCMAKE_BUILD_TYPE=None
build build/tsan test_data
if build/tsan/tests/test_data --gtest_list_tests >/dev/null 2>&1; then
  TSAN_OPTIONS=halt_on_error=1 SOCO_TEST_DIR=tests build/tsan/tests/test_data --gtest_brief=1 \
    --gtest_filter='DataLoader*:DetectionLoader*:PretrainDataset*'
else
  say "SKIPPED ThreadSanitizer: it does not start under this kernel's layout of memory"
fi

if [ "$mode" = --debian ]; then
  install_packages libtorch-dev libopenblas0-pthread || die "Debian's libtorch could not be installed"
  say "torch folders with Debian's libtorch $(dpkg-query -W -f='${Version}' libtorch-dev)"
  configure build/debian g++ -DSOCO_LIBTORCH_DIR=
  build build/debian soco test_layers test_solver test_modeling test_engine
  ctest --test-dir build/debian --output-on-failure -R '^(layers|solver|modeling|engine|integration_replay|integration_export)$'
fi

say "main run: all tests, libtorch ${LIBTORCH_DIR:-of Debian}; skipped tests are named below"
SKIPS=build/skipped.txt
ctest --test-dir build/release -j "$(nproc)" --output-on-failure --output-log "$SOCO_ROOT/build/release/test.log"
grep -hE 'SKIPPED' build/release/Testing/Temporary/LastTest.log | sort -u >"$SKIPS" || true
[ -s "$SKIPS" ] && { say "skipped:"; cat "$SKIPS"; }
grep "tests passed" "$SOCO_ROOT/build/release/test.log"
