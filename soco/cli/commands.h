// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>
#include <vector>

#include "soco/cli/command_line.h"

namespace soco {

// One function per command, each in the file of its name. Those of training live in the training library.
int run_synth(int argc, char** argv);
int run_propose(int argc, char** argv);
int run_convert(int argc, char** argv);
int run_merge(int argc, char** argv);
int run_evaluate(int argc, char** argv);
int run_export(int argc, char** argv);
int run_inspect(int argc, char** argv);
int run_launch(int argc, char** argv);
int run_study(int argc, char** argv);
int run_verify(int argc, char** argv);
int run_doctor(int argc, char** argv);

/// All commands in the order of the help.
const std::vector<Command>& command_table();

}  // namespace soco
