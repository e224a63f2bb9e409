// SPDX-License-Identifier: MIT
#include "soco/proposals/filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>

#include "soco/base/error.h"
#include "soco/proposals/release_box.h"

namespace soco {
namespace {

constexpr std::string_view kFilterForm = "none, or a list such as ratio=3,size=0.3:0.8,min=32,dedup";

bool has_sides(const ReleaseBox& b, const FilterOptions& o) { return b.w >= o.min_side && b.h >= o.min_side; }

bool has_ratio(const ReleaseBox& b, const FilterOptions& o) {
  const double ratio = static_cast<double>(b.w) / b.h;  // w = 0 or h = 0 gives 0, infinity or NaN: no ratio
  return 1.0 / o.max_ratio <= ratio && ratio <= o.max_ratio;
}

bool has_size(const ReleaseBox& b, double image_side, const FilterOptions& o) {
  const double ratio = std::sqrt(static_cast<double>(b.w) * b.h) / image_side;
  return o.min_size_ratio <= ratio && ratio <= o.max_size_ratio;
}

template <class Keep>
std::vector<Box> keep_if(const std::vector<Box>& boxes, const Keep& keep) {
  std::vector<Box> kept;
  kept.reserve(boxes.size());
  for (const Box& box : boxes) {
    if (keep(release_box_from_box(box))) kept.push_back(box);
  }
  return kept;
}

std::vector<Box> without_repeats(const std::vector<Box>& boxes) {
  std::set<std::array<float, 4>> seen;
  std::vector<Box> unique;
  for (const Box& b : boxes) {
    if (seen.insert({b.x1, b.y1, b.x2, b.y2}).second) unique.push_back(b);
  }
  return unique;
}

std::vector<Box> filter_with_fallbacks(const std::vector<Box>& boxes, int height, int width, const FilterOptions& o) {
  const double image_side = std::sqrt(static_cast<double>(width) * height);
  std::vector<Box> kept = keep_if(
      boxes, [&](const ReleaseBox& b) { return has_sides(b, o) && has_ratio(b, o) && has_size(b, image_side, o); });
  if (kept.empty()) kept = keep_if(boxes, [&](const ReleaseBox& b) { return has_sides(b, o) && has_ratio(b, o); });
  if (kept.empty()) kept = keep_if(boxes, [&](const ReleaseBox& b) { return has_sides(b, o); });
  return kept;
}

template <class T>
T parse_number(std::string_view text, T min, T max, std::string_view part) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= min && value <= max)) {
    fail_usage("filter: '{}' in '{}' is not a number from {} to {}", text, part, min, max);
  }
  return value;
}

void apply_part(std::string_view part, FilterOptions& o) {
  const std::size_t equals = part.find('=');
  const std::string_view key = part.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
  if (part == "dedup") {
    o.deduplicate = true;
  } else if (key == "ratio" && !value.empty()) {
    o.max_ratio = parse_number<double>(value, 1, 1e6, part);
  } else if (key == "min" && !value.empty()) {
    o.min_side = parse_number<int>(value, 0, 1 << 20, part);
  } else if (key == "size" && value.find(':') != std::string_view::npos) {
    const std::size_t colon = value.find(':');
    o.min_size_ratio = parse_number<double>(value.substr(0, colon), 0, 1, part);
    o.max_size_ratio = parse_number<double>(value.substr(colon + 1), 0, 1, part);
  } else {
    fail_usage("filter: '{}' is not understood; expected {}", part, kFilterForm);
  }
}

}  // namespace

void FilterOptions::validate() const {
  if (min_size_ratio > max_size_ratio) {
    fail_usage("filter: min_size_ratio = {} is greater than max_size_ratio = {}", min_size_ratio, max_size_ratio);
  }
}

std::vector<Box> filter_proposals(const std::vector<Box>& boxes, int height, int width, const FilterOptions& options) {
  SOCO_ASSERT(height > 0 && width > 0);
  std::vector<Box> kept = options.enabled ? filter_with_fallbacks(boxes, height, width, options) : boxes;
  if (options.deduplicate) kept = without_repeats(kept);
  if (kept.empty()) kept.push_back({0, 0, static_cast<float>(width), static_cast<float>(height)});
  return kept;
}

FilterOptions parse_filter(std::string_view text) {
  FilterOptions options;
  if (text == "none" || text == "none,dedup") {
    options.enabled = false;
    options.deduplicate = text != "none";
    return options;
  }
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    apply_part(text.substr(begin, end - begin), options);
    begin = end + 1;
  }
  options.validate();
  return options;
}

std::string to_string(const FilterOptions& o) {
  const std::string_view dedup = o.deduplicate ? ",dedup" : "";
  if (!o.enabled) return fmt::format("none{}", dedup);
  return fmt::format("ratio={},size={}:{},min={}{}", o.max_ratio, o.min_size_ratio, o.max_size_ratio, o.min_side,
                     dedup);
}

}  // namespace soco
