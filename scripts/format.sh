#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Formats the C++ sources with the pinned clang-format; --check only says what differs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t files < <(git ls-files --cached --others --exclude-standard 'soco/*.h' 'soco/*.cpp' 'fuzz/*.h' 'fuzz/*.cpp' 'tests/*.h' 'tests/*.cpp' 'python/*.cpp' 'benchmarks/*.cpp' 'examples/*.cpp')
if [ "${1:-}" = --check ]; then
  clang-format-14 --dry-run --Werror "${files[@]}"
else
  clang-format-14 -i "${files[@]}"
fi
