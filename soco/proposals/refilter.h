// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>

#include "soco/proposals/filter.h"
#include "soco/proposals/store.h"

namespace soco {

/// The options text of a store whose boxes, made with `options`, were filtered afterwards: that of filtering at once
/// when they were not filtered before, so that both can be merged and completed alike.
std::string refiltered_options_text(const std::string& options, const FilterOptions& filter);

/// Writes what `filter` keeps of each image's boxes into a new store at `out`; bad rows stay. Returns the number of
/// boxes. Memory: one batch of rows. Errors leave nothing at `out`: `out` exists, a damaged store.
std::int64_t refilter_store(const ProposalStore& store, const std::filesystem::path& out, const FilterOptions& filter);

}  // namespace soco
