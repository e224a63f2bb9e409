// SPDX-License-Identifier: MIT
// A part of an image file: two bytes each of the region's place and size as shares of the picture, one of the scale and
// the speed, then the file. A region at full scale is refused when the whole is, and else has its pixels; those of a
// JPEG are libjpeg's own.
#include <algorithm>
#include <optional>

#include "fuzz/fuzz.h"
#include "soco/image/codec.h"
#include "tests/image/jpeg_files.h"

namespace {

constexpr std::size_t kHeadBytes = 5;

/// From `low` and `length`, shares in 255ths, to a part of `size` px that is not empty.
std::pair<int, int> part_of(int size, int low, int length) {
  const int first = std::min(size - 1, size * low / 255);
  return {first, std::clamp(size * length / 255, 1, size - first)};
}

soco::DecodeRequest request_of(const std::uint8_t* head, const soco::ImageInfo& info) {
  const auto [x, width] = part_of(info.width, head[0], head[2]);
  const auto [y, height] = part_of(info.height, head[1], head[3]);
  soco::DecodeRequest request{.region = {x, y, width, height}, .scale = 1 << (head[4] & 3), .fast = (head[4] & 4) != 0};
  if ((head[4] & 8) != 0) request.region = {};
  return request;
}

bool covers(const soco::DecodedPart& part, const soco::CropRect& region) {
  return part.x <= region.x && part.y <= region.y &&
         region.x + region.width <= part.x + part.image.width * part.scale &&
         region.y + region.height <= part.y + part.image.height * part.scale;
}

bool same_pixels(const soco::DecodedPart& part, const soco::Image& whole) {
  for (int y = 0; y < part.image.height; ++y) {
    const std::uint8_t* expected = whole.row(part.y + y) + 3 * part.x;
    if (!std::equal(expected, expected + 3 * part.image.width, part.image.row(y))) return false;
  }
  return true;
}

std::optional<soco::Image> whole_of(std::span<const std::byte> bytes, const soco::DecodeLimits& limits) {
  std::optional<soco::Image> image;
  soco::fuzz::expect_error_or_success([&] { image = soco::decode_image(bytes, "fuzz", limits); });
  return image;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  if (size < kHeadBytes) return 0;
  static DecodedPart part;  // its memory is used again, as a loader's worker does
  const auto bytes = fuzz::bytes_of_input(data + kHeadBytes, size - kHeadBytes);
  const DecodeLimits limits{.max_pixels = 1 << 14, .max_scans = 20};
  return fuzz::expect_error_or_success([&] {
    const DecodeRequest request = request_of(data, probe_image(bytes, "fuzz", limits));
    bool decoded = false;
    fuzz::expect_error_or_success([&] {
      decode_image_part(bytes, "fuzz", limits, request, part);
      decoded = true;
    });
    if (decoded) SOCO_ASSERT(covers(part, request.region));
    if (request.scale > 1 || request.fast) return;
    const std::optional<Image> whole = whole_of(bytes, limits);
    SOCO_ASSERT(decoded == whole.has_value());
    if (!decoded) return;
    SOCO_ASSERT(same_pixels(part, *whole));
    if (const auto expected = soco::testing::decoded_by_libjpeg(bytes)) SOCO_ASSERT(*expected == *whole);
  });
}
