#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Functions that the other scripts share: system packages, libtorch, build. Sourced, not run.

SOCO_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SOCO_TORCH_VERSION=${SOCO_TORCH_VERSION:-2.13.0}  # the wheel that is fetched when there is none

say() { printf '== %4d s  %s\n' "$SECONDS" "$*"; }  # seconds since the script began
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Debian packages of program and tests: compiler, build tools, and the libraries of docs/dependencies.md.
SOCO_PACKAGES=(cmake ninja-build ccache pkg-config libjpeg62-turbo-dev libpng-dev libwebp-dev libtiff-dev
  libsqlite3-dev libhwy-dev libcli11-dev libtomlplusplus-dev libfmt-dev nlohmann-json3-dev libxxhash-dev zlib1g-dev
  libarchive-dev libexpat1-dev
  libgtest-dev libgmock-dev python3 python3-venv)
if [ "${SOCO_COMPILER:-clang}" = gcc ]; then SOCO_PACKAGES+=(g++); else SOCO_PACKAGES+=(clang-14 libclang-rt-14-dev g++); fi

# install_packages NAME...: installs what is missing; without root or sudo it says what to install. Returns 1 then.
install_packages() {
  local missing=() name sudo=()
  for name in "$@"; do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo=(sudo)
    else
      printf 'These packages are missing, and there is neither root nor sudo to install them. As root:\n  apt-get install %s\n' \
        "${missing[*]}" >&2
      return 1
    fi
  fi
  say "installing ${missing[*]}"
  "${sudo[@]}" apt-get update -qq || true
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The torch folder of a Python that has a wheel we can build against (2.7 or later: before, wheels used the old ABI).
torch_folder_of() {
  "$1" - 2>/dev/null <<'PY'
import os, re, torch
version = tuple(int(x) for x in re.match(r"(\d+)\.(\d+)", torch.__version__).groups())
folder = os.path.dirname(torch.__file__)
if version >= (2, 7) and os.path.isdir(os.path.join(folder, "include")):
    print(folder)
PY
}

pip_libtorch() {
  local python folder
  for python in "${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/python}" "$SOCO_ROOT/.venv/bin/python" python3; do
    [ -n "$python" ] && folder=$(torch_folder_of "$python") && [ -n "$folder" ] && { echo "$folder"; return 0; }
  done
  [ -x "$SOCO_ROOT/.venv/bin/pip" ] || python3 -m venv "$SOCO_ROOT/.venv" >&2 || return 1
  say "fetching torch $SOCO_TORCH_VERSION into .venv" >&2
  "$SOCO_ROOT/.venv/bin/pip" install -q "torch==$SOCO_TORCH_VERSION" >&2 || return 1
  torch_folder_of "$SOCO_ROOT/.venv/bin/python"
}

# choose_libtorch: sets LIBTORCH_DIR ("" = Debian's) and says which was taken. SOCO_LIBTORCH=pip|debian|DIR decides;
# unset: a wheel that is there, else one fetched, else Debian's where PyPI is out of reach.
choose_libtorch() {
  local wanted=${SOCO_LIBTORCH:-}
  LIBTORCH_DIR=
  case "$wanted" in
    debian) ;;
    pip | "")
      LIBTORCH_DIR=$(pip_libtorch) || LIBTORCH_DIR=
      if [ -z "$LIBTORCH_DIR" ] && [ "$wanted" = pip ]; then die "SOCO_LIBTORCH=pip: no wheel of torch 2.7 or later could be found or fetched"; fi
      ;;
    *)
      [ -d "$wanted/include" ] && [ -d "$wanted/lib" ] || die "SOCO_LIBTORCH=$wanted: a folder with include/ and lib/ of libtorch is needed"
      LIBTORCH_DIR=$(cd "$wanted" && pwd)
      ;;
  esac
  if [ -z "$LIBTORCH_DIR" ]; then
    # Debian's libtorch needs a threaded BLAS beside it: the reference BLAS is twenty times slower.
    install_packages libtorch-dev libopenblas0-pthread || die "no libtorch: PyPI was not reached, and Debian's is not installed"
  fi
  say "libtorch: ${LIBTORCH_DIR:-Debian\'s libtorch-dev $(dpkg-query -W -f='${Version}' libtorch-dev)}"
}

# compiler_for LIBTORCH_DIR: clang compiles against libtorch four times faster, but not against Debian's 1.13, whose headers
# use a vector of an incomplete type that C++20 forbids and GCC lets pass.
compiler_for() {
  if [ "${SOCO_COMPILER:-clang}" = gcc ] || [ -z "$1" ]; then echo g++; else echo clang++-14; fi
}

# configure FOLDER COMPILER [CMAKE ARGUMENTS]
configure() {
  local folder=$1 compiler=$2
  shift 2
  cmake -S "$SOCO_ROOT" -B "$folder" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" "$@" >"$folder.log" 2>&1 ||
    { cat "$folder.log" >&2; die "configuring $folder failed"; }
}

# One compiler job needs up to 1.5 GB against libtorch: fewer jobs than cores where memory is short.
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  [ "$memory" -lt 1 ] && memory=1
  echo $((cores < memory ? cores : memory))
}

# build FOLDER [TARGETS]
build() {
  local folder=$1
  shift
  cmake --build "$folder" -j "$(build_jobs)" ${1:+--target "$@"} || die "building $folder failed"
}

# set_up_release [TARGETS]: everything up to the built program in build/release; sets SOCO_BIN.
set_up_release() {
  install_packages "${SOCO_PACKAGES[@]}" || exit 1
  choose_libtorch
  mkdir -p "$SOCO_ROOT/build"
  configure "$SOCO_ROOT/build/release" "$(compiler_for "$LIBTORCH_DIR")" -DSOCO_LIBTORCH_DIR="$LIBTORCH_DIR"
  build "$SOCO_ROOT/build/release" "$@"
  SOCO_BIN=$SOCO_ROOT/build/release/bin/soco
}
