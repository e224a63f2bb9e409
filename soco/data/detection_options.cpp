// SPDX-License-Identifier: MIT
#include "soco/data/detection_options.h"

#include "soco/base/error.h"

namespace soco {

void DetectionInputOptions::validate() const {
  if (short_edges.empty()) fail_usage("short_edges is empty; expected one length or more");
  if (short_edge_choice == ShortEdgeChoice::kRange && short_edges.back() < short_edges.front())
    fail_usage("short_edges goes from {} to {}; expected a range that does not fall", short_edges.front(),
               short_edges.back());
  if (mean.size() != 3) fail_usage("mean has {} values; expected 3: red, green, blue", mean.size());
  if (std.size() != 3) fail_usage("std has {} values; expected 3: red, green, blue", std.size());
}

}  // namespace soco
