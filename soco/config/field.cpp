// SPDX-License-Identifier: MIT
#include "soco/config/field.h"

#include <cmath>
#include <cstdlib>

namespace soco::detail {
namespace {

template <class T>
std::string bounds_text(const Range<T>& range) {
  const bool has_min = range.min != std::numeric_limits<T>::lowest();
  const bool has_max = range.max != std::numeric_limits<T>::max();
  if (has_min && has_max) {
    return fmt::format("in {}{}, {}{}", range.min_open ? '(' : '[', range.min, range.max, range.max_open ? ')' : ']');
  }
  if (has_min) return fmt::format("{} {}", range.min_open ? "above" : "at least", range.min);
  if (has_max) return fmt::format("{} {}", range.max_open ? "below" : "at most", range.max);
  return {};
}

}  // namespace

bool is_auto(const ConfigValue& value) {
  const std::string* text = std::get_if<std::string>(&value.data);
  return text != nullptr && *text == kAuto;
}

std::string range_text(std::int64_t min, std::int64_t max) { return bounds_text(Range<std::int64_t>{min, max}); }
std::string range_text(const Range<double>& range) { return bounds_text(range); }

std::string type_problem(const ConfigValue& value, std::string_view expected) {
  return fmt::format("is {}, but must be {}", describe_value(value), expected);
}

std::string integer_problem(std::int64_t value, std::int64_t min, std::int64_t max) {
  if (value >= min && value <= max) return {};
  return fmt::format("is {}, but must be {}", value, range_text(min, max));
}

std::string number_problem(double value, const Range<double>& range) {
  const bool above = range.min_open ? value > range.min : value >= range.min;
  const bool below = range.max_open ? value < range.max : value <= range.max;
  if (above && below) return {};  // false for NaN, which compares with nothing
  const std::string allowed = range_text(range);
  return fmt::format("is {}, but must be {}", value, allowed.empty() ? "a finite number" : allowed);
}

std::string choice_problem(const std::string& value, const std::vector<std::string>& choices) {
  for (const std::string& choice : choices) {
    if (choice == value) return {};
  }
  return fmt::format("is '{}', but must be one of {}{}", shortened(value), join_choices(choices),
                     did_you_mean(value, choices));
}

std::string join_choices(const std::vector<std::string>& choices) { return fmt::format("{}", fmt::join(choices, "|")); }

double shortest_double(float value) { return std::strtod(fmt::format("{}", value).c_str(), nullptr); }

}  // namespace soco::detail
