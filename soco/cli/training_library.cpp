// SPDX-License-Identifier: MIT
#include "soco/cli/training_library.h"

#include <dlfcn.h>

#include <filesystem>
#include <vector>

#include "soco/base/error.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

fs::path find_training_library() {
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path();
  for (const fs::path& folder : {program, program.parent_path() / "lib" / "soco", program.parent_path() / "lib"})
    if (fs::exists(folder / "libsoco_train.so")) return folder / "libsoco_train.so";
  fail(
      "libsoco_train.so is not beside {} nor in lib/soco: this build has no training; build with SOCO_TORCH=ON "
      "(scripts/build.sh does)",
      program.string());
}

}  // namespace

int run_in_training_library(const std::string& command, int argc, char** argv) {
  const fs::path path = find_training_library();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    fail("{} cannot be loaded: {}; is libtorch still where it was at build time?", path.string(), dlerror());
  using Entry = int (*)(const char*, int, char**);
  const auto entry = reinterpret_cast<Entry>(dlsym(library, "soco_training_command"));
  if (entry == nullptr) fail("{} is of another version: {}", path.string(), dlerror());
  return entry(command.c_str(), argc, argv);
}

}  // namespace soco
