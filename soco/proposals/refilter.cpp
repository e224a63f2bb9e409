// SPDX-License-Identifier: MIT
#include "soco/proposals/refilter.h"

#include <fmt/format.h>

#include <string_view>

#include "soco/proposals/new_store.h"

namespace soco {

std::string refiltered_options_text(const std::string& options, const FilterOptions& filter) {
  constexpr std::string_view kUnfiltered = " filter=none";
  std::string text = options;
  if (text.ends_with(kUnfiltered)) text.resize(text.size() - kUnfiltered.size());
  return fmt::format("{} filter={}", text, to_string(filter));
}

std::int64_t refilter_store(const ProposalStore& store, const std::filesystem::path& out, const FilterOptions& filter) {
  NewStore filtered(out, refiltered_options_text(store.options(), filter));
  store.for_each([&](const ProposalRecord& row) {
    ProposalRecord kept = row;
    ProposalSet& set = kept.proposals;
    if (row.error.empty()) set.boxes = filter_proposals(set.boxes, set.height, set.width, filter);
    filtered.add(std::move(kept));
  });
  filtered.commit();
  return filtered.num_boxes();
}

}  // namespace soco
