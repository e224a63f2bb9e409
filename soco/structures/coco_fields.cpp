// SPDX-License-Identifier: MIT
#include "soco/structures/coco_fields.h"

#include <cmath>
#include <cstdlib>
#include <vector>

#include "soco/structures/mask_rle.h"

namespace soco {
namespace {

constexpr double kMaxCoordinate = 1e9;  // px; areas of boxes stay far from overflow
constexpr std::int64_t kMaxCount = std::int64_t{1} << 32;

Polygon read_polygon(JsonReader& json) {
  Polygon polygon;
  json.read_array([&] { polygon.push_back(json.read_number()); });
  return polygon;
}

int read_mask_side(JsonReader& json) {
  const std::int64_t side = json.read_integer();
  if (side < 1 || side > kMaxMaskSide) json.fail_here(fmt::format("{} pixels; expected 1 to {}", side, kMaxMaskSide));
  return static_cast<int>(side);
}

std::int64_t read_count(JsonReader& json) {
  const std::int64_t count = json.read_integer();
  if (std::abs(count) > kMaxCount) json.fail_here(fmt::format("a run of {} pixels", count));
  return count;
}

MaskText read_mask(JsonReader& json) {
  MaskText mask;
  std::vector<int> size;
  std::vector<std::int64_t> counts;
  bool is_text = true;
  RequiredKeys<2> required({"size", "counts"});
  json.read_object([&](const std::string& key) {
    required.seen(key);
    if (key == "size") {
      json.read_array([&] { size.push_back(read_mask_side(json)); });
      if (size.size() != 2) json.fail_here("expected [height, width]");
    } else if (key == "counts") {
      is_text = json.peek() == JsonReader::Kind::kText;
      if (is_text) {
        mask.counts = json.read_text();
      } else {
        json.read_array([&] { counts.push_back(read_count(json)); });
      }
    } else {
      json.skip();
    }
  });
  required.check(json, "segmentation");
  mask.height = size[0];
  mask.width = size[1];
  if (!is_text) mask.counts = text_of_counts(counts);
  return mask;
}

}  // namespace

std::optional<CocoBox> read_coco_box(JsonReader& json) {
  std::array<double, 4> values{};
  std::size_t count = 0;
  json.read_array([&] {
    const double value = json.read_number();
    if (count < 4) values[count] = value;
    ++count;
  });
  if (count == 0) return std::nullopt;
  if (count != 4) json.fail_here(fmt::format("a box of {} numbers; expected [x, y, width, height]", count));
  for (const double value : values) {
    if (std::abs(value) > kMaxCoordinate) json.fail_here(fmt::format("{} px, which no image reaches", value));
  }
  return CocoBox{values[0], values[1], values[2], values[3]};
}

Segmentation read_coco_segmentation(JsonReader& json) {
  Segmentation segmentation;
  switch (json.peek()) {
    case JsonReader::Kind::kNull:
      json.skip();
      break;
    case JsonReader::Kind::kArray:
      json.read_array([&] { segmentation.polygons.push_back(read_polygon(json)); });
      break;
    default:
      segmentation.mask = read_mask(json);
  }
  return segmentation;
}

}  // namespace soco
