// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <bitset>
#include <optional>
#include <string_view>

#include "soco/base/json_reader.h"
#include "soco/structures/annotation.h"

namespace soco {

/// The keys an object must have; seen() is told of each.
template <std::size_t N>
class RequiredKeys {
 public:
  explicit RequiredKeys(const std::array<std::string_view, N>& keys) : keys_(keys) {}
  void seen(std::string_view key) {
    for (std::size_t i = 0; i < N; ++i) {
      if (keys_[i] == key) seen_.set(i);
    }
  }
  /// The first key that was not there; empty when all were.
  std::string_view missing() const {
    for (std::size_t i = 0; i < N; ++i) {
      if (!seen_[i]) return keys_[i];
    }
    return {};
  }
  void check(const JsonReader& json, std::string_view what) const {
    if (!missing().empty()) json.fail_here(fmt::format("this {} has no '{}'", what, missing()));
  }

 private:
  std::array<std::string_view, N> keys_;
  std::bitset<N> seen_;
};

/// Reads [x, y, width, height], or [], which is none. Error for anything else than numbers that an image can reach; the
/// signs of the sizes are not looked at.
std::optional<CocoBox> read_coco_box(JsonReader& json);

/// Reads polygons [[x, y, ...], ...] or a mask {"size": [height, width], "counts": text or [numbers]}; null and [] are
/// none. Numbers are turned to a text. Whether polygons have corners enough and
/// a mask fills its image is not looked at: mask_from_segmentation does.
Segmentation read_coco_segmentation(JsonReader& json);

}  // namespace soco
