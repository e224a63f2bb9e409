#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fuzzes every reader of foreign bytes under AddressSanitizer and UndefinedBehaviorSanitizer:
#   scripts/fuzz.sh [SECONDS [TARGET ...]]   (default 60 seconds each, all targets)
# Builds in build/sanitize, which the tests use too. New inputs gather in build/fuzz/corpus/TARGET, findings in
# build/fuzz/findings; exits 1 when there is one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-60}
[[ $seconds =~ ^[0-9]+$ ]] || { echo "fuzz.sh: SECONDS is '$seconds', expected a whole number" >&2; exit 2; }
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(image image_part archive image_list json coco_results voc yolo release_json store row_codec
  safetensors pickle weights)

generator=()
command -v ninja >/dev/null && generator=(-G Ninja)
cmake -S . -B build/sanitize "${generator[@]}" -DCMAKE_CXX_COMPILER="${CXX:-clang++-14}" -DCMAKE_BUILD_TYPE=None \
  -DSOCO_TORCH=OFF -DSOCO_SANITIZE=ON -DSOCO_FUZZ=ON
cmake --build build/sanitize --target "${targets[@]/#/fuzz_}"

mkdir -p build/fuzz/findings
failed=()
for target in "${targets[@]}"; do
  found=build/fuzz/corpus/$target
  mkdir -p "$found"
  echo "fuzz $target for $seconds s"
  # An image of a few pixels or a small file reaches everything; longer inputs only slow the search down.
  build/sanitize/fuzz/fuzz_"$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=16384 \
    -print_final_stats=1 -verbosity=0 -artifact_prefix=build/fuzz/findings/"$target"- "$found" \
    tests/fuzz_corpus/"$target" || failed+=("$target")
done
[ ${#failed[@]} -eq 0 ] || { echo "findings in: ${failed[*]}, see build/fuzz/findings" >&2; exit 1; }
echo "no finding"
