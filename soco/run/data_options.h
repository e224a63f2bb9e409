// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "soco/config/options.h"
#include "soco/image/codec.h"

namespace soco {

/// Limits on the images read.
struct DataOptions {
  double max_bad_ratio = 0.01;
  std::int64_t max_pixels = 178'956'970;
  std::int64_t max_file_mib = 64;
  bool apply_exif = false;

  template <class V>
  void visit(V& v) {
    v.field("max_bad_ratio", max_bad_ratio,
            "share of unusable images above which the run stops (a few are always allowed)", Range<double>{0, 1});
    v.field("max_pixels", max_pixels, "images with more pixels are refused before they are decoded",
            Range<std::int64_t>{1, 1ll << 40});
    v.field("max_file_mib", max_file_mib, "image files larger than this are refused, MiB",
            Range<std::int64_t>{1, 1 << 20});
    v.field("apply_exif", apply_exif, "turn images as their EXIF orientation says (the release does not)");
  }

  DecodeLimits decode_limits() const {
    return {.max_pixels = max_pixels,
            .max_file_bytes = static_cast<std::uint64_t>(max_file_mib) << 20,
            .apply_exif = apply_exif};
  }
};

}  // namespace soco
