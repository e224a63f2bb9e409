// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "soco/structures/host_tensor.h"

namespace soco {

/// One rule between our parameter names and a format's. A pattern is text with placeholders: `{s}` stands for a whole
/// number, `{s-1}` on the other side for that number less one, and `*` at the end for the rest of the name. Rules read
/// both ways, so that one table serves export and import.
///   {"res{s}.{b}.conv{c}.norm.*", "layer{s-1}.{b}.bn{c}.*"}:  res2.0.conv1.norm.bias <-> layer1.0.bn1.bias
struct KeyRule {
  std::string ours;
  std::string theirs;
};

/// What a pattern's placeholders stood for: numbers by letter, and the rest, a part of the name that was matched.
/// Without memory of its own: a network's names are tried against some hundred patterns each.
struct PatternMatch {
  static constexpr std::size_t kMaxNumbers = 8;  // different letters of one pattern
  std::array<std::pair<char, long>, kMaxNumbers> numbers;
  std::size_t num_numbers = 0;
  std::string_view rest;

  /// What `{letter}` stood for, which the pattern must have.
  long number(char letter) const;
  void set_number(char letter, long value);
};

/// Matches a whole name, which must outlive the result. Numbers are written without sign or leading zeros.
std::optional<PatternMatch> match_pattern(std::string_view pattern, std::string_view name);

/// The name that a pattern makes from what another one matched.
std::string fill_pattern(std::string_view pattern, const PatternMatch& match);

/// The format's name by the first rule that matches ours; nothing when none does.
std::optional<std::string> theirs_from_ours(const std::vector<KeyRule>& rules, std::string_view ours);

/// Our name by the first rule that matches the format's; nothing when none does.
std::optional<std::string> ours_from_theirs(const std::vector<KeyRule>& rules, std::string_view theirs);

/// A format's map: rules, and beginnings and an end of our names that have no place in it.
struct KeyMap {
  std::vector<KeyRule> rules;
  std::vector<std::string> skipped_prefixes;
  std::string skipped_suffix = {};
};

/// A state dict under a format's names.
struct MappedStateDict {
  StateDict tensors;
  std::vector<std::pair<std::string, std::string>> keys;  // ours -> theirs
  std::vector<std::string> skipped;                       // ours
};

/// Renames all tensors. Errors: a name that neither a rule nor a skipped beginning knows, two of ours that meet in one
/// name, no tensor that a rule matches.
MappedStateDict map_state_dict(const StateDict& ours, const KeyMap& map, std::string_view format_name);

/// Rules for a ResNet trunk under our `ours_prefix` in torchvision's names under `theirs_prefix`: bottleneck and basic
/// blocks alike.
void add_torchvision_trunk(std::vector<KeyRule>& rules, const std::string& ours_prefix,
                           const std::string& theirs_prefix);

}  // namespace soco
