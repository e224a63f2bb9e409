// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "soco/evaluation/feature_probe.h"

namespace soco {

/// A table for the terminal: accuracies beside those of chance, then by class.
std::string probe_table(const FeatureProbe& probe);

/// All figures as JSON; `source`: the network judged.
std::string probe_json(const FeatureProbe& probe, const std::string& source);

}  // namespace soco
