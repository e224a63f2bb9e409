// SPDX-License-Identifier: MIT
#pragma once
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

namespace soco {

/// A finite decimal number that is the whole text; nothing otherwise.
inline std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace soco
