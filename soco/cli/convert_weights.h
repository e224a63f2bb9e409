// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "soco/base/log.h"

namespace soco {

/// The weights' side of `soco convert`.
struct ConvertWeightsArguments {
  std::string from, out, format, architecture;
  bool partial = false, momentum = false, list_keys = false;
};

/// True for a run folder, for the extensions of weights, and for files that begin as pickles or PyTorch archives do.
bool looks_like_weights(const std::string& from);

/// All names that --format takes for weights.
std::string weights_format_names();

/// Reads weights, writes them in the format, prints the report. Returns the exit code.
int convert_weights(const ConvertWeightsArguments& arguments, Logger& log);

}  // namespace soco
