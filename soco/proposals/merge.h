// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "soco/base/log.h"

namespace soco {

/// What a merge did.
struct MergeSummary {
  std::int64_t num_images = 0;  ///< rows written, bad ones included
  std::int64_t num_bad = 0;
  std::int64_t num_boxes = 0;
  std::int64_t num_repeated = 0;  ///< rows left out because an equal one was there
};

/// Joins stores (of shards, say) into a new one at `out`, its rows in order of key, reading one row of each at a time.
/// Errors, which leave nothing at `out`: options that differ (two stores and both options are named), one key with
/// different content in two stores, fewer than two sources, a damaged source, `out` exists. Error(kInterrupted) when
/// stop_requested().
MergeSummary merge_stores(const std::vector<std::filesystem::path>& sources, const std::filesystem::path& out,
                          Logger& logger);

}  // namespace soco
