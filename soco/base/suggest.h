// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace soco {

/// The candidate with the fewest single-letter edits (swaps of neighbours count one) from the word, case ignored, when
/// those are at most a third of the longer one's letters; the first of equals. "" when none is that near.
std::string closest_match(std::string_view word, const std::vector<std::string>& candidates);

/// "; did you mean 'epochs'?" or "" — to end an error message with.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace soco
