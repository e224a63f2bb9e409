// SPDX-License-Identifier: MIT
#pragma once
#include <string>

namespace soco {

/// Runs `command` of the training library (libsoco_train.so), which is loaded only now: it brings libtorch, which takes
/// a second to load, and no other command should wait for it or need it installed.
/// Errors: kFailed when the library cannot be loaded, with the loader's reason and the remedy.
int run_in_training_library(const std::string& command, int argc, char** argv);

}  // namespace soco
