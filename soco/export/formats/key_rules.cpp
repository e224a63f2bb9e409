// SPDX-License-Identifier: MIT
#include "soco/export/formats/key_rules.h"

#include <algorithm>
#include <charconv>

#include "soco/base/error.h"

namespace soco {
namespace {

/// A placeholder `{x}`, `{x+1}` or `{x-1}` at the start of `pattern`.
struct Placeholder {
  char letter = 0;
  long shift = 0;
  std::size_t size = 0;
};

Placeholder parse_placeholder(std::string_view pattern) {
  const std::size_t end = pattern.find('}');
  SOCO_ASSERT(end != std::string_view::npos && end >= 2);
  Placeholder placeholder{pattern[1], 0, end + 1};
  if (end > 2) {
    const bool minus = pattern[2] == '-';
    SOCO_ASSERT(minus || pattern[2] == '+');
    std::from_chars(pattern.data() + 3, pattern.data() + end, placeholder.shift);
    if (minus) placeholder.shift = -placeholder.shift;
  }
  return placeholder;
}

/// The digits at the start of a name; empty when there are none, or one zero too many.
std::string_view leading_number(std::string_view name) {
  const std::size_t end = std::min(name.find_first_not_of("0123456789"), name.size());
  if (end > 6 || (end > 1 && name[0] == '0')) return {};
  return name.substr(0, end);
}

}  // namespace

long PatternMatch::number(char letter) const {
  for (std::size_t i = 0; i < num_numbers; ++i)
    if (numbers[i].first == letter) return numbers[i].second;
  SOCO_ASSERT(false);
  return 0;
}

void PatternMatch::set_number(char letter, long value) {
  for (std::size_t i = 0; i < num_numbers; ++i)
    if (numbers[i].first == letter) return void(numbers[i].second = value);
  SOCO_ASSERT(num_numbers < kMaxNumbers);
  numbers[num_numbers++] = {letter, value};
}

std::optional<PatternMatch> match_pattern(std::string_view pattern, std::string_view name) {
  PatternMatch match;
  while (!pattern.empty()) {
    const std::size_t literal = std::min(pattern.find_first_of("{*"), pattern.size());
    if (literal > 0) {
      if (!name.starts_with(pattern.substr(0, literal))) return std::nullopt;
      pattern.remove_prefix(literal);
      name.remove_prefix(literal);
      continue;
    }
    if (pattern[0] == '*') {
      SOCO_ASSERT(pattern.size() == 1);
      if (name.empty()) return std::nullopt;
      match.rest = name;
      return match;
    }
    const Placeholder placeholder = parse_placeholder(pattern);
    const std::string_view digits = leading_number(name);
    if (digits.empty()) return std::nullopt;
    long value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (value < placeholder.shift) return std::nullopt;
    match.set_number(placeholder.letter, value - placeholder.shift);
    pattern.remove_prefix(placeholder.size);
    name.remove_prefix(digits.size());
  }
  return name.empty() ? std::optional(match) : std::nullopt;
}

std::string fill_pattern(std::string_view pattern, const PatternMatch& match) {
  std::string name;
  while (!pattern.empty()) {
    if (pattern[0] == '{') {
      const Placeholder placeholder = parse_placeholder(pattern);
      name += std::to_string(match.number(placeholder.letter) + placeholder.shift);
      pattern.remove_prefix(placeholder.size);
    } else if (pattern == "*") {
      return name.append(match.rest);
    } else {
      name += pattern[0];
      pattern.remove_prefix(1);
    }
  }
  return name;
}

std::optional<std::string> theirs_from_ours(const std::vector<KeyRule>& rules, std::string_view ours) {
  for (const KeyRule& rule : rules)
    if (const auto match = match_pattern(rule.ours, ours)) return fill_pattern(rule.theirs, *match);
  return std::nullopt;
}

std::optional<std::string> ours_from_theirs(const std::vector<KeyRule>& rules, std::string_view theirs) {
  for (const KeyRule& rule : rules)
    if (const auto match = match_pattern(rule.theirs, theirs)) return fill_pattern(rule.ours, *match);
  return std::nullopt;
}

MappedStateDict map_state_dict(const StateDict& ours, const KeyMap& map, std::string_view format_name) {
  MappedStateDict mapped;
  for (const auto& [name, tensor] : ours.entries()) {
    const auto is_prefix = [&name = name](const std::string& prefix) { return name.starts_with(prefix); };
    const bool skip = std::any_of(map.skipped_prefixes.begin(), map.skipped_prefixes.end(), is_prefix) ||
                      (!map.skipped_suffix.empty() && name.ends_with(map.skipped_suffix));
    if (skip) {
      mapped.skipped.push_back(name);
      continue;
    }
    const auto theirs = theirs_from_ours(map.rules, name);
    if (!theirs) fail("'{}' has no place in format {}", name, format_name);
    if (mapped.tensors.find(*theirs) != nullptr)
      fail("two parameters would be '{}' in format {}", *theirs, format_name);
    mapped.tensors.add(*theirs, tensor);
    mapped.keys.emplace_back(name, *theirs);
  }
  if (mapped.tensors.size() == 0)
    fail("nothing to export to format {}: none of its parts is in the network", format_name);
  return mapped;
}

void add_torchvision_trunk(std::vector<KeyRule>& rules, const std::string& ours_prefix,
                           const std::string& theirs_prefix) {
  const std::vector<KeyRule> trunk{{"stem.conv1.norm.*", "bn1.*"},
                                   {"stem.conv1.*", "conv1.*"},
                                   {"res{s}.{b}.conv{c}.norm.*", "layer{s-1}.{b}.bn{c}.*"},
                                   {"res{s}.{b}.conv{c}.*", "layer{s-1}.{b}.conv{c}.*"},
                                   {"res{s}.{b}.shortcut.norm.*", "layer{s-1}.{b}.downsample.1.*"},
                                   {"res{s}.{b}.shortcut.*", "layer{s-1}.{b}.downsample.0.*"}};
  for (const KeyRule& rule : trunk) rules.push_back({ours_prefix + rule.ours, theirs_prefix + rule.theirs});
}

}  // namespace soco
