// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>

namespace soco {

inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 7;

/// The dots of an ASCII character 32..126 (of '?' for any other): rows from the top, '#' set and '.' not, with a '/'
/// after each row but the last.
std::string_view glyph(char letter);

/// Whether the dot in `column`, `row` of glyph() is set.
inline bool has_dot(std::string_view dots, int column, int row) {
  return dots[static_cast<std::size_t>(row * (kGlyphWidth + 1) + column)] == '#';
}

}  // namespace soco
