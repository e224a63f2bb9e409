// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "soco/proposals/region.h"

namespace soco {

/// Merges the most similar pair of neighbours until no neighbours are left, appending each merged region. Equal
/// similarities: the pair that became neighbours last comes first. A merged region inherits the neighbours of both its
/// parts. Regions whose boxes never hold a corner of each other stay apart, so there may be several trees at the end.
/// `image_size`: pixels of the image. Returns the initial regions, then the merged ones in order.
std::vector<Region> group_regions(std::vector<Region> regions, std::int64_t image_size);

}  // namespace soco
